"""A sweep on a cluster: tasks are sent there, again if they are lost, and their runs kept here.

A task is in the journal when its run is on the disk here; until then it can be sent again, and
what an earlier attempt still says is not heard. Nothing here knows Ray.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import dl
from dl.config.load import Loaded, load_config
from dl.data.transfer import DataFiles, data_files, name_of, send_files
from dl.errors import DlError, ExitCode, RunError
from dl.runs.files import disk_error
from dl.runs.packed import unpack
from dl.runs.sweeps import SweepDirectory
from dl.sweep.pools.tasks import (
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

MOST_DEATHS = 3
"""So often a task may cost its process its life; then it has failed. Lost nodes do not count."""
_PAUSE = 1.0
"""Seconds before a task is sent again: a cluster takes a moment to notice that a node is gone."""
SAME_DL = "install the same dl-keras[ray] on all nodes, then go on with --resume"


@dataclass(frozen=True, slots=True)
class Payload:
    """What a node needs for a task.

    Attributes:
        loaded: The config; it says where the data is on the machine of the sweep.
        files: The files of the data.
        data: Names the data by its content.
    """

    loaded: Loaded
    files: DataFiles
    data: str


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """A task on its way to a node.

    Attributes:
        task: What is to be done.
        attempt: Which time it is sent, from 1.
        threads: How many its process may use.
        version: The version of `dl` that sent it.
        payload: What its training needs.
    """

    task: Task
    attempt: int
    threads: int
    version: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back from a node: how the task ended, its history, and the files of its run."""

    result: Result
    rows: tuple[Row, ...]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class MissingData:
    """The node does not see the data; the task has to be sent again with it."""


@dataclass(frozen=True, slots=True)
class IncompatibleNode:
    """The node cannot do any task of this sweep."""

    reason: str


Reply = Outcome | MissingData | IncompatibleNode


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
    """Carries tasks out; the futures it gives raise `NodeLost`, `ProcessDied` or `Withdrawn`."""

    def submit(self, task: RemoteTask) -> Future[Reply]:
        """Sends a task; it waits in the cluster until there is room."""

    def ship(self, data: str, pack: Callable[[Callable[[bytes], None]], None]) -> None:
        """Keeps data in the cluster, if it is not kept there yet, for all tasks that read it."""

    def listen(self) -> Future[list[EpochReport]]:
        """Gives what was reported since the last call, once something was."""

    def answer(self, report: EpochReport, go_on: bool) -> None:
        """Answers a task that asked."""

    def withdraw(self) -> None:
        """Withdraws all tasks, those too that are carried out."""


class Payloads:
    """Makes the payloads of tasks; what each config reads is looked at once."""

    def __init__(self) -> None:
        self._files: dict[str, DataFiles] = {}

    def of(self, task: Task) -> Payload:
        """Returns the config of a task, and which files it reads; raises `DlError`."""
        loaded = load_config(task.base, task.overrides)
        key = repr(loaded.config.data)
        if key not in self._files:
            try:
                self._files[key] = data_files(loaded.config)
            except OSError as error:
                raise disk_error(error, "reading the data") from error
        return Payload(loaded, self._files[key], name_of(self._files[key]))

    def pack(self, payload: Payload, put: Callable[[bytes], None]) -> None:
        """Hands over the files of a payload in pieces; raises `DiskError`."""
        try:
            send_files(payload.files, put)
        except OSError as error:
            raise disk_error(error, "reading the data") from error


@dataclass(slots=True)
class _Sent:
    """A task that was sent.

    Attributes:
        remote: As it was sent last.
        heard: The epochs of this attempt that were passed on.
        deaths: How often its process has died.
        again: When it is to be sent again, by `time.monotonic`; None while it is in the cluster.
        asking: What it reported and waits for an answer to.
    """

    remote: RemoteTask
    heard: int = 0
    deaths: int = 0
    again: float | None = None
    asking: EpochReport | None = None


