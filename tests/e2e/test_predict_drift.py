"""`dl predict --drift`: rows that the training part had nothing like."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import publish
from e2e.conftest import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def odd(project: Project, tmp_path: Path) -> Path:
    """The rows of the project with another unit in a column, and a colour of their own."""
    rows = pd.read_csv(project.data)
    rows["width"] = 10 * rows["width"] + 100
    rows.loc[3, "colour"] = "green"
    rows.to_csv(tmp_path / "odd.csv", index=False)
    return tmp_path / "odd.csv"


def test_ordinary_rows_are_predicted_without_a_word(dl: Dl, project: Project) -> None:
    assert dl("predict", project.run, project.data).err == f"Predicting {project.data}\n"
    assert dl("predict", project.run, project.data, "-q", "--drift", "error").code == 0


def test_odd_rows_are_predicted_with_warnings(dl: Dl, project: Project, odd: Path) -> None:
    outcome = dl("predict", project.run, odd, "-q")
    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == 151
    category, above, shift = outcome.err.splitlines()
    assert category == (
        f"warning: {odd}:5: column 'colour': 1 row has a category that is not in the training "
        "part, such as 'green'; encoded as zeros"
    )
    assert above.startswith(f"warning: {odd}:")
    assert "column 'width': 150 rows are above 2." in above
    assert shift.startswith(f"warning: {odd}: column 'width' has shifted: 100% of the rows are")
    assert dl("predict", project.run, odd, "-q", "--drift", "ignore").err == ""


def test_odd_rows_are_refused_where_that_is_asked_for(
    dl: Dl, project: Project, odd: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.csv").write_text("before")
    outcome = dl("predict", project.run, odd, "-q", "--drift", "error", "-o", tmp_path / "out.csv")
    assert outcome.code == 3
    assert (tmp_path / "out.csv").read_text() == "before"
    lines = [line for line in outcome.err.splitlines() if line]
    assert [line[:7] for line in lines] == ["error: ", "error: ", "error: ", "hint: t", "3 error"]
    assert lines[-2] == ("hint: train again with rows like these, or predict anyway: --drift warn")


def test_a_run_of_before_predicts_but_does_not_know_of_drift(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    old = Path(shutil.copytree(project.run, tmp_path / "run"))
    assert "columns.json" in json.loads((old / "manifest.json").read_text())["files"]
    (old / "columns.json").unlink()
    assert dl("predict", old, project.data, "-q").code == 0
    outcome = dl("predict", old, project.data, "-q", "--drift", "error")
    assert outcome.code == 2
    assert outcome.err == (
        f"error: whether the rows have drifted is not known: an earlier dl trained "
        f"{tmp_path.name}/run, and kept nothing of its rows\n"
        "hint: train again, or leave --drift error out\n"
    )


def test_a_part_of_the_own_data_is_not_compared(dl: Dl, project: Project) -> None:
    outcome = dl("predict", project.run, "--split", "test", "-q", "--drift", "error")
    assert outcome.code == 2
    assert outcome.err == (
        "error: whether the rows have drifted is not known: only rows of a table in a file are "
        "compared with those of the training part\n"
        "hint: leave --drift error out\n"
    )


def test_a_damaged_summary_is_refused(dl: Dl, project: Project, tmp_path: Path) -> None:
    run = Path(shutil.copytree(project.run, tmp_path / "run"))
    (run / "columns.json").write_text("{}")
    outcome = dl("predict", run, project.data, "-q")
    assert outcome.code == 4
    assert outcome.err.startswith(f"error: {run}/columns.json is damaged or was edited\n")


def test_a_summary_of_other_columns_is_refused(dl: Dl, project: Project, tmp_path: Path) -> None:
    run = RunDirectory(Path(shutil.copytree(project.run, tmp_path / "run")))
    publish(run.columns, run.columns.read_bytes().replace(b'"width"', b'"depth"'))
    outcome = dl("predict", run.path, project.data, "-q")
    assert outcome.code == 4
    assert outcome.err.startswith(
        f"error: {run.columns} is damaged: it must be of the columns in preprocess.json\n"
    )


def test_odd_rows_are_told_in_python(project: Project, odd: Path) -> None:
    import dl

    run = dl.load(project.run)
    with pytest.warns(UserWarning, match="column") as told:
        found = run.predict(pd.read_csv(odd), keep=["colour"])
    assert len(found) == 150
    assert any("column 'width' has shifted" in str(warning.message) for warning in told)
    with pytest.raises(dl.DataError, match="column 'colour': 1 row has a category"):
        run.predict(pd.read_csv(odd), drift="error")
    run.predict(pd.read_csv(odd), drift="ignore")
