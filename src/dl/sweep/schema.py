"""What a sweep's file holds, but for its `parameters` and `settings`, which are read by hand."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dl.config.sections.base import (
    NonNegativeFloat,
    PositiveInt,
    RunName,
    Section,
    Seed,
    Text,
    Worded,
)

Method = Literal["grid", "random", "tpe", "cmaes", "qmc", "list"]
_UNITS = {"h": 3600, "m": 60, "s": 1}
_DURATION = r"^(\d+[hms])+$"


class Objective(Section):
    """What makes one trial better than another."""

    metric: Text | None = Field(
        default=None,
        description="A column of history.csv. Default: the first validation metric, or val_loss.",
    )
    mode: Literal["min", "max"] | None = Field(
        default=None, description="Whether less or more is better. Default: known of most metrics."
    )
    at: Literal["best", "last"] = Field(
        default="best", description="The value of the best epoch, or that of the last."
    )


class Pruning(Section):
    """When a trial that promises little is ended early."""

    type: Literal["asha", "median", "hyperband", "none"] = Field(description="The rule.")
    min_epochs: PositiveInt = Field(default=3, description="Epochs that every trial may train.")
    reduction: Annotated[int, Field(ge=2)] = Field(
        default=3, description="asha, hyperband: one of so many goes on at each step."
    )
    warmup_trials: PositiveInt = Field(
        default=5, description="median: so many trials end before one is pruned."
    )


class Resources(Section):
    """What each training takes."""

    cpus: PositiveInt | None = Field(
        default=None,
        description="Threads of a training, and CPUs of a Ray cluster that it occupies. Default: 1 "
        "on Ray; on this machine its share of the processors.",
    )
    gpus: NonNegativeFloat = Field(
        default=0,
        description="GPUs of a Ray cluster that a training occupies, or a share of one: 0.5. On "
        "this machine, trainings share all that there are.",
    )


def _as_mapping(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class SweepFile(Section):
    """A sweep: which settings of a config are tried, how they are chosen and compared."""

    base: Text = Field(description="The config, relative to this file.")
    name: RunName = Field(description="Name of the sweep. Default: the stem of the file.")
    seed: Seed = Field(default=0, description="Fixes the search.")
    objective: Objective = Field(
        default=Objective(), description="What makes one trial better than another."
    )
    method: Method = Field(default="grid", description="How settings are chosen.")
    trials: PositiveInt | None = Field(
        default=None, description="Settings in all. Default for grid and list: all of them."
    )
    repeats: PositiveInt = Field(
        default=1, description="Trainings of each setting, with the seeds that follow the base's."
    )
    folds: Annotated[int, Field(ge=2)] | None = Field(
        default=None, description="Train each setting on so many folds instead."
    )
    pruning: Annotated[Pruning, BeforeValidator(_as_mapping)] = Field(
        default=Pruning(type="none"), description="Ends trials early that promise little."
    )
    time_limit: (
        Annotated[str, Field(pattern=_DURATION), Worded("a duration such as 90s, 30m or 1h30m")]
        | None
    ) = Field(default=None, description="No trial is started after this time.")
    jobs: PositiveInt | None = Field(
        default=None,
        description="Trainings at the same time. Default: those that there is room for.",
    )
    resources: Resources = Field(default=Resources(), description="What each training takes.")
    keep: Annotated[int, Field(ge=0)] = Field(
        default=5, description="Settings, the best ones, whose trained models are kept."
    )
    parameters: dict[str, Any] = Field(default={}, description="Paths of the config, and values.")
    settings: Any = Field(
        default=None, description="list: a CSV file, or a list of mappings of paths to values."
    )

    @property
    def seconds(self) -> float | None:
        """The time limit in seconds."""
        if self.time_limit is None:
            return None
        parts = re.findall(r"(\d+)([hms])", self.time_limit)
        return float(sum(int(count) * _UNITS[unit] for count, unit in parts))
