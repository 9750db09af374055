"""What was found out about a user's data: the facts from which a first config is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dl.config.data import ColumnKind, Task


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that the network shall see.

    Attributes:
        name: Its name in the file.
        kind: How training reads it.
        width: How many numbers it becomes for the network, about.
        missing: Number of rows without a value.
        words: The texts that stand for a missing value, with the number of rows of each.
        categories: Its categories, where it has some.
        months: One of its values, where they are months, which training must be told are dates.
    """

    name: str
    kind: ColumnKind
    width: int
    missing: int
    words: Mapping[str, int] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    months: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that says nothing about the target, or nothing that a network can use, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be predicted.

    Attributes:
        names: The target columns; a single one for arrays and images.
        task: Kind of task.
        classes: Names of the classes; of the target columns for several labels; empty for
            regression.
        rarest: Number of rows of the rarest class; 0 for regression.
        span: Smallest and largest value of a regression target.
        words: The texts that stand for a missing value, with the number of rows of each, by column.
        missing: Number of rows without a target.
    """

    names: tuple[str, ...]
    task: Task
    classes: tuple[str, ...] = ()
    rarest: int = 0
    span: tuple[float, float] = (0.0, 0.0)
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """How much data there is.

    Attributes:
        rows: Rows before the split.
        inputs: Numbers in one row, as the network sees it.
    """

    rows: int
    inputs: int
