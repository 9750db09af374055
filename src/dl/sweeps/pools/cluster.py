"""A sweep on a cluster: tasks are sent there, again if they are lost, and their runs kept here.

A task is in the journal when its run is on the disk here; until then it can be sent again, and
what an earlier attempt still says is not heard. Nothing here knows Ray.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import dl
from dl.config.load import Loaded, load_config
from dl.errors import DiskError, DlError, ExitCode, RunError
from dl.rundir.directory import RunDirectory, SweepDirectory, trial_name
from dl.rundir.files import disk_errors, is_held
from dl.rundir.folders import pack, unpack
from dl.sweeps.pools import (
    Answer,
    BegunAgain,
    EpochDone,
    Key,
    Result,
    Row,
    Stop,
    Task,
    TaskEnded,
    failed,
)
from dl.sweeps.pools.processes import TRAINING, carried_out
from dl.sweeps.pools.transfer import (
    DataFiles,
    are_here,
    are_kept,
    data_files,
    name_of,
    receive_files,
    relocated,
    send_files,
)
from dl.system import is_own, user_name
from dl.variables import take_process

MOST_DEATHS = 3
"""So often a task may cost its process its life; then it has failed. Lost nodes do not count."""
_PAUSE = 1.0
"""Seconds before a task is sent again: a cluster takes a moment to notice that a node is gone."""
_ABANDONED_SECONDS = 60
"""A younger folder may belong to a process that has not locked its run yet."""
_trainers: list[Any] = []
"""The trainer of this process, once it has one: TensorFlow stays warm from task to task."""


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """A task on its way to a node.

    Attributes:
        task: What is to be done.
        loaded: Its config; it says where the data is on the machine of the sweep.
        files: The files of the data.
        threads: How many its process may use.
        attempt: Which time it is sent, from 1; 0 before.
        version: The version of `dl` that sent it.
    """

    task: Task
    loaded: Loaded
    files: DataFiles
    threads: int
    attempt: int = 0
    version: str = dl.__version__


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back from a node: how the task ended, its history, and the files of its run."""

    result: Result
    rows: tuple[Row, ...]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class EpochReport:
    """An epoch of a task that runs; its process waits for an answer if the task asks."""

    key: Key
    attempt: int
    row: Row


class NodeLost(Exception):
    """The node of a task is gone, or what it had computed."""


class ProcessDied(Exception):
    """The process of a task has died for reasons of its own, such as a lack of memory."""


class Withdrawn(Exception):
    """The task was withdrawn before it had begun, or while it ran."""


class Cluster(Protocol):
    """Carries tasks out."""

    async def carry_out(self, task: RemoteTask) -> Outcome | None:
        """Has a task done once there is room; None where the node does not see the data.

        Raises:
            NodeLost, ProcessDied, Withdrawn: It was not done.
            RunError: The node cannot do any task of this sweep.
        """

    def ship(self, data: str, pack: Callable[[Callable[[bytes], None]], None]) -> None:
        """Keeps data in the cluster, if it is not kept there yet, for all tasks that read it."""

    async def reports(self) -> list[EpochReport]:
        """Gives what was reported since the last call, once something was; raises `NodeLost`."""

    def answer(self, report: EpochReport, go_on: bool) -> None:
        """Answers a task that asked."""

    def withdraw(self) -> None:
        """Withdraws all tasks, those too that are carried out."""


@dataclass(slots=True)
class _Sent:
    """A task that was sent.

    Attributes:
        remote: As it was sent last.
        heard: The epochs of this attempt that were passed on.
        asking: What it reported and waits for an answer to.
    """

    remote: RemoteTask
    heard: int = 0
    asking: EpochReport | None = None


