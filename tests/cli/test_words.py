"""Numbers and durations in words."""

from __future__ import annotations

import pytest

from dl.cli import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.96912, "0.9691"),
        (1.2e-5, "1.200e-05"),
        (53.2149, "53.215"),
        (2900.4, "2900.4"),
        (1e7, "1.000e+07"),
        (-0.5, "-0.5000"),
        (float("nan"), "nan"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_metrics_leaves_out_what_is_no_metric() -> None:
    row = {"epoch": 1, "loss": 0.5, "val_loss": 0.25, "learning_rate": 1e-3, "seconds": 2.0}
    assert words.metrics(row) == "loss 0.5000  val_loss 0.2500"
