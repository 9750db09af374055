"""`dl data` on a run: what is found in its data is kept in the run, and stands on its page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import dl as api
from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import publish
from e2e.conftest import Project

pytestmark = pytest.mark.slow


def _copy(project: Project, folder: Path) -> RunDirectory:
    shutil.copytree(project.run, folder / "fruit" / "0001")
    return RunDirectory(folder / "fruit" / "0001")


def test_the_page_of_a_run_has_what_was_found(dl: Dl, project: Project, tmp_path: Path) -> None:
    run = _copy(project, tmp_path)
    before = json.loads(dl("data", project.config, "--json").out)

    found = json.loads(dl("data", "fruit", "--runs", tmp_path, "--json").out)

    assert found["columns"] == before["columns"]
    kept = json.loads(run.audit.read_text())
    assert [one["rule"] for one in kept["findings"]] == [one["rule"] for one in found["findings"]]
    assert dl("report", run.path).code == 0
    assert "Nothing doubtful was found." in run.report.read_text()

    kept["findings"] = [
        {"rule": "target-leak", "path": "a", "message": "tells all", "why": "so", "mended": "b: <1"}
    ]
    publish(run.audit, json.dumps(kept).encode())
    assert dl("report", run.path).code == 0
    page = run.report.read_text()
    assert "<strong>target-leak</strong>: a tells all" in page
    assert "<pre>b: &lt;1</pre>" in page


def test_data_that_have_changed_are_those_of_another_run(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    run = _copy(project, tmp_path)
    fitted = json.loads(run.preprocess.read_text())
    assert api.describe(api.Run(run)).columns.equals(api.describe(project.config).columns)
    fitted["fingerprint"] = fitted["fingerprint"][::-1]
    publish(run.preprocess, json.dumps(fitted).encode())

    outcome = dl("data", run.path)

    assert outcome.code == 4
    assert outcome.err.splitlines()[0].endswith("has changed since the run")
    assert not (tmp_path / "fruit/0002").exists()


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        (
            ["--target", "kind"],
            "--target is for a FILE; a config names its target",
            "dl data {run}",
        ),
        (
            ["--set", "seed=3"],
            "--set changes a config, but a run is as it was trained",
            "dl data {run}/resolved.yaml --set seed=3",
        ),
    ],
)
def test_a_run_takes_no_options_of_others(
    dl: Dl, project: Project, more: list[str], message: str, hint: str
) -> None:
    outcome = dl("data", project.run, *more)
    assert outcome.code == 2
    assert outcome.err == f"error: {message}\nhint: {hint.format(run=project.run)}\n"
