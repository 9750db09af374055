"""What a sweep is going to take, measured on its first setting, which trains for two epochs.

It trains them twice, and the second time counts: a worker pays for getting warm only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dl.config.load import load_config
from dl.errors import error_class
from dl.runs.sweeps import trial_name
from dl.sweep.definition.load import Sweep
from dl.sweep.definition.space import Setting, choose, ends_of
from dl.sweep.pools.tasks import EpochDone, Pool, Result, Row, Task, TaskEnded

_EPOCHS = 2
_TICK = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sweep will take, if its settings are like the first one.

    Attributes:
        seconds: Of the whole, with its jobs at the same time.
        training: Seconds of one training.
        memory: Megabytes of the processes that train.
        disk: Megabytes of what is left.
    """

    seconds: float
    training: float
    memory: float
    disk: float


def estimate(sweep: Sweep, pool: Pool, folder: Path) -> Estimate:
    """Trains the first setting for two epochs in `folder`, and reckons from that.

    Raises:
        DlError: It cannot be trained.
    """
    setting = first_setting(sweep)
    overrides = (*sweep.base.overrides, *setting.overrides)
    short = f"training.epochs={_EPOCHS}"
    for repeat in (1, 2):
        task = Task(1, repeat, sweep.base.path, (*overrides, short), folder)
        rows, result = _trained(pool, task)
        if result.status != "completed":
            raise error_class(result.code)(f"the first setting cannot be trained: {result.error}")
    epochs = load_config(sweep.base.path, overrides).config.training.epochs
    measured = [row["seconds"] for row in rows] or [0.0]
    each = result.seconds - sum(measured) + epochs * measured[-1]
    count = sweep.size * sweep.terms.runs
    jobs = min(pool.jobs, count)
    small, model = _sizes(folder / trial_name(1) / "0001")
    kept = min(sweep.file.keep, sweep.size) * sweep.terms.runs
    return Estimate(
        seconds=count * each / jobs,
        training=each,
        memory=jobs * result.memory,
        disk=(count * small + kept * model) / 1e6,
    )


def first_setting(sweep: Sweep) -> Setting:
    """Returns the setting that has the first value of each parameter."""
    if sweep.listed:
        return sweep.listed[0].setting
    return choose(sweep.parameters, lambda parameter: ends_of(parameter)[0])


def _trained(pool: Pool, task: Task) -> tuple[Sequence[Row], Result]:
    pool.submit(task)
    rows: list[Row] = []
    while True:
        for event in pool.events(_TICK):
            if isinstance(event, EpochDone):
                rows.append(event.row)
            elif isinstance(event, TaskEnded):
                return rows, event.result


def _sizes(folder: Path) -> tuple[int, int]:
    """Returns the bytes of a run's small files, and those of its arrays."""
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    small = sum(size for path, size in sizes.items() if path.suffix in (".csv", ".json", ".yaml"))
    return small, sum(sizes.values()) - small
