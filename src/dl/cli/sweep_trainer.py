"""What a trial of a sweep is: an ordinary training. Run as a module, it is the sweep's server.

The server's process imports Keras and reads the data; no TensorFlow operation runs in it, so that
it can be forked.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from dl.system import processors

if TYPE_CHECKING:
    from dl.config.load import Loaded
    from dl.data.dataset import Dataset
    from dl.engine.training.reuse import Programs
    from dl.sweep.definition.load import Sweep
    from dl.sweep.pools.served import ServedPool
    from dl.sweep.pools.tasks import Listener, Result, Task

MODULE = "dl.cli.sweep_trainer"
RAY_MODULE = "dl.cli.sweep_ray"
_KERAS_SOURCE = "keras"


@dataclass(frozen=True, slots=True)
class Variants:
    """Configs whose data is read before the first trial: the base, once for each repeat.

    Attributes:
        base: The config.
        overrides: For each of them, what it changes.
    """

    base: Path
    overrides: Sequence[Sequence[str]]

    def text(self) -> str:
        """Returns them as an argument of the command line."""
        return json.dumps([str(self.base), [list(listed) for listed in self.overrides]])

    @classmethod
    def of(cls, text: str) -> Variants:
        """Reads them from an argument of the command line."""
        base, overrides = json.loads(text)
        return cls(Path(base), overrides)


@dataclass(frozen=True, slots=True)
class Where:
    """Where the trials of a sweep are trained.

    Attributes:
        on: `local`, or `ray`.
        address: Of the Ray cluster, if one is named.
    """

    on: str = "local"
    address: str | None = None


@contextmanager
def open_pool(
    sweep: Sweep, where: Where, log: Path, lock: int | None = None
) -> Iterator[ServedPool]:
    """Starts the processes that have the trials of a sweep trained, and ends them.

    Args:
        sweep: What is swept.
        where: Where the trials are trained.
        log: The file for what the libraries say.
        lock: The open file that holds the lock of the sweep's directory.
    """
    from dl.sweep.pools.served import ServedPool

    jobs, threads = _shares(sweep)
    variants = variants_of(sweep).text()
    server = [MODULE, str(threads), variants]
    if where.on == "ray":
        resources = sweep.file.resources.model_dump_json()
        server = [RAY_MODULE, variants, resources, str(sweep.file.jobs or ""), where.address or ""]
    pool = ServedPool(server, jobs, log, lock)
    try:
        yield pool
    finally:
        pool.close()


def variants_of(sweep: Sweep) -> Variants:
    """Returns the configs whose data is looked at before the first trial."""
    from dl.sweep.agenda import repeat_overrides
    from dl.sweep.definition.space import Setting

    repeats = range(1, sweep.terms.runs + 1)
    own = [repeat_overrides(sweep, Setting({}, {}), repeat) for repeat in repeats]
    return Variants(sweep.base.path, [(*sweep.base.overrides, *each) for each in own])


def _shares(sweep: Sweep) -> tuple[int, int]:
    """Returns how many trainings run at the same time on this machine, and their threads."""
    available = processors()
    threads = sweep.file.resources.cpus
    jobs = sweep.file.jobs or max(1, available // (threads or 1))
    return jobs, threads or max(1, available // jobs)


class EngineTrainer:
    """Trains with `dl.engine`, on datasets that are read once."""

    def __init__(self, variants: Variants) -> None:
        from dl.data.load import Datasets

        self._variants = variants
        self._datasets = Datasets()
        self._programs: Programs | None = None

    def __reduce__(self) -> tuple[type[EngineTrainer], tuple[Variants]]:
        """Travels without what it has read: a process that is not forked reads it again."""
        return EngineTrainer, (self._variants,)

    def prepare(self) -> Mapping[str, float]:
        """Imports Keras and reads the data; returns the means over the repeats."""
        from dl.config.load import load_config
        from dl.data.baseline import trivial_metrics
        from dl.imports import Importing

        configs = [
            load_config(self._variants.base, overrides) for overrides in self._variants.overrides
        ]
        with Importing("dl.engine.workflow") as engine:
            if configs[0].config.data.source == _KERAS_SOURCE:
                engine.module()
            baseline = [trivial_metrics(loaded.config, self._dataset(loaded)) for loaded in configs]
            engine.module()
        gc.collect()
        gc.freeze()  # so that no worker looks through, and copies, what it shares with the others
        return {name: fmean(each[name] for each in baseline) for name in baseline[0]}

    def begin(self, threads: int) -> None:
        """Gives TensorFlow its threads."""
        from dl.engine.environment import use_threads

        use_threads(threads)

    def train(self, task: Task, listener: Listener) -> Result:
        """Trains a trial."""
        from dl.config.load import load_config
        from dl.engine.training.reuse import Programs

        loaded = load_config(task.base, task.overrides)
        self._programs = self._programs or Programs()
        return train_trial(task, loaded, self._dataset(loaded), self._programs, listener)

    def _dataset(self, loaded: Loaded) -> Any:
        from dl.progress import SilentReporter

        return self._datasets.get(loaded, SilentReporter())


def train_trial(
    task: Task, loaded: Loaded, dataset: Dataset, programs: Programs, listener: Listener
) -> Result:
    """Trains a trial as `dl train` would; raises what that raises.

    Args:
        task: Which trial it is, and where its run goes.
        loaded: Its config.
        dataset: The data of the config.
        programs: What was traced for earlier trials of this process.
        listener: Hears each epoch.
    """
    from dl.engine import workflow
    from dl.engine.prepare import prepare
    from dl.progress import SilentReporter
    from dl.runs.sweeps import trial_name
    from dl.sweep.pools.tasks import Result

    reporter = SilentReporter()
    trained = workflow.train(
        programs.use(prepare(loaded, dataset, reporter)),
        workflow.Place(task.trials, trial_name(task.trial), task.repeat),
        reporter,
        command=_command(task),
        watch=workflow.Watch(stop_signal=listener.stop_signal, go_on=listener.epoch),
    )
    return Result("completed", trained.metrics)


def _command(task: Task) -> tuple[str, ...]:
    """Returns the command line that does the same training."""
    settings = [word for override in task.overrides for word in ("--set", override)]
    return ("dl", "train", str(task.base), *settings)


def main(arguments: Sequence[str]) -> None:
    """Runs the server: a descriptor, a log file, the threads of a worker, and the variants."""
    from dl.sweep.pools.server import serve_here

    descriptor, log, threads, variants = arguments
    serve_here(descriptor, log, threads, EngineTrainer(Variants.of(variants)))


if __name__ == "__main__":
    main(sys.argv[1:])
