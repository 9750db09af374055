"""How charts and values become HTML; whole pages are tested beside."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np

from dl.report.charts import Chart, Line, Mark
from dl.report.html import chart_data, document, numbers, script_json, shape


def chart(*lines: Line) -> Chart:
    return Chart("loss", "epoch", "loss", lines, (Mark(2, "best epoch: 2"),))


def test_a_chart_is_plain_data_of_five_digits() -> None:
    data = chart_data(chart(Line("training", (1, 2), np.array([0.1234567, 2.0]))))
    assert data["lines"][0]["y"] == [0.12346, 2.0]
    assert data["marks"] == ({"x": 2, "label": "best epoch: 2"},)
    json.dumps(data)


def test_a_value_that_is_not_finite_is_a_gap() -> None:
    data = chart_data(chart(Line("training", (1, 2, 3), (1.0, math.nan, math.inf))))
    assert data["lines"][0]["y"] == [1.0, None, None]


def test_a_line_of_very_many_points_keeps_every_n_th() -> None:
    places = np.arange(10_000)
    [line] = chart_data(chart(Line("training", places, places)))["lines"]
    assert 1000 < len(line["x"]) <= 1200
    assert line["x"][:2] == [0, 9]


def test_points_are_sorted_and_each_has_a_position_of_its_own() -> None:
    points = Line("rows", (3.0, 1.0, 1.0, 1.0), (30.0, 10.0, 11.0, 12.0), kind="points")
    [line] = chart_data(chart(points))["lines"]
    assert len(set(line["x"])) == 4
    assert line["x"] == sorted(line["x"])
    assert line["y"] == [10, 11, 12, 30]
    assert [round(x, 3) for x in line["x"]] == [1, 1, 1, 3]


def test_a_chart_of_no_points_can_be_drawn() -> None:
    [line] = chart_data(chart(Line("rows", (), (), kind="points")))["lines"]
    assert line["x"] == []


def test_what_the_others_are_held_against_is_grey() -> None:
    assert chart_data(chart(Line("chance", (0, 1), (0, 1), colour=-1)))["lines"][0]["colour"] == -1


def test_the_numbers_of_a_chart_are_a_table_of_at_most_a_hundred_rows() -> None:
    first, second = Line("a", (1, 2), (0.5, 1.5)), Line("b", (2, 3), (2.5, math.nan))
    assert numbers(chart_data(chart(first, second))) == {
        "header": ["epoch", "a", "b"],
        "rows": [["1", "0.5", ""], ["2", "1.5", "2.5"], ["3", "", ""]],
    }
    many = Line("a", range(1000), range(1000))
    assert len(numbers(chart_data(chart(many)))["rows"]) == 100


def test_data_in_a_script_cannot_end_it() -> None:
    text = script_json({"name": "</script><b>&\u2028"})
    assert "<" not in text
    assert json.loads(text) == {"name": "</script><b>&\u2028"}


def test_a_shape_is_written_with_any_for_an_open_size() -> None:
    assert shape((28, None, 3)) == "28 x any x 3"


def test_a_page_of_the_board_has_its_script_and_a_file_has_not() -> None:
    address = "/api/runs"
    values = {"root": "runs", "examples": [], "known": {}, "most": 2000}
    assert address in document("board.html", "Runs", assets=["board.js"], **values)
    assert address not in document("missing.html", "Not found", message="gone", hint="")


def test_pages_and_the_board_are_made_without_what_draws_pictures() -> None:
    heavy = ["matplotlib", "sklearn", "scipy", "pandas", "keras", "tensorflow"]
    code = f"import sys, dl.report.board; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
