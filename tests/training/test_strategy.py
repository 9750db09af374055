"""The rule that decides how a training is run."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

import pytest

from dl.model.build import build_model
from dl.progress import SilentReporter
from dl.training.fit import fit
from dl.training.steps import Batches
from dl.training.strategy import Strategy, choose_strategy, gains
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind
from support.training import DENSE, config, dataset, inputs, labels, ready

ROWS = 60_000
LSTM = {"type": "LSTM", "units": 8}
CONVOLUTION = {"type": "Conv1D", "filters": 1, "kernel_size": 1}


def strategy(
    layers: list[Any], shape: tuple[int, ...], rows: int = ROWS, **engine: Any
) -> Strategy:
    """Returns the strategy of a network on so many rows."""
    chosen = config(layers, engine={"compile": "auto", **engine}, batch_size=32)
    data = dataset(inputs(2, *shape), labels(2))
    return choose_strategy(
        build_model(chosen, data.preprocessing.input_shape),
        chosen,
        Batches(rows, 32, 1, shuffle=True),
    )


@pytest.mark.parametrize(
    ("layers", "shape", "compiled", "reason"),
    [
        ([DENSE], (6,), True, "small steps gain by XLA"),
        ([{"type": "Dropout", "rate": 0.5}, DENSE], (6,), True, "small steps gain by XLA"),
        ([LSTM, DENSE], (4, 2), True, "small steps gain by XLA"),
        ([{**LSTM, "dropout": 0.5}, DENSE], (4, 2), True, "small steps gain by XLA"),
        (
            [CONVOLUTION, "Flatten", DENSE],
            (4, 2),
            False,
            "Conv1D is faster without XLA on a processor",
        ),
        (
            ["RandomRotation", "Flatten", DENSE],
            (4, 4, 1),
            False,
            "RandomRotation is slow or impossible under XLA",
        ),
        (
            [
                {
                    "type": "TimeDistributed",
                    "layer": {"type": "Conv1D", "filters": 1, "kernel_size": 1},
                }
            ],
            (2, 4, 2),
            False,
            "Conv1D is faster without XLA on a processor",
        ),
    ],
)
def test_layers_decide(
    layers: list[Any], shape: tuple[int, ...], compiled: bool, reason: str
) -> None:
    if layers[0] == "RandomRotation":
        layers = [{"type": "RandomRotation", "factor": 0.1}, *layers[1:]]

    chosen = strategy(layers, shape)

    assert (chosen.compiled, chosen.reason) == (compiled, reason)


def test_every_layer_was_measured() -> None:
    text = files("dl.training").joinpath("gains.csv").read_text()
    measured = {row["layer"] for row in csv.DictReader(text.splitlines())}

    assert set(entries(Kind.LAYER)) - measured == {"Input", "Equalization"}


@pytest.mark.parametrize(
    ("xla", "compiled"), [(80, True), (125, True), (126, False), (None, False)]
)
def test_a_layer_gains_that_adds_no_more_under_xla(xla: int | None, compiled: bool) -> None:
    row = {"plain_us": "200", "without_plain_us": "150", "without_xla_us": "50"}

    assert gains({**row, "xla_us": "" if xla is None else str(xla)}) is compiled


def test_few_steps_are_not_compiled() -> None:
    chosen = strategy([DENSE], (6,), rows=320)

    assert chosen == Strategy(False, 10, "20 steps are too few to pay for a compilation")


def test_long_sequences_pay_for_a_compilation_sooner() -> None:
    short, long = (strategy([LSTM, DENSE], (length, 2), rows=4000) for length in (4, 100))

    assert short.reason == "250 steps are too few to pay for a compilation"
    assert (long.compiled, long.reason) == (True, "small steps gain by XLA")


def test_large_products_are_not_compiled() -> None:
    wide = {"type": "Dense", "units": 8192}

    chosen = strategy([wide, wide, DENSE], (6,))

    assert chosen.reason == "large matrix products are faster without XLA"


def test_config_goes_before_the_rule() -> None:
    chosen = strategy([DENSE], (6,), compile=False, steps_per_call=7)

    assert chosen == Strategy(False, 7, "set in the config")


@pytest.mark.slow
def test_what_xla_cannot_compile_runs_uncompiled() -> None:
    hashing = {"type": "Hashing", "num_bins": 3}
    notes: list[str] = []

    class Reporter(SilentReporter):
        def note(self, text: str) -> None:
            notes.append(text)

    chosen = config([hashing, DENSE], engine={"compile": True})
    data = dataset(labels(10)[:, None], labels(10))

    history = fit(ready(chosen, data), Reporter(), lambda row: None)

    assert len(history) == 2
    assert notes == ["XLA cannot compile this network: its steps run uncompiled"]
