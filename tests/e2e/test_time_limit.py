"""A training ends with the epoch in which its time is over, and can go on as if it had not."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import Dl
from dl.training import fit
from e2e.conftest import Project

pytestmark = pytest.mark.slow
FILES = ("model.h5", "metrics.json")


@pytest.fixture(autouse=True)
def _epochs_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, still = itertools.count(), SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr(fit, "time", SimpleNamespace(**vars(still), perf_counter=clock.__next__))


def test_it_ends_goes_on_and_is_repeated(
    dl: Dl, drawn: None, project: Project, tmp_path: Path
) -> None:
    runs, whole = tmp_path / "runs", tmp_path / "whole"
    options = ("--epochs", 6, "--runs")
    limited = ("train", project.config, *options, runs, "--set")
    run = runs / "fruit" / "0001"
    outcome = dl(*limited, "training.time_limit=2.5s")
    assert outcome.code == 0
    assert (
        "ended by the time limit of 2.5s after 3 of 6 epochs; to go on: dl train --resume "
        f"{run} --set training.time_limit=null\n"
    ) in outcome.err
    record = json.loads((run / "run.json").read_text())
    assert (record["status"], record["epochs"]) == ("completed", 3)
    assert record["ended_by"] == "time limit of 2.5s"
    assert "Stopped by the time limit of 2.5s at 3 of 6 epochs.\n" in dl("show", run).out
    assert "Stopped by the time limit of 2.5s at 3 of " in (run / "report.html").read_text()

    assert dl("reproduce", run).out == "identical: 3 epochs and model.h5, bit for bit\n"
    assert "fruit/0001 is complete: nothing is left" in dl("train", "--resume", run).err
    more = ("train", "--resume", run, "--set")
    assert dl(*more, "training.time_limit=4s").code == 0  # three of them are used
    assert json.loads((run / "run.json").read_text())["epochs"] == 4
    assert dl(*more, "training.time_limit=null").code == 0

    assert dl("train", project.config, *options, whole).code == 0
    for name in FILES:
        assert (run / name).read_bytes() == (whole / "fruit" / "0001" / name).read_bytes()
    record = json.loads((run / "run.json").read_text())
    assert (record["epochs"], record["ended_by"]) == (6, None)
