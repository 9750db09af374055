"""What is seen of a sweep while it runs, and who looks at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dl.sweeps.parameters import Setting
from dl.sweeps.pools import Task
from dl.sweeps.results import TrialSummary


@dataclass(frozen=True, slots=True)
class Running:
    """A training in progress: what is tried, since when, and the objective after each epoch."""

    task: Task
    setting: Setting
    since: float
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is.

    Attributes:
        done: Trainings that have ended, in this session or before.
        total: Trainings in all, as far as it is known.
        failed: How many of those that ended failed.
        pruned: How many of them were pruned.
        best: The best setting so far, or None.
        running: What is being trained.
        left: Seconds until the end, or None while that is not known.
    """

    done: int
    total: int
    failed: int
    pruned: int
    best: TrialSummary | None
    running: tuple[Running, ...]
    left: float | None


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks at a sweep and may end it.

    Attributes:
        show: Is given the progress whenever something has happened.
        stop_signal: Gives the number of the signal that asked to stop, or None.
        fail_fast: Whether the first failure ends the sweep.
    """

    show: Callable[[Progress], None] = lambda progress: None
    stop_signal: Callable[[], int | None] = lambda: None
    fail_fast: bool = False
