"""What a training says of its network at its end, beside what NumPy and SciPy say of its rows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from dl.cli.main import run as run_command
from dl.data.dataset import Dataset, read_preprocessing
from dl.data.predictions import answers, read_predictions
from dl.data.target import Target
from dl.data.trivial import constant, in_words, reached
from dl.data.types import Part
from dl.report.facts import RunFacts, answer_facts
from dl.report.judging import Shown, judgement_of
from dl.report.verdict import verdict
from dl.rundir.directory import RunDirectory
from dl.rundir.query import read_entry
from dl.rundir.record import Confusion, Judgement, Trivial, read_record
from support.training import config, preprocessing

RNG = np.random.default_rng(0)
CLASSES = ("a", "b", "c")
MULTI = Target("multiclass", ("y",), "labels", CLASSES, CLASSES, 3, probabilities=True)
NUMBER = Target("regression", ("y",), "numbers", units=1)
DENSE = {"type": "Dense", "units": 3, "activation": "softmax"}


def judged(
    target: Target,
    y: np.ndarray,
    outputs: np.ndarray,
    part: str = "test",
    weights: np.ndarray | None = None,
    **training: Any,
) -> Judgement:
    """Returns what is said of outputs for the rows of a part; the training part has the same."""
    chosen = config([DENSE], **training)
    x = np.zeros((len(y), 2), np.float32)
    rows = Part(x, y, np.arange(len(y)), weights)
    fitted = preprocessing(target, (2,))
    data = Dataset(rows, rows if part == "validation" else None, rows, fitted)
    answer = constant(rows, target, chosen.training.loss.type)
    trivial = Trivial(
        tuple(answer.reshape(-1).tolist()),
        in_words(answer, target),
        {part: reached(answer, rows, target, chosen)},
    )
    said = answers(y, outputs, target, weights)
    facts = RunFacts(name="r/1", history=[], part=part, **answer_facts(said, fitted))
    name = "accuracy" if target.task != "regression" else "mean_absolute_error"
    if target.task == "regression":
        measured = float(np.abs(outputs - y).mean())
    else:
        measured = float((said.predicted == said.true).mean())
    metrics = {part: {"loss": 0.1, name: measured}}
    return judgement_of(chosen, data, [], metrics, trivial, Shown(part, rows, said, facts))


def one_hot(predicted: np.ndarray) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[predicted]


def test_the_most_frequent_mistake_is_found() -> None:
    true = np.repeat([0, 1, 2], 40).astype(np.int32)
    predicted = true.copy()
    predicted[:3], predicted[40:50], predicted[80:86] = 1, 2, 1
    found = judged(MULTI, true, one_hot(predicted), metrics=("accuracy",))
    assert found == Judgement(beats=True, confuses=Confusion("b", "c", 10))


@pytest.mark.parametrize("once", [0, 2, 6])
@pytest.mark.parametrize("times", range(1, 9))
def test_a_confusion_is_told_where_it_is_more_than_chance(times: int, once: int) -> None:
    true = np.repeat([0, 1, 2], [20, 60, 40]).astype(np.int32)
    predicted = true.copy()
    predicted[20 : 20 + times], predicted[80 : 80 + once] = 2, 1
    most, count, share = (times, times + once, 60 / 120 / 2)
    if once > times:
        most, share = once, 40 / 120 / 2
    p = 6 * scipy_stats.binomtest(most, count, share, alternative="greater").pvalue
    found = judged(MULTI, true, one_hot(predicted), metrics=("accuracy",)).confuses
    assert (found is not None) == (p < 0.05)
    if found is not None:
        assert found == Confusion(*(("b", "c") if times >= once else ("c", "b")), most)


@pytest.mark.parametrize(("better", "beats"), [(9, True), (5, False), (0, False)])
def test_a_better_accuracy_must_be_more_than_chance(better: int, beats: bool) -> None:
    """As `scipy.stats.binomtest` has it: 9 rows gained and none lost are p 0.004, 5 are 0.06."""
    true = np.repeat([0, 1], [60, 40]).astype(np.int32)
    predicted = np.zeros(100, np.int32)
    predicted[60 : 60 + better] = 1
    found = judged(MULTI, true, one_hot(predicted), metrics=("accuracy",))
    assert found.beats is beats
    p = scipy_stats.binomtest(better, better, 0.5).pvalue if better else 1.0
    assert beats is bool(p < 0.05)


@pytest.mark.parametrize("seed", range(4))
def test_numbers_are_tested_by_students_t(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(40, 1)).astype(np.float32)
    outputs = (0.15 * y + 0.3 * rng.normal(size=y.shape)).astype(np.float32)
    found = judged(NUMBER, y, outputs, loss="mean_absolute_error", metrics=("mean_absolute_error",))
    errors = [np.abs(np.median(y) - y)[:, 0], np.abs(outputs - y)[:, 0]]
    test = scipy_stats.ttest_rel(*errors)
    assert found.beats is bool(test.statistic > 0 and test.pvalue < 0.05)


def test_rows_of_no_weight_do_not_count() -> None:
    true = np.repeat([0, 1], [60, 40]).astype(np.int32)
    predicted = true.copy()
    predicted[:30] = 1
    weights = np.where(np.arange(100) < 30, 0.0, 1.0).astype(np.float32)
    found = judged(MULTI, true, one_hot(predicted), weights=weights, metrics=("accuracy",))
    assert (found.beats, found.confuses) == (True, None)


def test_of_the_training_part_nothing_is_chance() -> None:
    gate = judged(
        MULTI,
        np.array([0, 1, 1, 0], np.int32),
        one_hot(np.array([0, 1, 1, 0])),
        part="train",
        metrics=("accuracy",),
    )
    assert gate.beats is True


@pytest.mark.parametrize("name", ["multiclass", "binary", "regression"])
def test_every_number_of_a_verdict_is_that_of_the_rows(trained: Path, name: str) -> None:
    run = RunDirectory(trained / name / "0001")
    rows, target = read_predictions(run), read_preprocessing(run).target
    assert rows is not None
    said = answers(rows.y, rows.outputs, target)
    found = verdict(read_entry(run))
    trivial = read_record(run).trivial
    assert trivial is not None
    assert said.predicted is not None
    count = f"{len(said.true)} unseen"
    assert count in found.result
    if target.task == "regression":
        loss = float(np.mean((rows.outputs - rows.y) ** 2))
        assert f"Loss {loss:.3g} on" in found.result
        beside = float(np.mean((np.array(trivial.answer) - rows.y) ** 2))
        assert found.result.endswith(f"gives {beside:.3g}")
        return
    right = 100 * float((said.true == said.predicted).mean())
    assert found.result.startswith(f"{right:.1f}%" if right < 100 else "100%")
    guess = 100 * float((said.true == int(np.argmax(trivial.answer))).mean())
    assert found.result.endswith(f"gives {guess:.0f}%")
    counts: dict[tuple[str, str], int] = {}
    for true, predicted in zip(said.true, said.predicted, strict=True):
        if true != predicted:
            pair = target.classes[int(true)], target.classes[int(predicted)]
            counts[pair] = counts.get(pair, 0) + 1
    told = re.fullmatch("Confuses (.*) with (.*)", found.confuses)
    most = max(counts.values(), default=0)
    assert most >= 2 or told is None or found.good is False
    if told is not None:
        assert counts[told[1], told[2]] == most


def test_the_record_keeps_what_the_verdict_needs(trained: Path) -> None:
    record = json.loads((trained / "multiclass" / "0001" / "run.json").read_text())
    assert record["planned"] == 3
    assert record["ending"] == {"why": "", "early": False, "kept": 3, "best": None}
    assert record["judgement"]["rows"] == "digits"
    assert record["judgement"]["beats"] is True


@pytest.mark.slow
def test_what_only_the_layers_tell_is_added_to_the_record(tmp_path: Path) -> None:
    """A bias far below 0 leaves units of ReLU dead; the loss falls all the same."""
    (tmp_path / "dead.yaml").write_text(
        "data: {source: builtin, dataset: digits}\n"
        "preprocess: {numeric: minmax}\n"
        "model:\n"
        "  layers:\n"
        "    - type: Dense\n"
        "      units: 32\n"
        "      activation: relu\n"
        "      bias_initializer: {type: Constant, value: -0.9}\n"
        "    - {type: Dense, units: 10, activation: softmax}\n"
        "training: {loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 3}\n"
    )
    runs = tmp_path / "runs"
    assert run_command(["train", str(tmp_path / "dead.yaml"), "--runs", str(runs), "-q"]) == 0
    directory = RunDirectory(runs / "dead" / "0001")
    judged = read_record(directory).judgement
    assert judged is not None
    assert "dead-units" in judged.findings
    assert verdict(read_entry(directory)).health == "Many dead units"
