"""The verdict on a run: one sentence, whatever the run is, from its record and its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dl.inspect.diagnose import CHECKS
from dl.report.verdict import HEALTH, Beside, Verdict, is_better, toughest, verdict
from dl.rundir.directory import RunDirectory
from dl.rundir.query import Entry
from dl.rundir.record import (
    Confusion,
    Ending,
    Judgement,
    Process,
    RunRecord,
    Simple,
    Trivial,
)

ROWS = {"test": 359, "validation": 180, "train": 1258}
ACCURACY = {"loss": 0.07, "accuracy": 352 / 359}
GUESS = Trivial((0.1,) * 10, "always 3", {"test": {"loss": 2.3, "accuracy": 0.1031}})
HEALTHY = Judgement("digits", beats=True, layers=True)


def entry(metrics: Mapping[str, Mapping[str, float]], **known: Any) -> Entry:
    known = {"status": "completed", "trivial": GUESS, "judgement": HEALTHY, **known}
    record = RunRecord(
        name="digits",
        started="2026-01-02T00:00:00+00:00",
        process=Process.current(),
        seed=7,
        command=(),
        fingerprint="",
        epochs=71,
        planned=100,
        data={part: {"rows": count} for part, count in ROWS.items()},
        **known,
    )
    return Entry(RunDirectory(Path("runs/digits/0001")), record, metrics, ())


def said(metrics: Mapping[str, Mapping[str, float]], **known: Any) -> str:
    return verdict(entry(metrics, **known)).sentence


def test_it_says_result_end_confusion_and_health() -> None:
    found = verdict(
        entry(
            {"train": {"loss": 0.0, "accuracy": 1.0}, "test": ACCURACY},
            ending=Ending("the validation loss did not improve in 15 epochs", True, 56, 56),
            judgement=replace(HEALTHY, confuses=Confusion("9", "5", 3)),
        )
    )
    assert str(found) == found.sentence
    assert found == Verdict(
        "98.1% of 359 unseen digits; guessing gives 10%",
        "Stopped early, best at 56",
        "Confuses 9 with 5",
        "Healthy",
        good=True,
    )
    assert found.sentence == (
        "98.1% of 359 unseen digits; guessing gives 10%. Stopped early, best at 56. "
        "Confuses 9 with 5. Healthy."
    )


def test_numbers_stand_beside_the_answer_that_looks_at_nothing() -> None:
    trivial = Trivial((22.8,), "always 22.8", {"test": {"rmse": 7.812}})
    metrics = {"test": {"loss": 0.1, "rmse": 2.4873}}
    assert said(metrics, trivial=trivial, judgement=replace(HEALTHY, rows="rows")) == (
        "RMSE 2.49 on 359 unseen rows; always 22.8 gives 7.81. Healthy."
    )


def test_a_series_stands_beside_the_best_simple_forecast() -> None:
    forecasts = (
        Simple("the last value", {"test": {"mae": 3.1}}),
        Simple("the value 24 steps before", {"test": {"mae": 2.9}}),
    )
    trivial = Trivial((20.0,), "always 20", {"test": {"mae": 7.0}}, forecasts)
    known = {"trivial": trivial, "judgement": Judgement("windows", beats=False)}
    assert said({"test": {"loss": 1.0, "mae": 2.3}}, **{**known, "judgement": Judgement("windows")})
    assert said({"test": {"loss": 1.0, "mae": 3.0}}, **known) == (
        "Mean absolute error 3 on 359 unseen windows; the value 24 steps before gives 2.9. "
        "No better than the value 24 steps before."
    )


@pytest.mark.parametrize(
    ("places", "result"),
    [
        ("pixels", "98.1% of the pixels of 359 unseen pictures"),
        ("steps", "98.1% of the steps of 359 unseen pictures"),
        ("labels", "98.1% of the labels of 359 unseen pictures"),
    ],
)
def test_answers_of_several_places_are_counted_by_place(places: str, result: str) -> None:
    judged = replace(HEALTHY, rows="pictures", places=places)
    assert said({"test": ACCURACY}, judgement=judged, trivial=None) == f"{result}. Healthy."


def test_a_common_class_is_named_instead_of_guessing() -> None:
    trivial = Trivial((0.998, 0.002), "always no", {"test": {"accuracy": 0.9982}})
    assert said({"test": {"loss": 0.1, "accuracy": 0.99953}}, trivial=trivial) == (
        ">99.9% of 359 unseen digits; always no gives 99.8%. Healthy."
    )


def test_only_the_loss_is_said_where_there_is_no_metric() -> None:
    assert said({"test": {"loss": 0.0123}}, judgement=replace(HEALTHY, rows="pictures")) == (
        "Loss 0.0123 on 359 unseen pictures; always 3 gives 2.3. Healthy."
    )


def test_rows_that_were_learned_from_are_called_so() -> None:
    trivial = Trivial((0.5, 0.5), "always 0", {"train": {"accuracy": 0.5}})
    assert said({"train": {"loss": 0.1, "accuracy": 1.0}}, trivial=trivial) == (
        "100% of 1,258 training digits, none unseen; guessing gives 50%. Healthy."
    )
    assert (
        said({"validation": ACCURACY}, trivial=None) == "98.1% of 180 validation digits. Healthy."
    )


@pytest.mark.parametrize(
    ("judged", "accuracy", "health", "good"),
    [
        (Judgement(beats=False), 0.09, "No better than guessing", False),
        (
            Judgement(beats=False, findings=("unfinished",)),
            0.12,
            "No better than guessing, as far as 359 rows can tell",
            None,
        ),
        (
            Judgement(beats=False, findings=("jumping-loss", "one-answer")),
            0.1031,
            "No better than guessing: always the same answer",
            False,
        ),
        (
            Judgement(beats=True, findings=("overfitting", "generalization-gap")),
            0.9,
            "Overfits",
            None,
        ),
        (Judgement(beats=True), 0.9, "", None),
        (HEALTHY, 0.9, "Healthy", True),
        (None, 0.9, "", None),
        (None, 0.1, "No better than guessing", False),
    ],
)
def test_health_is_the_most_important_finding(
    judged: Judgement | None, accuracy: float, health: str, good: bool | None
) -> None:
    found = verdict(entry({"test": {"loss": 1.0, "accuracy": accuracy}}, judgement=judged))
    assert (found.health, found.good) == (health, good)


def test_what_a_useless_network_confuses_is_not_said() -> None:
    judged = Judgement(beats=False, confuses=Confusion("9", "5", 3))
    assert verdict(entry({"test": {"loss": 1.0, "accuracy": 0.1}}, judgement=judged)).confuses == ""


@pytest.mark.parametrize(
    ("ending", "stopped"),
    [
        (Ending(kept=71), ""),
        (Ending("x", True, 56, 56), "Stopped early, best at 56"),
        (Ending("x", True, 71, 56), "Stopped early, best at 56, kept those of 71"),
        (Ending("x", True, None, 56), "Stopped early, best at 56, kept means of weights"),
        (Ending(kept=56, best=56), "Best at 56 of 71 epochs"),
        (
            Ending("every row was predicted right", True, 71),
            "Stopped at 71 of 100: every row was predicted right",
        ),
        (Ending("given up", kept=71), "Given up at 71 of 100 epochs"),
        (None, ""),
    ],
)
def test_it_says_how_a_training_stopped(ending: Ending | None, stopped: str) -> None:
    assert verdict(entry({"test": ACCURACY}, ending=ending)).stopped == stopped


def test_the_time_limit_is_said() -> None:
    stopped = verdict(entry({"test": ACCURACY}, ended_by="time limit of 10 s")).stopped
    assert stopped == "Stopped by the time limit of 10 s at 71 of 100 epochs"


@pytest.mark.parametrize(
    ("known", "sentence", "good"),
    [
        ({"status": "running"}, "In training.", None),
        ({"status": "interrupted"}, "Interrupted after 71 of 100 epochs.", None),
        ({"status": "failed"}, "Failed after 71 epochs.", False),
        (
            {"status": "failed", "error": "the loss became NaN or infinite: epoch 72, step 3\n x"},
            "Failed after 71 epochs: the loss became NaN or infinite: epoch 72, step 3.",
            False,
        ),
    ],
)
def test_a_run_without_a_result_says_why(
    known: dict[str, Any], sentence: str, good: bool | None
) -> None:
    found = verdict(entry({}, judgement=None, **known))
    assert (found.sentence, found.good) == (sentence, good)


def test_a_run_of_an_earlier_version_has_what_is_known_of_it() -> None:
    old = entry({"test": {"loss": 0.5, "accuracy": 0.9}}, trivial=None, judgement=None)
    assert verdict(old).sentence == "90.0% of 359 unseen rows."


def test_every_finding_has_its_words() -> None:
    assert list(HEALTH) == list(CHECKS)


def test_more_or_less_is_better_by_metric() -> None:
    assert is_better("accuracy", 0.9, 0.8)
    assert is_better("auc", 0.9, 0.8)
    assert is_better("val_loss", 0.1, 0.2)
    assert is_better("mae", 0.1, 0.2)


def test_the_loss_of_class_shares_is_called_so_and_its_decision_by_the_commonest_class() -> None:
    metrics = {"test": {"loss": 1.05, "accuracy": 0.7}}
    trivial = Trivial((0.7, 0.3), "always no", metrics, called="class shares")
    told = [
        toughest(trivial, "test", lead, {"loss": 1.0, lead: 0.9}) for lead in ("accuracy", "loss")
    ]
    assert told == [Beside("always no", "accuracy", 0.7), Beside("class shares", "loss", 1.05)]
    assert trivial.beside("test") == [("class shares", metrics["test"])]
