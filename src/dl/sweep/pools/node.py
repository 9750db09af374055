"""What a process of a cluster's node does with an order; nothing here knows Ray."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dl
from dl.errors import DiskError
from dl.runs.directory import RunDirectory
from dl.runs.files import disk_error
from dl.runs.lock import is_held
from dl.runs.packed import pack
from dl.runs.sweeps import trial_name
from dl.sweep.pools.cluster import MissingData, NodeTrainer, Order, Outcome, Post, Said, Unfit
from dl.sweep.pools.tasks import Result, Row
from dl.sweep.pools.worker import carried_out
from dl.system import is_own, user_name
from dl.variables import take_process

_ABANDONED_SECONDS = 60
"""A younger folder may belong to a process that has not locked its run yet."""

_trainers: list[NodeTrainer] = []
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
    order: Order, post: Post, pieces: Iterable[bytes] | None
) -> Outcome | MissingData | Unfit:
    """Does a task; its run is made in a folder of this node and comes back as bytes.

    Args:
        order: What is to be done.
        post: How to speak with the sweep.
        pieces: The data; None where it has not been shipped.
    """
    take_process()
    if order.version != dl.__version__:
        return Unfit(f"{socket.gethostname()} has dl {dl.__version__}, the sweep {order.version}")
    trainer = _trainer(order)
    if pieces is None and not trainer.has_data(order.parcel):
        return MissingData()
    listening = _Listening(order, post)
    with _folder() as folder:
        task = replace(order.task, trials=folder)

        def train() -> Result:
            if not trainer.has_data(order.parcel):
                trainer.take_data(order.parcel, pieces or ())
            return trainer.train(task, order.parcel, listening)

        result = carried_out(task, train)
        run = RunDirectory(folder / trial_name(task.trial) / f"{task.repeat:04d}")
        return Outcome(result, tuple(listening.rows), pack(run))


class _Listening:
    """Passes on what a training says, and keeps it for the end."""

    def __init__(self, order: Order, post: Post) -> None:
        self._order = order
        self._post = post
        self.rows: list[Row] = []

    def stop_signal(self) -> None:
        """Gives none: a task that is withdrawn gets an interrupt."""

    def epoch(self, row: Row) -> bool:
        self.rows.append(dict(row))
        said = Said(self._order.task.key, self._order.attempt, self.rows[-1])
        if self._order.task.asks:
            return self._post.ask(said)
        self._post.say(said)
        return True


def _trainer(order: Order) -> NodeTrainer:
    if not _trainers:
        _remove_abandoned(node_folder())
        trainer = order.trainer()
        trainer.begin(order.threads)
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