class RemoteServer:
    """Passes tasks on to a cluster, and what it reports to the client, who gave the tasks."""

    def __init__(self, client: Connection, cluster: Cluster, threads: int) -> None:
        self._client = client
        self._cluster = cluster
        self._threads = threads
        self._files: dict[str, DataFiles] = {}
        self._sent: dict[Key, _Sent] = {}
        self._works: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._over: asyncio.Future[None]

    async def run(self) -> None:
        """Serves until the client is gone, which raises `EOFError` or an `OSError`.

        Raises:
            DlError: No more tasks can be done.
        """
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        loop.add_reader(self._client.fileno(), self._read)
        self._begin(self._take_reports())
        await self._over

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begins what goes on beside all else; an error of it ends the server."""
        begun = asyncio.ensure_future(work)
        self._works.add(begun)  # the loop itself would forget it
        begun.add_done_callback(self._take_end)

    def _take_end(self, work: asyncio.Task[None]) -> None:
        self._works.discard(work)
        error = None if work.cancelled() else work.exception()
        if error is not None and not self._over.done():
            self._over.set_exception(error)

    def _read(self) -> None:
        try:
            while self._client.poll():
                self._hear(self._client.recv())
        except (EOFError, OSError) as error:
            if not self._over.done():
                self._over.set_exception(error)

    def _hear(self, message: object) -> None:
        match message:
            case Task():
                self._begin(self._carry_out(message))
            case Answer():
                sent = self._sent.get(message.key)
                if sent is not None and sent.asking is not None:
                    self._cluster.answer(sent.asking, message.go_on)
                    sent.asking = None
            case Stop():
                self._stopping.set()
                self._cluster.withdraw()

    async def _take_reports(self) -> None:
        while True:
            try:
                reports = await self._cluster.reports()
            except NodeLost as error:
                raise RunError(
                    "the cluster has lost the node that this process is on",
                    found=str(error),
                    hint="finished trials are kept; continue with --resume",
                ) from error
            for report in reports:
                sent = self._sent.get(report.key)
                if sent is not None and sent.remote.attempt == report.attempt:
                    sent.asking = report if sent.remote.task.asks else None
                    self._pass_on(sent, report.row)

    def _pass_on(self, sent: _Sent, row: Row) -> None:
        sent.heard += 1
        self._client.send([EpochDone(sent.remote.task.key, row)])

    async def _carry_out(self, task: Task) -> None:
        try:
            loaded = load_config(task.base, task.overrides)
            files = self._files_of(loaded)
        except DlError as error:
            result = failed(error)
        else:
            result = await self._result(RemoteTask(task, loaded, files, self._threads))
            del self._sent[task.key]
        self._client.send([TaskEnded(task.key, result)])

    def _files_of(self, loaded: Loaded) -> DataFiles:
        """Returns what a config reads, which is looked at once; raises `DlError`."""
        key = repr(loaded.config.data)
        if key not in self._files:
            with disk_errors("reading the data"):
                self._files[key] = data_files(loaded.config)
        return self._files[key]

    async def _result(self, remote: RemoteTask) -> Result:
        """Sends a task until there is a result, and its run on the disk here."""
        deaths = 0
        while True:
            remote = replace(remote, attempt=remote.attempt + 1)
            self._sent[remote.task.key] = sent = _Sent(remote)
            try:
                outcome = await self._cluster.carry_out(remote)
            except Withdrawn:
                return Result("interrupted")
            except (NodeLost, ProcessDied) as error:
                deaths += isinstance(error, ProcessDied)
                if deaths >= MOST_DEATHS and not self._stopping.is_set():
                    text = f"its process died {deaths} times; perhaps the memory ran out: {error}"
                    return Result("failed", error=text, code=int(ExitCode.RUN), again=True)
                await self._begin_again(remote.task)
            else:
                if outcome is not None:
                    return self._kept(sent, outcome)
                with disk_errors("reading the data"):
                    self._cluster.ship(name_of(remote.files), partial(send_files, remote.files))
            if self._stopping.is_set():
                return Result("interrupted")

    async def _begin_again(self, task: Task) -> None:
        """Waits before a task is sent again, unless all are to stop."""
        if not self._stopping.is_set():
            self._client.send([BegunAgain(task.key)])
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _PAUSE)

    def _kept(self, sent: _Sent, outcome: Outcome) -> Result:
        """Brings the run of a task onto the disk; only then it has ended."""
        task, result = sent.remote.task, outcome.result
        for row in outcome.rows[sent.heard :]:
            self._pass_on(sent, row)
        if outcome.files and result.status != "interrupted":
            unpack(outcome.files, SweepDirectory(task.trials.parent).run(*task.key))
        return result


def node_folder() -> Path:
    """Returns the folder for what sweeps keep on this machine: the user's, in the temporary one.

    Raises:
        DiskError: It cannot be made, or somebody else has made it.
    """
    folder = Path(tempfile.gettempdir()) / f"dl-sweeps-{user_name()}"
    with disk_errors(f"making {folder}"):
        folder.mkdir(mode=0o700, exist_ok=True)
        own = is_own(folder)
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
    files, loaded = remote.files, remote.loaded
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
                with disk_errors(f"keeping the data in {cache}"):
                    receive_files(files, pieces or (), cache)
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
        trainer = import_module(TRAINING).Trainer()
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
