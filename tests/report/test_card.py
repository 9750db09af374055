"""`dl card`: the whole card of a run, and the runs that have none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Dl
from dl.config.rules import Note
from dl.errors import Mark
from dl.report.ranking import Ranking, Standing, Verdict, keep_audit, keep_ranking, model_of
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.rundir.manifest import publish, sha256
from dl.rundir.record import (
    Confusion,
    Ending,
    Judgement,
    Process,
    RunRecord,
    Trivial,
    read_record,
    write_record,
)
from support.runs import make_run

CASES = Path(__file__).parents[1] / "cases"
CONFIG = b"""\
# yaml-language-server: $schema=dl.schema.json
# Which *species* a flower is,
# by four lengths.
#
#   dl train iris.yaml
data: {source: builtin, dataset: iris}
preprocess: {numeric: standardize}
model: {layers: [{type: Dense, units: 3, activation: softmax}]}
training:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  epochs: 20
  callbacks: [{type: EarlyStopping, patience: 1, restore_best_weights: true}]
"""
METRICS = {
    "train": {"loss": 0.1, "accuracy": 0.98},
    "test": {"loss": 0.5, "accuracy": 29 / 30},
}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    array = {"shape": [4], "type": "float32", "bytes": 480}
    target = {"shape": [], "type": "int32", "bytes": 120}
    record = RunRecord(
        name="iris",
        status="completed",
        started="2026-01-02T00:00:00+00:00",
        process=Process.current(),
        seed=7,
        command=("dl", "train", "iris.yaml"),
        fingerprint="ab" * 32,
        seconds=2.5,
        epochs=3,
        planned=20,
        versions={"python": "3.11.7", "keras": "3.15.1"},
        machine={"processor": "a fast one", "threads": 2, "gpus": []},
        data={
            "train": {"rows": 120, "inputs": array, "targets": target},
            "test": {"rows": 30, "inputs": array, "targets": target},
        },
        trivial=Trivial((0.3,) * 3, "always a_b", {"test": {"loss": 1.1, "accuracy": 1 / 3}}),
        ending=Ending("the validation loss did not improve in 1 epoch", True, 2, 2),
        judgement=Judgement("rows", "", True, Confusion("a|b", "<c>", 2.0), ("plateau",)),
    )
    files = {
        "config.yaml": CONFIG,
        "resolved.yaml": CONFIG,
        "run.json": record.text().encode(),
        "metrics.json": json.dumps(METRICS).encode(),
        "facts.json": json.dumps({"layers": [{"name": "dense", "parameters": 15}]}).encode(),
        "model.h5": b"weights",
    }
    with create_run(tmp_path, "iris", files) as made:
        return made


def test_a_card_has_all_that_the_run_has_kept(dl: Dl, run: RunDirectory, tmp_path: Path) -> None:
    finding = Note("leak", "data", Mark("a.yaml"), "`id` alone tells the *target*", "it leaks", "")
    keep_audit(run, [finding], "")
    standings = (
        Standing("iris/0001", METRICS["test"]),
        Standing("logistic", {"loss": 0.6, "accuracy": 0.9}, 120, 0.5),
    )
    verdict = Verdict("logistic", "accuracy", 0.0667, -0.02, 0.15, 0.95, 0.25, False)
    ranking = Ranking("iris/0001", "test", 30, 30, 120, "accuracy", standings, (verdict,), {})
    keep_ranking(run, ranking, model_of(run))
    outcome = dl("card", "iris", "--runs", tmp_path)
    assert outcome.code == 0, outcome.err
    told = outcome.out.replace(run.typed, "RUN")
    for name, content in (("CONFIG", CONFIG), ("MODEL", b"weights")):
        told = told.replace(sha256(content), f"SUM OF {name}")
    assert told == (CASES / "card.md").read_text(encoding="utf-8")


def test_a_card_of_little_says_what_nobody_has_looked_at(
    dl: Dl, run: RunDirectory, tmp_path: Path
) -> None:
    record = replace(read_record(run), judgement=None, trivial=None, ending=None, data={})
    write_record(run, record)
    publish(run.config, CONFIG.partition(b"#\n")[2].partition(b"\n")[2])
    publish(run.metrics, json.dumps({"validation": {"loss": 0.5}}).encode())
    run.facts.unlink()
    target = tmp_path / "card.md"
    outcome = dl("card", "iris", "--runs", tmp_path, "-o", target)
    assert (outcome.code, outcome.out) == (0, f"{target}\n"), outcome.err
    text = target.read_text(encoding="utf-8")
    assert "_Nobody has said yet: write it as a comment at the top of the config._" in text
    assert "The sizes of the parts were not kept." in text
    assert f"It was not compared with simple models: `dl baseline {run.typed}`" in text
    assert text.partition("## Limits\n\n")[2].partition("\n\n")[0] == (
        "- There is no test part: it was judged on the validation part, by which its training may "
        "have been steered.\n"
        f"- What the training showed was not kept with the run: `dl diagnose {run.typed}`\n"
        f"- Nobody has looked where the data leak: `dl data {run.typed}`\n"
        "- How it does on other data than these parts, or on groups of their rows, is not known."
    )
    assert "interval" not in text


def test_a_run_without_results_has_no_card(dl: Dl, tmp_path: Path) -> None:
    failed = make_run(tmp_path, status="failed", accuracy=None)
    write_record(failed, replace(read_record(failed), error="the disk is full"))
    outcome = dl("card", "digits", "--runs", tmp_path)
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == (
        "error: digits/0001 has no results to make a card of\n"
        "expected: a run whose training has ended\n"
        "found: Failed after 3 epochs: the disk is full\n"
        f"hint: dl show {failed.typed}\n"
    )


def test_a_run_that_is_trained_longer_has_no_card_until_it_is_done(
    dl: Dl, run: RunDirectory, tmp_path: Path
) -> None:
    write_record(run, replace(read_record(run), status="interrupted", epochs=9))
    outcome = dl("card", "iris", "--runs", tmp_path)
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == (
        "error: iris/0001 has no results to make a card of\n"
        "expected: a run whose training has ended\n"
        "found: Interrupted after 9 of 20 epochs\n"
        f"hint: {run.command_to_resume}\n"
    )


def test_a_card_of_an_altered_model_is_refused(dl: Dl, run: RunDirectory, tmp_path: Path) -> None:
    run.model.write_bytes(b"others")
    outcome = dl("card", "iris", "--runs", tmp_path)
    assert (outcome.code, outcome.out) == (4, "")
    assert str(run.model) in outcome.err


def test_a_sweep_has_no_card_but_its_trials_may(dl: Dl) -> None:
    runs = CASES / "earlier_runs" / "runs"
    outcome = dl("card", "search", "--runs", runs)
    assert outcome.code == 4
    assert outcome.err == (
        "error: search/0001 is a sweep, not a run\n"
        "hint: name a trial: search/0001/7; see all: dl compare search/0001\n"
    )


@pytest.mark.parametrize("name", ["logits", "months", "places"])
def test_an_earlier_run_has_a_card(dl: Dl, name: str) -> None:
    run = CASES / "earlier_runs" / "runs" / name / "0001"
    outcome = dl("card", run)
    assert outcome.code == 0, outcome.err
    assert "What the training showed was not kept with the run" in outcome.out
