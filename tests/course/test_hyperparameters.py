"""Section 9: what is learned and what is chosen."""

from __future__ import annotations

import pytest

from conftest import Dl
from support.course import CONFIGS, prepared, trained


@pytest.mark.slow
def test_summary_counts_parameters_and_lists_hyperparameters(dl: Dl) -> None:
    lines = dl("summary", CONFIGS / "09-hyperparameters.yaml").out.splitlines()
    counts = [line.split()[-3:] for line in lines[2:5]]
    sizes = [(30, 16), (16, 8), (8, 1)]
    assert counts == [[str(i * o), str(o), str(i * o + o)] for i, o in sizes]
    total = sum(i * o + o for i, o in sizes)
    assert lines[5] == f"{total} parameters: {total - 25} weights, 25 biases"
    assert lines[7:] == [
        "hyperparameter  value",
        "layers          Dense (units 16, activation relu)",
        "                Dense (units 8, activation relu)",
        "                Dense (units 1, activation sigmoid)",
        "loss            BinaryCrossentropy",
        "optimizer       Adam",
        "learning rate   0.003",
        "batch size      32",
        "epochs          40",
    ]


@pytest.mark.slow
def test_network_learns() -> None:
    assert trained(prepared("09-hyperparameters")).metrics["accuracy"] > 0.93
