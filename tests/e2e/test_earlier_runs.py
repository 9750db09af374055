"""Runs that an earlier version wrote are read by every command: see `cases/earlier_runs`."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import Dl

CASES = Path(__file__).parents[1] / "cases" / "earlier_runs"
OWN_ROWS = ("logits", "refused")
"""Runs whose rows are made by a formula; the files of the others are gone."""
FILES = {"months": "months.csv", "no-header": "no-header.csv", "places": "places.npz"}
LEFT_OUT = """\
warning: CategoricalAccuracy is left out: it does not fit a target of two classes told apart by \
one output; write accuracy
"""
REFUSED = """\
error: refused-interrupted/0001 was trained by an earlier dl, which took what is refused now: \
training.metrics.1 does not fit a target of two classes told apart by one output
expected: a metric for such a target
found: CategoricalAccuracy
hint: train it again; in its config, write accuracy
"""
MEASURED_OTHERWISE = """\
error: how F1Score is measured has changed since logits/0001 was trained
expected: as by an earlier dl
found: as by this one
"""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CASES / "runs", tmp_path / "runs"))


def _numbers(path: Path) -> np.ndarray:
    with path.open() as file:
        return np.array(list(csv.reader(file))[1:], dtype=np.float64)


def _source(name: str) -> tuple[object, ...]:
    return (CASES / FILES[name],) if name in FILES else ("--split", "train")


def test_lists_earlier_runs(dl: Dl, runs: Path) -> None:
    outcome = dl("list", "--runs", runs, "--json")
    assert outcome.code == 0, outcome.err
    assert "damaged" not in outcome.out + outcome.err
    assert all(name in outcome.out for name in ("logits", "refused", *FILES, "interrupted"))
    assert dl("tag", "logits", "--runs", runs).out == "first-try\nold\n"
    assert dl("prune", "--keep", 1, "--dry-run", "--runs", runs).code == 0


@pytest.mark.slow
def test_shows_earlier_sweeps(dl: Dl, runs: Path) -> None:
    for command in (("compare", "search"), ("list", "search"), ("sweep", "best", "search")):
        outcome = dl(*command, "--runs", runs)
        assert outcome.code == 0, f"{command}: {outcome.err}"
    compared = dl("compare", "logits", "refused", "--runs", runs)
    assert compared.code == 0, compared.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logits", "refused", *FILES])
def test_reads_an_earlier_run(name: str, dl: Dl, runs: Path, tmp_path: Path) -> None:
    run, source = runs / name / "0001", _source(name)
    labelled = ("--data", *source) if name in FILES else source
    commands: list[tuple[object, ...]] = [
        ("show", run),
        ("show", run, "--json"),
        ("summary", run),
        ("evaluate", run, *labelled, "-q"),
        ("predict", run, *source, "-o", tmp_path / "predicted.csv", "-q"),
        ("report", run),
        ("diagnose", run, "-q"),
    ]
    for command in (*commands, *([("trace", run, "-q")] if name in OWN_ROWS else [])):
        outcome = dl(*command)
        assert outcome.code == 0, f"{command}: {outcome.err}"
    predicted, before = tmp_path / "predicted.csv", CASES / f"{name}-predicted.csv"
    assert predicted.read_text().splitlines()[0] == before.read_text().splitlines()[0]
    np.testing.assert_allclose(_numbers(predicted), _numbers(before), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_evaluate_leaves_a_metric_out_that_is_refused_now(dl: Dl, runs: Path) -> None:
    outcome = dl("evaluate", runs / "refused" / "0001", "--json", "-q")
    saved = json.loads((runs / "refused" / "0001" / "metrics.json").read_text())["test"]
    assert json.loads(outcome.out)["metrics"]["accuracy"] == pytest.approx(saved["accuracy"])
    assert "CategoricalAccuracy" not in outcome.out
    assert outcome.err == LEFT_OUT


@pytest.mark.slow
def test_f1_of_an_earlier_run_is_that_of_the_second_class(dl: Dl, runs: Path) -> None:
    run = runs / "logits" / "0001"
    with np.load(run / "outputs.npz") as file:
        truth, positive = file["y"].ravel() == 1, file["outputs"].ravel() >= 0
    f1 = 2 * np.sum(truth & positive) / (truth.sum() + positive.sum())
    measured = json.loads(dl("evaluate", run, "--json", "-q").out)["metrics"]
    assert measured["F1Score"] == pytest.approx(f1, abs=1e-6)


@pytest.mark.slow
def test_an_earlier_run_goes_on_only_as_it_was_measured(dl: Dl, runs: Path) -> None:
    refused = dl("train", "--resume", "refused-interrupted", "--epochs", 9, "--runs", runs, "-q")
    assert (refused.code, refused.err) == (4, REFUSED)
    otherwise = dl("train", "--resume", "logits", "--epochs", 3, "--runs", runs, "-q")
    assert otherwise.code == 4
    assert MEASURED_OTHERWISE in otherwise.err


@pytest.mark.slow
def test_an_earlier_run_goes_on_after_its_epochs(dl: Dl, runs: Path) -> None:
    history = runs / "interrupted" / "0001" / "history.csv"
    before = history.read_text().splitlines()
    # Another machine may run this test, hence --force.
    command = ("train", "--resume", "interrupted", "--epochs", len(before) + 1, "--force", "-q")
    outcome = dl(*command, "--runs", runs)
    assert outcome.code == 0, outcome.err
    after = history.read_text().splitlines()
    assert (after[: len(before)], len(after)) == (before, len(before) + 2)
