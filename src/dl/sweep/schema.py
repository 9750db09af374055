"""What a sweep's file holds, but for its `parameters` and `settings`, which are read by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from dl.vocabulary.sections import Count, NotNegative, RunName, Section, Seed, key
from dl.vocabulary.types import AMOUNT, Integer, Text

Method = Literal["grid", "random", "tpe", "cmaes", "qmc", "list"]
_UNITS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, kw_only=True)
class ObjectiveSection(Section):
    """What makes one trial better than another."""

    metric: str | None = key(
        None,
        "A column of history.csv. Default: the first validation metric, or val_loss.",
    )
    mode: Literal["min", "max"] | None = key(
        None, "Whether less or more is better. Default: known of most metrics."
    )
    at: Literal["best", "last"] = key("best", "The value of the best epoch, or that of the last.")


@dataclass(frozen=True, kw_only=True)
class Pruning(Section):
    """When a trial that promises little is ended early."""

    type: Literal["asha", "median", "hyperband", "none"] = key(about="The rule.")
    min_epochs: Count = key(3, "Epochs that every trial may train.")
    reduction: Annotated[int, Integer(2)] = key(
        3, "asha, hyperband: one of so many goes on at each step."
    )
    warmup_trials: Count = key(5, "median: so many trials end before one is pruned.")


@dataclass(frozen=True, kw_only=True)
class Resources(Section):
    """What each training takes."""

    cpus: Count | None = key(
        None,
        "Threads of a training, and CPUs of a Ray cluster that it occupies. Default: 1 "
        "on Ray; on this machine its share of the processors.",
    )
    gpus: NotNegative = key(
        0,
        "GPUs of a Ray cluster that a training occupies, or a share of one: 0.5. On "
        "this machine, trainings share all that there are.",
    )


@dataclass(frozen=True, kw_only=True)
class SweepFile(Section):
    """A sweep: which settings of a config are tried, how they are chosen and compared."""

    base: str = key(about="The config, relative to this file.")
    name: RunName = key(about="Name of the sweep. Default: the stem of the file.")
    seed: Seed = key(0, "Fixes the search.")
    objective: ObjectiveSection = key(
        ObjectiveSection(), "What makes one trial better than another."
    )
    method: Method = key("grid", "How settings are chosen.")
    trials: Count | None = key(None, "Settings in all. Default for grid and list: all of them.")
    repeats: Count = key(1, "Trainings of each setting, with the seeds that follow the base's.")
    folds: Annotated[int, Integer(2)] | None = key(
        None, "Train each setting on so many folds instead."
    )
    pruning: Pruning = key(Pruning(type="none"), "Ends trials early that promise little.")
    time_limit: (
        Annotated[str, Text("a duration such as 90s, 30m or 1h30m", r"(\d+[hms])+")] | None
    ) = key(None, "No trial is started after this time.")
    jobs: Count | None = key(
        None,
        "Trainings at the same time. Default: those that there is room for.",
    )
    resources: Resources = key(Resources(), "What each training takes.")
    keep: Annotated[int, AMOUNT] = key(5, "Settings, the best ones, whose trained models are kept.")
    parameters: dict[str, Any] = key({}, "Paths of the config, and values.")
    settings: Any = key(None, "list: a CSV file, or a list of mappings of paths to values.")

    @property
    def seconds(self) -> float | None:
        """The time limit in seconds."""
        if self.time_limit is None:
            return None
        parts = re.findall(r"(\d+)([hms])", self.time_limit)
        return float(sum(int(count) * _UNITS[unit] for count, unit in parts))
