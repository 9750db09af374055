"""The page of a sweep."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dl.report.sweep_page import sweep_page
from dl.rundir.directory import SweepDirectory
from dl.sweeps.results import Results
from support.sweeps import FakePool, make_sweep, run_loop

GRID = """\
name: search
method: grid
parameters: {model.layers.hidden.units: [4, 8, 16]}
"""


@pytest.fixture
def results(tmp_path: Path) -> Results:
    sweep = make_sweep(tmp_path, GRID)
    loop = run_loop(sweep, tmp_path, FakePool(lambda task: [0.1 * task.key[0], 0.2 * task.key[0]]))
    record = sweep.first_record(("dl", "sweep", "sweep.yaml"))
    return Results.of(SweepDirectory(tmp_path / "run"), record, loop.journal)


def test_the_leaderboard_has_a_row_for_each_setting(results: Results) -> None:
    text = sweep_page(results)
    assert "not tested: one training each" not in text  # of all alike, it is said once
    assert '<th scope="col" class="words">verdict</th>' not in text
    assert "<b>0.6000</b>" in text
    assert "Best of 3 complete settings: units 16. One training each" in text
    assert f"dl sweep best {results.directory.label} &gt; best.yaml" in text
    assert '<section id="learning"' in text


def test_settings_of_too_few_trainings_are_told_apart_from_alike_ones(results: Results) -> None:
    best, other, third = results.trials
    trials = (best, replace(other, p_value=0.6), replace(third, p_value=0.4, unsure=True))
    text = sweep_page(replace(results, trials=trials))
    assert "1 of 2 others cannot be told from it. Of 1 there are too few trainings to tell." in text
    assert text.count('<td class="words">') == 3


def test_the_axes_have_a_line_for_each_setting(results: Results) -> None:
    found = re.search(r'class="coordinates-data">(.*?)</script>', sweep_page(results))
    assert found is not None
    data = json.loads(found[1])
    assert [axis["title"] for axis in data["axes"]] == ["units", "validation accuracy"]
    assert data["axes"][0]["ticks"] == [[0.0, "4"], [0.5, "8"], [1.0, "16"]]
    assert [line["places"][0] for line in data["lines"]] == [0.0, 0.5, 1.0]


def test_a_sweep_without_a_result_says_so(results: Results) -> None:
    unfinished = [replace(t, status="unfinished", scores=(), rank=None) for t in results.trials]
    text = sweep_page(replace(results, trials=tuple(unfinished)))
    assert "No setting is complete yet; 0 of 3 have ended." in text
    assert '<section id="coordinates"' not in text


def test_importance_is_a_bar_for_each_parameter(results: Results) -> None:
    record = replace(results.record, importance={"seed": 0.25, "units": 0.75})
    text = sweep_page(replace(results, record=record))
    assert text.index("<code>units</code></th><td>75%") < text.index("<code>seed</code></th>")
    assert '<section id="importance"' not in sweep_page(results)


def test_the_board_leads_to_the_trainings(results: Results) -> None:
    training = {
        "address": "search/0001/trials/0001/0001",
        "run": "0001/0001",
        "status": "running",
        "epochs": 2,
        "planned": 9,
    }
    text = sweep_page(results, [training])
    link = '<a href="/run/search/0001/trials/0001/0001" aria-label="training 1 of trial 1">1</a>'
    assert link in text
    assert "running, 2/9" in text
    assert "/run/" not in sweep_page(results)
