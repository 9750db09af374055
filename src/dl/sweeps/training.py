"""What a trial of a sweep is: an ordinary training; in a worker, or on a node of a cluster."""

from __future__ import annotations

from dl.config.load import Loaded, load_config
from dl.data.load import Datasets
from dl.progress import SilentReporter
from dl.rundir.directory import trial_name
from dl.sweeps.pools import OnEpoch, Result, StopSignal, Task
from dl.training import workflow
from dl.training.programs import Programs
from dl.training.setup import prepare, use_threads


class Trainer:
    """Trains in this process; datasets are read once, and what was traced is used again."""

    def __init__(self, datasets: Datasets | None = None) -> None:
        self._datasets = Datasets() if datasets is None else datasets
        self._programs = Programs()

    def __reduce__(self) -> tuple[type[Trainer], tuple[()]]:
        """Travels without what it has read: a process that is not a copy reads it again."""
        return Trainer, ()

    def begin(self, threads: int) -> None:
        """Gives TensorFlow its threads."""
        use_threads(threads)

    def train(self, task: Task, epoch: OnEpoch, stop_signal: StopSignal) -> Result:
        """Trains a trial as `dl train` would; raises what that raises."""
        return self.train_config(task, load_config(task.base, task.overrides), epoch, stop_signal)

    def train_config(
        self,
        task: Task,
        loaded: Loaded,
        epoch: OnEpoch,
        stop_signal: StopSignal = lambda: None,
        source: Loaded | None = None,
    ) -> Result:
        """Trains a trial whose config is loaded.

        Args:
            task: Which trial it is, and where its run goes.
            loaded: Its config.
            epoch: Is given each row of the history; False ends the training.
            stop_signal: Gives the number of the signal that asked to stop, or None.
            source: The config with the places of the data on this machine, where they are others.
        """
        reporter = SilentReporter()
        dataset = self._datasets.get(source or loaded, reporter)
        settings = [word for override in task.overrides for word in ("--set", override)]
        runs = task.trials.parent.parent.parent  # of a sweep in RUNS/NAME/NUMBER/trials
        trained = workflow.train(
            self._programs.use(prepare(loaded, dataset, reporter, runs=runs)),
            workflow.RunLocation(task.trials, trial_name(task.trial), task.repeat),
            reporter,
            command=("dl", "train", str(task.base), *settings),
            hooks=workflow.Hooks(stop_signal=stop_signal, go_on=epoch),
        )
        return Result("completed", trained.metrics)
