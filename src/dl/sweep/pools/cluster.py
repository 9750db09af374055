"""What a sweep says to a cluster, and what it hears from there; nothing here knows Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from dl.sweep.pools.tasks import Listener, Result, Row, Task

Key = tuple[int, int]
"""The trial and the repeat of a task."""


class Parcel(Protocol):
    """All that a node needs for a task, but for the data."""

    @property
    def data(self) -> str:
        """Names the data: the same for two tasks only if they read the same files."""


class NodeTrainer(Protocol):
    """What training is, in a process of a node."""

    def begin(self, threads: int) -> None:
        """Is called once in the process, which may use so many threads."""

    def has_data(self, parcel: Any) -> bool:
        """Tells whether the data of a task is on this node."""

    def take_data(self, parcel: Any, pieces: Iterable[bytes]) -> None:
        """Keeps the data of a task on this node; raises `DlError`."""

    def train(self, task: Task, parcel: Any, listener: Listener) -> Result:
        """Does a task; raises what went wrong."""


class ClusterTrainer(Protocol):
    """What training is, where the sweep runs."""

    def prepare(self) -> Mapping[str, float]:
        """Looks whether the data can be used; returns the metrics of a trivial answer, if known."""

    def parcel(self, task: Task) -> Parcel:
        """Returns all that a node needs for a task; raises `DlError`."""

    def pack_data(self, parcel: Any, put: Callable[[bytes], None]) -> None:
        """Hands over the data of a task in pieces; raises `DlError`."""

    @property
    def on_node(self) -> Callable[[], NodeTrainer]:
        """What makes the trainer of a process of a node; travels there by its name."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What each task occupies on its node."""

    cpus: int
    gpus: float


@dataclass(frozen=True, slots=True)
class Order:
    """A task on its way to a node.

    Attributes:
        task: What is to be done.
        attempt: The how-manieth time it is sent, from 1.
        threads: How many its process may use.
        version: The version of `dl` that sent it.
        trainer: Makes what trains.
        parcel: What that needs.
    """

    task: Task
    attempt: int
    threads: int
    version: str
    trainer: Callable[[], NodeTrainer]
    parcel: Parcel


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back from a node.

    Attributes:
        result: How the task ended.
        rows: The history.
        files: The files of the run, by their names in it.
    """

    result: Result
    rows: tuple[Row, ...]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class MissingData:
    """The node does not see the data; the task has to be sent again with it."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """The node cannot do any task of this sweep."""

    reason: str


@dataclass(frozen=True, slots=True)
class Said:
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


class Post(Protocol):
    """How a process of a node speaks with the sweep."""

    def say(self, said: Said) -> None:
        """Says it and does not wait."""

    def ask(self, said: Said) -> bool:
        """Says it, and waits for leave to go on."""


class Cluster(Protocol):
    """Takes orders; the futures it gives raise `NodeLost`, `ProcessDied` or `Withdrawn`."""

    @property
    def jobs(self) -> int:
        """How many tasks it has room for."""

    def submit(self, order: Order) -> Future[Outcome | MissingData | Unfit]:
        """Sends an order; it waits in the cluster until there is room."""

    def ship(self, data: str, pack: Callable[[Callable[[bytes], None]], None]) -> None:
        """Keeps data in the cluster, if it is not kept there yet, for all orders that read it."""

    def listen(self) -> Future[list[Said]]:
        """Gives what was said since the last call, once something was."""

    def answer(self, said: Said, go_on: bool) -> None:
        """Answers a task that asked."""

    def withdraw(self) -> None:
        """Withdraws all orders, those too that are carried out."""
