"""Learning rates that follow a schedule in epochs or parts of the training, compared with NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dl.config.schema import RATE, schedule_of, with_steps
from dl.model.objects import build_object
from dl.training.steps import Batches
from dl.vocabulary.catalog import checked_object
from dl.vocabulary.spec import Findings, Kind
from support.training import DENSE, config, dataset, inputs, labels

ROWS, EPOCHS = 14, 10
EPOCH, ALL = 4, 40  # steps, of batches of 4 rows
Rate = Callable[[np.ndarray], np.ndarray]


def _cosine(first: float, last: float, t: np.ndarray) -> np.ndarray:
    return last + (first - last) * (1 + np.cos(np.pi * np.clip(t, 0, 1))) / 2


def _one_cycle(top: float, rise: int, t: np.ndarray) -> np.ndarray:
    first = top / 25
    up = first + (top - first) * t / max(rise, 1)
    return np.where(t < rise, up, _cosine(top, first / 1e4, (t - rise) / (ALL - rise)))


FIRST = {"initial_learning_rate": 0.2}
CASES: dict[str, tuple[dict[str, Any], Rate]] = {
    "all": (
        {"type": "CosineDecay", **FIRST, "decay_steps": "all"},
        lambda t: _cosine(0.2, 0, t / ALL),
    ),
    "warm-up": (
        {
            **{"type": "CosineDecay", "initial_learning_rate": 0.0, "warmup_target": 0.2},
            **{"warmup_steps": "2 epochs", "decay_steps": "80 %"},
        },
        lambda t: np.where(t < 8, 0.2 * t / 8, _cosine(0.2, 0, (t - 8) / 32)),
    ),
    "power": (
        {"type": "InverseTimeDecay", **FIRST, "decay_steps": "5 epochs", "decay_rate": 1.0},
        lambda t: 0.2 / (1 + t / 20),
    ),
    "exponential": (
        {"type": "ExponentialDecay", **FIRST, "decay_steps": "2.5 epochs", "decay_rate": 0.1},
        lambda t: 0.2 * 0.1 ** (t / 10),
    ),
    "piecewise": (
        {
            "type": "PiecewiseConstantDecay",
            **{"boundaries": ["1 epoch", 10, "50%"], "values": [0.4, 0.3, 0.2, 0.1]},
        },
        lambda t: np.select([t <= 4, t <= 10, t <= 20], [0.4, 0.3, 0.2], 0.1),
    ),
    "polynomial": (
        {"type": "PolynomialDecay", **FIRST, "decay_steps": "50 %", "end_learning_rate": 0.1},
        lambda t: 0.1 + 0.1 * (1 - np.minimum(t, 20) / 20),
    ),
    "restarts": (
        {"type": "CosineDecayRestarts", **FIRST, "first_decay_steps": "2 epochs", "t_mul": 1.0},
        lambda t: _cosine(0.2, 0, (t % 8) / 8),
    ),
    "one cycle": (
        {"type": "OneCycle", "max_learning_rate": 0.5},
        lambda t: _one_cycle(0.5, 12, t),
    ),
    "one cycle that falls only": (
        {"type": "one_cycle", "max_learning_rate": 0.5, "warmup_steps": 0},
        lambda t: _one_cycle(0.5, 0, t),
    ),
}


def _resolved(rate: dict[str, Any], **training: Any) -> Any:
    optimizer = {"type": "SGD", "learning_rate": rate}
    chosen = config([DENSE], optimizer=optimizer, epochs=EPOCHS, **training)
    return with_steps(chosen, ROWS)


@pytest.mark.parametrize("name", CASES)
def test_rate_of_every_step_is_that_of_the_formula(name: str) -> None:
    rate, formula = CASES[name]
    schedule = schedule_of(_resolved(rate).training)
    assert schedule is not None
    built = build_object(schedule, seed=1, path=RATE)
    steps = np.arange(ALL + 5)

    rates = [float(built(int(step))) for step in steps]

    # The cycle ends at 40 steps; after it the rate stays.
    expected = formula(np.minimum(steps, ALL) if "cycle" in name else steps)
    np.testing.assert_allclose(rates, expected, rtol=2e-5, atol=2e-7)


def test_steps_of_an_epoch_are_those_of_the_batches() -> None:
    data = dataset(inputs(ROWS, 2), labels(ROWS))
    for size, expected in ((4, 40), (7, 20), (14, 10), (99, 10), ("full", 10)):
        chosen = _resolved(CASES["all"][0], batch_size=size)
        assert schedule_of(chosen.training).parameters["decay_steps"] == expected
        assert Batches.of(chosen, data).steps * EPOCHS == expected


def test_what_is_said_in_words_has_one_form_and_at_least_one_step() -> None:
    tiny = {"type": "CosineDecay", **FIRST, "decay_steps": " 0.1% ", "warmup_steps": "0 epochs"}
    optimizer = {"type": "SGD", "learning_rate": tiny}
    chosen = config([DENSE], optimizer=optimizer, epochs=EPOCHS)
    words = schedule_of(chosen.training)
    assert words is not None
    assert words.parameters["decay_steps"] == "0.1 %"
    steps = schedule_of(with_steps(chosen, ROWS).training)
    assert steps is not None
    assert (steps.parameters["decay_steps"], steps.parameters["warmup_steps"]) == (1, 0)


@pytest.mark.parametrize(
    ("rate", "path", "message"),
    [
        (
            {**CASES["piecewise"][0], "boundaries": ["5 epochs", 10, "50 %"]},
            "boundaries",
            "must be in rising order",
        ),
        (
            {"type": "OneCycle", "max_learning_rate": 0.5, "total_steps": "2 epochs"},
            "warmup_steps",
            "must be below `total_steps`, which is 8 steps",
        ),
    ],
)
def test_words_that_contradict_each_other_in_steps(
    rate: dict[str, Any], path: str, message: str
) -> None:
    with pytest.raises(Findings) as caught:
        _resolved(rate)
    (finding,) = caught.value.findings
    assert (finding.path, finding.message) == ((*RATE, path), message)


def test_durations_have_short_names() -> None:
    rates = (
        {"type": "CosineDecay", **FIRST, "decay_steps": "all", "warmup_steps": "5 epochs"},
        {"type": "CosineDecay", **FIRST, "decay": "all", "warmup": "5 epochs"},
    )
    long, short = (checked_object(Kind.SCHEDULE, rate) for rate in rates)
    assert short == long
    with pytest.raises(Findings) as caught:
        checked_object(Kind.SCHEDULE, {**rates[1], "decay": 0})
    assert [found.path for found in caught.value.findings] == [("decay",)]
    with pytest.raises(Findings) as caught:
        checked_object(Kind.SCHEDULE, {**rates[0], "decay": "all"})
    assert caught.value.findings[0].message == "is not a parameter of CosineDecay"
