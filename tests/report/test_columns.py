"""The columns of a table on the page of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import Dl
from dl.data.drift import ColumnSummary, summaries_text
from dl.data.profile import Distribution
from dl.report.rows import column_rows
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import publish

AGE = ColumnSummary("age", "numeric", 0, (4, 2, 4), low=1.0, high=9.0, bounds=(2.0, 5.0))
DAY = ColumnSummary("day", "date", 0, (1, 1), low=0.0, high=2 * 864e8, bounds=(864e8,))
WORD = ColumnSummary("word", "categorical", 2, (5, 2, 1, 0), categories=("a", "", "c\n"))


def test_a_column_of_numbers_tells_its_range_median_and_deciles() -> None:
    (row,) = column_rows([AGE], {})
    assert (row.missing, row.values) == ("", "1 to 9, median 5")
    assert row.says == "40% up to 2, 60% up to 5, 100% up to 9"
    assert sum(row.heights) == pytest.approx(10, abs=0.01)
    tenths = np.cumsum(row.heights)
    assert tenths[9] == pytest.approx(6, abs=0.01)  # bins of 0.4 from 1 on: the tenth ends at 5


def test_what_was_counted_is_drawn_unless_gaps_were_filled_in_it() -> None:
    drawn = {"age": Distribution("age", "numbers", (1.0, 5.0, 9.0), (6, 4), 4.0)}
    assert column_rows([AGE], drawn)[0].heights == (6, 4)
    gaps = ColumnSummary("age", "numeric", 10, (4, 2, 4), low=1.0, high=9.0, bounds=(2.0, 5.0))
    (row,) = column_rows([gaps], drawn)
    assert (row.missing, len(row.heights)) == ("50%", 20)


def test_dates_are_told_as_dates_and_a_constant_as_one_value() -> None:
    always = ColumnSummary("one", "numeric", 0, (7, 0), low=3.0, high=3.0, bounds=(3.0,))
    day, one = column_rows([DAY, always], {})
    assert day.values == "1970-01-01 to 1970-01-03, median 1970-01-02"
    assert (one.values, one.says, sum(one.heights)) == ("always 3", "always 3", 7)


def test_categories_are_told_by_their_shares() -> None:
    (row,) = column_rows([WORD], {})
    assert (row.missing, row.heights) == ("20%", (5, 2, 1))
    assert row.values == row.says == "a 62%, (empty) 25%, c 12%"
    many = ColumnSummary(
        "many", "categorical", 0, (*[1] * 20, 80), categories=tuple(map(str, range(20)))
    )
    (row,) = column_rows([many], {})
    assert row.values == "0 1%, 1 1%, 2 1% and over 17 more"
    assert row.says.endswith(", 19 1%, all others 80%")


@pytest.mark.slow
def test_the_page_folds_the_columns_of_pixels_and_does_without_them(
    dl: Dl, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "runs")
    run = RunDirectory(tmp_path / "runs" / "multiclass" / "0001")
    page = run.report.read_text(encoding="utf-8")
    assert page.count("<h3>Columns of the training part</h3>") == 1
    assert "<summary>64 columns</summary>" in page
    assert page.count('<th scope="row">pixel_') == 64
    assert "<h3>Inputs of the training part</h3>" not in page

    run.columns.unlink()
    assert dl("report", run.path).code == 0
    page = run.report.read_text(encoding="utf-8")
    assert "Columns of the training part" not in page
    assert "<h3>Inputs of the training part</h3>" in page


@pytest.mark.slow
def test_the_page_of_other_columns_than_those_that_were_fitted_is_refused(
    dl: Dl, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained / "binary", tmp_path / "binary")
    run = RunDirectory(tmp_path / "binary" / "0001")
    publish(run.columns, summaries_text([AGE]).encode())
    outcome = dl("report", run.path)
    assert (outcome.code, outcome.out) == (4, "")
    assert "columns.json is damaged: it must be of the columns in preprocess.json" in outcome.err
