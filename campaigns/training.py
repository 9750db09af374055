"""A small training that is disturbed and gone on with, in processes forked from this one.

Keras is loaded once and nothing is computed here; each training is a process of its own. It does
what `dl train` and `dl train --resume` do from the building of the model on, without pictures.
"""

from __future__ import annotations

import csv
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import dl.engine.training.checkpoint
from campaigns.published import verify
from dl.cli.signals import Stopped, stop_requests, stopping_at_once
from dl.config.load import load_config
from dl.config.pinned import pinned
from dl.data.load import read_dataset
from dl.engine import workflow
from dl.engine.prepare import prepare
from dl.engine.quiet import quiet_stderr
from dl.engine.resume import job_of
from dl.errors import DlError, ExitCode, RunError
from dl.progress import SilentReporter
from dl.runs.checkpoints import list_checkpoints, read_checkpoint
from dl.runs.directory import RunDirectory, numbers
from dl.runs.lock import locked
from dl.runs.record import read_record

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
_COMMAND = ("dl", "train", "small.yaml")


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
            dl.engine.training.checkpoint.LEAST_PAUSE = 0.0
            dl.engine.training.checkpoint.SHARE = 0
        self._loaded = load_config(config)
        self._dataset = read_dataset(self._loaded, SilentReporter())
        self._folder = folder
        code = self.wait(self.begin(folder / "whole"))
        if code:
            raise SystemExit(f"the undisturbed training ended with {code}")

    def begin(self, root: Path, disturb: Callable[[], None] = nothing) -> int:
        """Trains in a new process, from the last checkpoint if there is a run; returns its pid."""
        pid = os.fork()
        if pid == 0:
            os._exit(self._guarded(root, disturb))
        return pid

    def wait(self, pid: int) -> int:
        """Waits for the end; returns the exit code, or less than 0 where a signal ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def problems(self, root: Path) -> list[str]:
        """Says what is wrong with the published files below `root`."""
        found = []
        for run in self._runs(root):
            try:
                verify(run)
            except (RunError, KeyError) as error:
                found.append(f"{run.path}: {error}")
        return found

    def unequal(self, root: Path) -> list[str]:
        """Says in what the finished run below `root` differs from the undisturbed one."""
        (run,), (whole,) = self._runs(root), self._runs(self._folder / "whole")
        kinds: dict[str, Callable[[RunDirectory], object]] = {
            "status": lambda run: read_record(run).status,
            "history": rows,
            "model.h5": lambda run: run.model.read_bytes(),
            "metrics": lambda run: run.metrics.read_bytes(),
            "optimizer and callbacks": last_state,
        }
        return [name for name, value in kinds.items() if value(run) != value(whole)]

    def _runs(self, root: Path) -> list[RunDirectory]:
        return [RunDirectory(root / "small" / f"{n:04d}") for n in numbers(root / "small")]

    def _guarded(self, root: Path, disturb: Callable[[], None]) -> int:
        try:
            with stopping_at_once(), quiet_stderr():  # TensorFlow tells of the processor
                disturb()
                self._train(root)
        except Stopped as stopped:
            return 128 + stopped.number
        except DlError as error:
            return error.exit_code
        except BaseException:
            traceback.print_exc()
            return ExitCode.BUG
        return ExitCode.DONE

    def _train(self, root: Path) -> None:
        reporter = SilentReporter()
        runs = self._runs(root)
        if not runs:
            prepared = prepare(self._loaded, self._dataset, reporter)
            place = workflow.Place(root, "small")
            with stop_requests() as request:
                watch = workflow.Watch(stop_signal=request)
                workflow.train(prepared, place, reporter, command=_COMMAND, watch=watch)
            return
        with locked(runs[-1]) as run:
            record = read_record(run)
            if record.status == "completed":
                return
            loaded = pinned(self._loaded, record.engine)
            prepared = prepare(loaded, self._dataset, reporter)
            with stop_requests() as request:
                job = job_of(run, record, prepared, reporter, command=_COMMAND, force=False)
                workflow.resume(prepared, job, reporter, workflow.Watch(stop_signal=request))


def rows(run: RunDirectory) -> list[list[str]]:
    """Returns the history without the seconds."""
    with run.history.open() as file:
        return [row[:-1] for row in csv.reader(file)]


def last_state(run: RunDirectory) -> tuple[object, list[bytes]]:
    """Returns what the last checkpoint holds, the seconds of the history aside."""
    checkpoint = read_checkpoint(list_checkpoints(run)[0][1])
    return checkpoint.header["parts"], [bytes(blob) for blob in checkpoint.blobs]


def kill() -> None:
    """Ends this process as a power cut would."""
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)
