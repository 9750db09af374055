"""The server of a sweep on a cluster: sends tasks there, again if they are lost, keeps their runs.

A task is in the journal when its run is on the disk here; until then it can be sent again, and
what an earlier attempt still says is not heard.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from queue import Empty, SimpleQueue
from typing import Any

import dl
from dl.errors import DlError, ExitCode, RunError
from dl.runs.packed import unpack
from dl.runs.sweeps import SweepDirectory
from dl.sweep.pools.cluster import (
    Cluster,
    ClusterTrainer,
    Key,
    MissingData,
    NodeLost,
    Order,
    Outcome,
    ProcessDied,
    Said,
    Unfit,
    Withdrawn,
)
from dl.sweep.pools.server import Answer, Stop
from dl.sweep.pools.tasks import BegunAgain, EpochDone, Result, Task, TaskEnded, failed

MOST_DEATHS = 3
"""So often a task may cost its process its life; then it has failed. Lost nodes do not count."""
_PAUSE = 1.0
"""Seconds before a task is sent again: a cluster takes a moment to notice that a node is gone."""


@dataclass(slots=True)
class _Sent:
    """A task that was sent.

    Attributes:
        order: As it was sent last.
        heard: The epochs of this attempt that were passed on.
        deaths: How often its process has died.
        again: When it is to be sent again, by `time.monotonic`; None while it is in the cluster.
        asking: What it said and waits for an answer to.
    """

    order: Order
    heard: int = 0
    deaths: int = 0
    again: float | None = None
    asking: Said | None = None


class RemoteServer:
    """Passes tasks on to a cluster, and what it says to the one who gave the tasks."""

    def __init__(
        self, client: Connection, cluster: Cluster, trainer: ClusterTrainer, threads: int
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._trainer = trainer
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
            self._empty_inbox()
            self._send_again()

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
            parcel = self._trainer.parcel(task)
        except DlError as error:
            self._client.send(TaskEnded(task.key, failed(error)))
            return
        order = Order(task, 0, self._threads, dl.__version__, self._trainer.on_node, parcel)
        self._sent[task.key] = sent = _Sent(order)
        self._send(sent)

    def _send(self, sent: _Sent) -> None:
        sent.order = order = replace(sent.order, attempt=sent.order.attempt + 1)
        sent.heard, sent.again, sent.asking = 0, None, None
        future = self._cluster.submit(order)
        future.add_done_callback(partial(self._notify, partial(self._come_back, order)))

    def _send_again(self) -> None:
        for sent in self._waiting():
            if sent.again is not None and sent.again <= time.monotonic():
                self._send(sent)

    def _waiting(self) -> list[_Sent]:
        return [sent for sent in self._sent.values() if sent.again is not None]

    def _pause(self) -> float | None:
        times = [sent.again for sent in self._waiting() if sent.again is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _listen(self) -> None:
        self._cluster.listen().add_done_callback(partial(self._notify, self._take_said))

    def _notify(self, action: Callable[[Future[Any]], None], future: Future[Any]) -> None:
        """Has an action done by the main thread; called by those of the cluster."""
        self._inbox.put(partial(action, future))
        os.write(self._wake, b".")

    def _empty_inbox(self) -> None:
        while True:
            try:
                action = self._inbox.get_nowait()
            except Empty:
                return
            action()

    def _take_said(self, future: Future[list[Said]]) -> None:
        try:
            heard = future.result()
        except NodeLost as error:
            raise RunError(
                "the cluster has lost the node that this process is on",
                found=str(error),
                hint="finished trials are kept; go on with --resume",
            ) from error
        for said in heard:
            sent = self._sent.get(said.key)
            if sent is not None and sent.order.attempt == said.attempt:
                sent.asking = said if sent.order.task.asks else None
                self._pass_on(sent, said.row)
        self._listen()

    def _pass_on(self, sent: _Sent, row: Any) -> None:
        sent.heard += 1
        self._client.send(EpochDone(sent.order.task.key, row))

    def _come_back(self, order: Order, future: Future[Outcome | MissingData | Unfit]) -> None:
        sent = self._sent.get(order.task.key)
        if sent is None or sent.order is not order:
            return
        try:
            outcome = future.result()
        except Withdrawn:
            self._end(sent, Result("interrupted"))
        except (NodeLost, ProcessDied) as error:
            self._lose(sent, error)
        else:
            self._take(sent, outcome)

    def _take(self, sent: _Sent, outcome: Outcome | MissingData | Unfit) -> None:
        match outcome:
            case Outcome():
                self._keep(sent, outcome)
            case MissingData():
                parcel = sent.order.parcel
                self._cluster.ship(parcel.data, partial(self._trainer.pack_data, parcel))
                self._send(sent)
            case Unfit():
                raise RunError(
                    "a node of the cluster cannot train",
                    found=outcome.reason,
                    hint="install the same dl-keras[ray] on all nodes, then go on with --resume",
                )

    def _keep(self, sent: _Sent, outcome: Outcome) -> None:
        """Brings the run of a task onto the disk; only then it has ended."""
        task, result = sent.order.task, outcome.result
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
            self._client.send(BegunAgain(sent.order.task.key))
            sent.again = time.monotonic() + _PAUSE

    def _end(self, sent: _Sent, result: Result) -> None:
        key = sent.order.task.key
        del self._sent[key]
        self._client.send(TaskEnded(key, result))
