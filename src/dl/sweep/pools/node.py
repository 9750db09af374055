"""What a process of a cluster's node does with a task; nothing here knows Ray."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import dl
from dl.data.transfer import are_here, are_kept, receive_files, relocated
from dl.errors import DiskError, RunError
from dl.runs.create import pack
from dl.runs.directory import RunDirectory, trial_name
from dl.runs.files import disk_error
from dl.runs.lock import is_held
from dl.sweep.pools.cluster import EpochReport, Outcome, RemoteTask
from dl.sweep.pools.processes import carried_out
from dl.sweep.pools.tasks import Result, Row
from dl.system import is_own, user_name
from dl.variables import take_process

_ABANDONED_SECONDS = 60
"""A younger folder may belong to a process that has not locked its run yet."""
_TRAINING = "dl.sweep.training"
"""Has the trainer; loaded when there is something to train, since it takes seconds."""

_trainers: list[Any] = []
"""The trainer of this process, once it has one: TensorFlow stays warm from task to task."""


def node_folder() -> Path:
    """Returns the folder for what sweeps keep on this machine: the user's, in the temporary one.

    Raises:
        DiskError: It cannot be made, or somebody else has made it.
    """
    folder = Path(tempfile.gettempdir()) / f"dl-sweeps-{user_name()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        own = is_own(folder)
    except OSError as error:
        raise disk_error(error, f"making {folder}") from error
    if not own:
        raise DiskError(f"{folder} belongs to another user", hint="remove it on that node")
    return folder


def carry_out(
    remote: RemoteTask, report: Callable[[EpochReport], bool], pieces: Iterable[bytes] | None
) -> Outcome | None:
    """Does a task; its run is made in a folder of this node and comes back as bytes.

    Args:
        remote: What is to be done.
        report: Tells the sweep of an epoch; where the task asks, it waits for leave to go on.
        pieces: The files of the data; None where they have not been sent along.

    Returns:
        What came of it; None where the data is neither here nor sent along.

    Raises:
        RunError: Another `dl` has sent it.
    """
    take_process()
    if remote.version != dl.__version__:
        host = socket.gethostname()
        raise RunError(f"{host} has dl {dl.__version__}, the sweep {remote.version}")
    trainer = _trainer(remote.threads)
    files, loaded = remote.payload.files, remote.payload.loaded
    cache = node_folder() / "data"
    here = are_here(files)
    kept = here or are_kept(files, cache)
    if not kept and pieces is None:
        return None
    rows: list[Row] = []

    def epoch(row: Row) -> bool:
        rows.append(dict(row))
        return report(EpochReport(remote.task.key, remote.attempt, rows[-1]))

    with _folder() as folder:
        task = replace(remote.task, trials=folder)

        def train() -> Result:
            if not kept:
                try:
                    receive_files(files, pieces or (), cache)
                except OSError as error:
                    raise disk_error(error, f"keeping the data in {cache}") from error
            # The run that it makes names the files where the sweep has them.
            source = loaded if here else relocated(loaded, files, cache)
            # None stops it: a task that is withdrawn gets an interrupt.
            result: Result = trainer.train_config(task, loaded, epoch, source=source)
            return result

        result = carried_out(task, train)
        run = RunDirectory(folder / trial_name(task.trial) / f"{task.repeat:04d}")
        return Outcome(result, tuple(rows), pack(run))


def _trainer(threads: int) -> Any:
    if not _trainers:
        _remove_abandoned(node_folder())
        trainer = import_module(_TRAINING).Trainer()
        trainer.begin(threads)
        _trainers.append(trainer)
    return _trainers[0]


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trial-", dir=node_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(root: Path) -> None:
    """Removes what processes left that were killed."""
    for folder in root.glob("trial-*"):
        runs = [RunDirectory(path.parent) for path in folder.glob("*/*/.lock")]
        try:
            old = time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS
        except OSError:
            continue
        if old and not any(is_held(run) for run in runs):
            shutil.rmtree(folder, ignore_errors=True)
