"""Chooses a network and a training for an amount of data.

The numbers come from trials on small public tables and made-up ones: below a thousand rows one
hidden layer with dropout, small batches and patience do best on all of them; larger tables bear
two layers and larger batches.
"""

from __future__ import annotations

from dataclasses import dataclass

from dl.config.data import Task
from dl.init.facts import Size

FEWEST_ROWS_TO_SPLIT = 30


@dataclass(frozen=True, slots=True)
class Plan:
    """How to split, what network to build and how long to train.

    Attributes:
        validation: Share of the rows for validation; 0 where there are too few to hold any back.
        test: Share of the rows for the test.
        hidden: Units of the hidden layers.
        dropout: Share of units that are hidden in each step.
        batch_size: Rows of a step.
        epochs: Most epochs.
        patience: Epochs without progress after which the training stops; 0 to never stop.
    """

    validation: float
    test: float
    hidden: tuple[int, ...]
    dropout: float
    batch_size: int
    epochs: int
    patience: int


_TINY = Plan(0, 0, (16,), 0, 4, 300, 0)
_SMALL = Plan(0.15, 0.2, (64,), 0.3, 16, 300, 30)
_MEDIUM = Plan(0.1, 0.2, (128, 64), 0.3, 32, 100, 15)
_LARGE = Plan(0.1, 0.1, (256, 128), 0.2, 128, 50, 8)
_HUGE = Plan(0.05, 0.05, (256, 128), 0.1, 1024, 20, 4)
_MEDIUM_NUMBERS = Plan(0.1, 0.2, (128,), 0.2, 32, 100, 15)
_FEW_IMAGES = Plan(0.15, 0.2, (), 0.5, 16, 60, 10)
_SOME_IMAGES = Plan(0.1, 0.2, (), 0.5, 32, 30, 5)
_MANY_IMAGES = Plan(0.1, 0.1, (), 0.5, 64, 10, 3)


def plan(size: Size, task: Task) -> Plan:
    """Returns the plan for so much data."""
    if size.rows < FEWEST_ROWS_TO_SPLIT:
        return _TINY
    if size.rows < 1_000:
        return _SMALL
    if size.rows < 10_000:
        return _MEDIUM_NUMBERS if task == "regression" else _MEDIUM
    return _LARGE if size.rows < 200_000 else _HUGE


def image_plan(rows: int) -> Plan:
    """Returns the plan for so many pictures; its network is convolutional, not `hidden`."""
    if rows < FEWEST_ROWS_TO_SPLIT:
        return _TINY
    if rows < 1_000:
        return _FEW_IMAGES
    return _SOME_IMAGES if rows < 10_000 else _MANY_IMAGES
