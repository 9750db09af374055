"""A small training that is disturbed and gone on with, in processes forked from this one.

Keras is loaded once and nothing is computed here; each training is a process of its own. It does
what `dl train` and `dl train --resume` do from the building of the model on, without pictures.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import dl.training.checkpoint
from campaigns.published import runs_of, unequal, verify
from dl.cli.process import Stopped, stop_requests, stopping_at_once
from dl.config.load import Loaded, load_config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.errors import DlError, ExitCode, RunError
from dl.imports import quiet_stderr
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.record import read_record
from dl.training import workflow
from dl.training.resume import job_of
from dl.training.setup import prepare
from dl.training.workflow import Trained

CONFIG = """\
name: small
data: {{source: synthetic, dataset: moons, rows: 120, split: {{validation: 0.2, test: 0.2}}}}
model:
  layers:
    - {{type: Dense, units: 6, activation: relu}}
    - BatchNormalization
    - {{type: Dropout, rate: 0.3}}
    - {{type: Dense, units: 1, activation: sigmoid}}
training:
  loss: binary_crossentropy
  optimizer: {{type: adam, learning_rate: 0.01}}
  metrics: [accuracy]
  batch_size: 8
  epochs: {epochs}
  callbacks:
    - {{type: ReduceLROnPlateau, monitor: val_loss, patience: 2, factor: 0.5}}
engine: {{compile: false, steps_per_call: 2}}
"""
NAME = "small"
_COMMAND = ("dl", "train")


def nothing() -> None:
    """Disturbs nothing."""


class Small:
    """The small training; its undisturbed run lies in `<folder>/whole`."""

    def __init__(self, folder: Path, epochs: int, *, eager: bool) -> None:
        """Trains it once.

        Args:
            folder: Where everything is kept.
            epochs: How long it is trained.
            eager: Write a checkpoint after every epoch, however short, for more places to break.
        """
        config = folder / "small.yaml"
        config.write_text(CONFIG.format(epochs=epochs), encoding="utf-8")
        if eager:
            dl.training.checkpoint.LEAST_PAUSE = 0.0
            dl.training.checkpoint.SHARE = 0
        self._loaded = load_config(config)
        self._dataset = read_dataset(self._loaded, SilentReporter())
        self._folder = folder
        code = self.wait(self.begin(folder / "whole"))
        if code:
            raise SystemExit(f"the undisturbed training ended with {code}")

    def begin(self, root: Path, disturb: Callable[[], None] = nothing) -> int:
        """Trains in a new process, from the last checkpoint if there is a run; returns its pid."""

        def work() -> None:
            disturb()
            train(self._loaded, self._dataset, root)

        return _fork(work)

    def begin_new(self, root: Path, runs: int) -> int:
        """Trains so many new runs in a new process, one after the other; returns its pid."""

        def work() -> None:
            for _ in range(runs):
                train_new(self._loaded, self._dataset, root)

        return _fork(work)

    def seconds(self) -> float:
        """Returns how long the training takes undisturbed, in a process of its own."""
        started = time.monotonic()
        self.wait(self.begin(self._folder / "timed"))
        return time.monotonic() - started

    def wait(self, pid: int) -> int:
        """Waits for the end; returns the exit code, or less than 0 where a signal ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def problems(self, root: Path) -> list[str]:
        """Says what is wrong with the published files below `root`."""
        found = []
        for run in runs_of(root, NAME):
            try:
                verify(run)
            except (RunError, KeyError) as error:
                found.append(f"{run.path}: {error}")
        return found

    def ended(self, root: Path) -> list[str]:
        """Trains the run below `root` to its end; says in what it differs from the undisturbed."""
        code = self.wait(self.begin(root))
        if code:
            return [f"going on ended with {code}"]
        (run,) = runs_of(root, NAME)
        return self.differences(run)

    def differences(self, run: RunDirectory) -> list[str]:
        """Says in what a finished run differs from the undisturbed one."""
        (whole,) = runs_of(self._folder / "whole", NAME)
        return [f"another {part} at the end" for part in unequal(run, whole)]


def _fork(work: Callable[[], None]) -> int:
    """Works in a new process, which ends as `dl` does; returns its pid."""
    pid = os.fork()
    if pid == 0:
        os._exit(_exit_code(work))
    return pid


def _exit_code(work: Callable[[], None]) -> int:
    try:
        with stopping_at_once(), quiet_stderr():  # TensorFlow tells of the processor
            work()
    except Stopped as stopped:
        return 128 + stopped.number
    except DlError as error:
        return error.exit_code
    except BaseException:
        traceback.print_exc()
        return ExitCode.BUG
    return ExitCode.DONE


def kill() -> None:
    """Ends this process as a power cut would."""
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def train_new(loaded: Loaded, dataset: Dataset, root: Path) -> Trained:
    """Trains a new run in this process."""
    reporter = SilentReporter()
    prepared = prepare(loaded, dataset, reporter)
    location = workflow.RunLocation(root, loaded.config.name)
    with stop_requests() as request:
        hooks = workflow.Hooks(stop_signal=request)
        return workflow.train(prepared, location, reporter, command=_COMMAND, hooks=hooks)


def train(loaded: Loaded, dataset: Dataset, root: Path) -> Trained | None:
    """Trains in this process, or goes on with the run that is there; None if it was complete."""
    reporter = SilentReporter()
    runs = runs_of(root, loaded.config.name)
    if not runs:
        return train_new(loaded, dataset, root)
    with locked(runs[-1]) as run:
        record = read_record(run)
        if record.status == "completed" and record.epochs == loaded.config.training.epochs:
            return None
        prepared = prepare(loaded.with_recorded_engine(record.engine), dataset, reporter)
        with stop_requests() as request:
            job = job_of(run, record, prepared, reporter, command=_COMMAND, force=False)
            return workflow.resume(prepared, job, reporter, workflow.Hooks(stop_signal=request))