class RemoteServer:
    """Passes tasks on to a cluster, and what it reports to the client, who gave the tasks."""

    def __init__(
        self, client: Connection, cluster: Cluster, payloads: Payloads, threads: int
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._payloads = payloads
        self._threads = threads
        self._sent: dict[Key, _Sent] = {}
        self._stopping = False
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._woken, self._wake = os.pipe()

    def run(self) -> None:
        """Serves until the client is gone, which raises `EOFError` or an `OSError`.

        Raises:
            DlError: No more tasks can be done.
        """
        self._listen()
        while True:
            if self._woken in wait([self._client, self._woken], self._pause()):
                os.read(self._woken, 4096)
            while self._client.poll():
                self._hear(self._client.recv())
            with_mail = True
            while with_mail:
                try:
                    self._inbox.get_nowait()()
                except Empty:
                    with_mail = False
            for sent in self._waiting():
                if sent.again is not None and sent.again <= time.monotonic():
                    self._send(sent)

    def _hear(self, message: object) -> None:
        match message:
            case Task():
                self._begin(message)
            case Answer():
                sent = self._sent.get(message.key)
                if sent is not None and sent.asking is not None:
                    self._cluster.answer(sent.asking, message.go_on)
                    sent.asking = None
            case Stop():
                self._stopping = True
                self._cluster.withdraw()
                for sent in self._waiting():
                    self._end(sent, Result("interrupted"))

    def _begin(self, task: Task) -> None:
        try:
            payload = self._payloads.of(task)
        except DlError as error:
            self._client.send(TaskEnded(task.key, failed(error)))
            return
        remote = RemoteTask(task, 0, self._threads, dl.__version__, payload)
        self._sent[task.key] = sent = _Sent(remote)
        self._send(sent)

    def _send(self, sent: _Sent) -> None:
        sent.remote = remote = replace(sent.remote, attempt=sent.remote.attempt + 1)
        sent.heard, sent.again, sent.asking = 0, None, None
        future = self._cluster.submit(remote)
        future.add_done_callback(partial(self._notify, partial(self._come_back, remote)))

    def _waiting(self) -> list[_Sent]:
        return [sent for sent in self._sent.values() if sent.again is not None]

    def _pause(self) -> float | None:
        times = [sent.again for sent in self._waiting() if sent.again is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _listen(self) -> None:
        self._cluster.listen().add_done_callback(partial(self._notify, self._take_reports))

    def _notify(self, action: Callable[[Future[Any]], None], future: Future[Any]) -> None:
        """Has an action done by the main thread; called by those of the cluster."""
        self._inbox.put(partial(action, future))
        os.write(self._wake, b".")

    def _take_reports(self, future: Future[list[EpochReport]]) -> None:
        try:
            reports = future.result()
        except NodeLost as error:
            raise RunError(
                "the cluster has lost the node that this process is on",
                found=str(error),
                hint="finished trials are kept; go on with --resume",
            ) from error
        for report in reports:
            sent = self._sent.get(report.key)
            if sent is not None and sent.remote.attempt == report.attempt:
                sent.asking = report if sent.remote.task.asks else None
                self._pass_on(sent, report.row)
        self._listen()

    def _pass_on(self, sent: _Sent, row: Row) -> None:
        sent.heard += 1
        self._client.send(EpochDone(sent.remote.task.key, row))

    def _come_back(self, remote: RemoteTask, future: Future[Reply]) -> None:
        sent = self._sent.get(remote.task.key)
        if sent is None or sent.remote is not remote:
            return
        try:
            reply = future.result()
        except Withdrawn:
            self._end(sent, Result("interrupted"))
        except (NodeLost, ProcessDied) as error:
            self._lose(sent, error)
        else:
            self._take(sent, reply)

    def _take(self, sent: _Sent, reply: Reply) -> None:
        match reply:
            case Outcome():
                self._keep(sent, reply)
            case MissingData():
                payload = sent.remote.payload
                self._cluster.ship(payload.data, partial(self._payloads.pack, payload))
                self._send(sent)
            case IncompatibleNode():
                message = "a node of the cluster cannot train"
                raise RunError(message, found=reply.reason, hint=SAME_DL)

    def _keep(self, sent: _Sent, outcome: Outcome) -> None:
        """Brings the run of a task onto the disk; only then it has ended."""
        task, result = sent.remote.task, outcome.result
        for row in outcome.rows[sent.heard :]:
            self._pass_on(sent, row)
        if outcome.files and result.status != "interrupted":
            unpack(outcome.files, SweepDirectory(task.trials.parent).run(*task.key))
        self._end(sent, result)

    def _lose(self, sent: _Sent, error: NodeLost | ProcessDied) -> None:
        sent.deaths += isinstance(error, ProcessDied)
        if self._stopping:
            self._end(sent, Result("interrupted"))
        elif sent.deaths >= MOST_DEATHS:
            text = f"its process died {MOST_DEATHS} times; perhaps the memory ran out: {error}"
            self._end(sent, Result("failed", error=text, code=int(ExitCode.RUN), again=True))
        else:
            self._client.send(BegunAgain(sent.remote.task.key))
            sent.again = time.monotonic() + _PAUSE

    def _end(self, sent: _Sent, result: Result) -> None:
        key = sent.remote.task.key
        del self._sent[key]
        self._client.send(TaskEnded(key, result))
