"""What `dl train` says before and after its epochs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from dl.app.training import Result
from dl.cli.train_texts import data_line, end_text, network_line
from dl.data.dataset import Dataset
from dl.inspect import LayerRow
from dl.report.verdict import verdict
from dl.rundir.directory import RunDirectory
from dl.rundir.query import Entry
from dl.rundir.record import Confusion, Ending, Judgement, Process, RunRecord, Trivial
from support.training import (
    CLASSES,
    DENSE,
    class_target,
    config,
    dataset,
    inputs,
    labels,
    number_target,
    part,
)

METRICS = {
    "train": {"loss": 0.0061, "accuracy": 0.9992},
    "validation": {"loss": 0.0706, "accuracy": 0.9722},
    "test": {"loss": 0.0655, "accuracy": 0.9805},
}
GUESS = Trivial((0.1,) * 10, "always 1", {"test": {"loss": 2.3026, "accuracy": 0.1003}})
EARLY = Ending("the validation loss did not improve in 15 epochs", True, 56, 56)
HEALTHY = Judgement("digits", beats=True, confuses=Confusion("9", "5", 3))


def ended(**known: Any) -> str:
    record = RunRecord(
        **{
            "name": "digits",
            "status": "completed",
            "started": "2026-01-02T00:00:00+00:00",
            "process": Process.current(),
            "seed": 7,
            "command": (),
            "fingerprint": "",
            "seconds": 6.5,
            "epochs": 71,
            "planned": 100,
            "data": {"test": {"rows": 359}},
            "trivial": GUESS,
            "judgement": HEALTHY,
            **known,
        }
    )
    run = RunDirectory(Path("runs/digits/0001"))
    said = verdict(Entry(run, record, METRICS, ()))
    result = Result(run, "completed", record.epochs, 6.5, METRICS, record.trivial, said)
    return end_text(result, record)


def test_the_end_tells_how_it_stopped_what_it_reached_and_what_now() -> None:
    assert ended(ending=EARLY) == (
        "✓ stopped early after 71 of 100 epochs · weights of epoch 56 kept · 6.5 s\n"
        "98.0% of 359 unseen digits; guessing gives 10%. Confuses 9 with 5.\n"
        "\n"
        "part            loss  accuracy\n"
        "train       0.006100    0.9992\n"
        "validation   0.07060    0.9722\n"
        "test         0.06550    0.9805\n"
        "always 1       2.303    0.1003\n"
        "\n"
        "report  runs/digits/0001/report.html\n"
        "more    dl show digits/0001\n"
        "runs/digits/0001"
    )


def test_a_useless_network_is_marked_and_its_diagnosis_is_proposed() -> None:
    useless = Judgement("digits", beats=False, findings=("no-better-than-guessing",))
    assert ended(epochs=100, ending=Ending(kept=100), judgement=useless).split("\n\n")[0] == (
        "✗ trained for 100 epochs · 6.5 s\n"
        "98.0% of 359 unseen digits; guessing gives 10%. No better than guessing, as far\n"
        "as 359 rows can tell."
    )
    assert (
        ended(epochs=100, ending=Ending(kept=100), judgement=useless).splitlines()[-2]
        == "try     dl diagnose digits/0001"
    )


def test_a_time_limit_is_named() -> None:
    text = ended(ended_by="time limit of 10s", ending=Ending("", False, 71))
    assert text.splitlines()[0] == (
        "✓ ended after 71 of 100 epochs by their time limit of 10s · 6.5 s in all"
    )


def test_a_run_of_an_earlier_version_says_what_is_known() -> None:
    assert ended(planned=0, judgement=None).split("\n\n")[0] == (
        "✓ trained for 71 epochs · 6.5 s\n98.0% of 359 unseen rows; guessing gives 10%."
    )


def test_data_line_of_classes_tells_their_balance() -> None:
    data = dataset(inputs(10, 8), labels(10), validation=part(inputs(3, 8), labels(3)))
    assert (
        data_line("case", data)
        == "case · 10 train · 3 validation · 8 numbers → 3 classes (4 a, 3 b, 3 c)"
    )


def test_data_line_of_many_classes_tells_the_rarest_and_the_commonest() -> None:
    names = (*CLASSES, "d")
    data = dataset(inputs(10, 28, 28), labels(10), replace(class_target(), classes=names))
    assert data_line("case", data) == "case · 10 train · 28 x 28 numbers → 4 classes (0 to 4 each)"


def test_data_line_of_numbers_names_them() -> None:
    y = inputs(10, 1)
    assert (
        data_line("case", dataset(inputs(10, 1), y, number_target()))
        == "case · 10 train · 1 number → price"
    )


def test_data_line_of_inputs_that_are_the_target() -> None:
    x = inputs(10, 5)
    data: Dataset = dataset(x, x, number_target())
    same = replace(data, train=replace(data.train, y=data.train.x))
    assert data_line("case", same) == "case · 10 train · 5 numbers → the inputs again"


def layers(count: int) -> list[LayerRow]:
    return [LayerRow("dense", "Dense", "relu", (3,), 1000, 3, 1000)] * count


def test_network_line_is_what_people_write_down() -> None:
    chosen = config(
        [
            {"type": "Conv2D", "filters": 32, "kernel_size": [3, 3], "activation": "relu"},
            "Flatten",
            {"type": "Dropout", "rate": 0.3, "seed": 4},
            {"type": "Bidirectional", "layer": {"type": "LSTM", "units": 4}},
            DENSE,
        ]
    )
    assert network_line(chosen, layers(5)) == (
        "5,000 parameters · Conv2D 32 3x3 relu · Flatten · Dropout 0.3\n"
        "  Bidirectional LSTM 4 · Dense 3 softmax"
    )


def test_network_line_of_a_deep_network_shows_both_ends() -> None:
    chosen = config([*[{"type": "Dense", "units": 64, "activation": "relu"}] * 30, DENSE])
    assert network_line(chosen, layers(31)) == (
        "31,000 parameters · Dense 64 relu · Dense 64 relu · Dense 64 relu\n"
        "  25 more layers · Dense 64 relu · Dense 64 relu · Dense 3 softmax"
    )
