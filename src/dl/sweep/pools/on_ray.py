"""A cluster by Ray: tasks that it carries out, and an actor through which they speak meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import ray
from ray import exceptions

from dl.errors import RunError, UsageError
from dl.sweep.pools.cluster import (
    MissingData,
    Needs,
    NodeLost,
    Order,
    Outcome,
    ProcessDied,
    Said,
    Unfit,
    Withdrawn,
)
from dl.sweep.pools.node import carry_out
from dl.sweep.pools.server import MOST_TASKS

_REACH_SECONDS = 5.0
_AUTH = "RAY_AUTH_MODE"
"""The variable that makes Ray show its token, which it does not do to any address."""
_LOST = (
    exceptions.NodeDiedError,
    exceptions.LocalRayletDiedError,
    exceptions.ObjectLostError,
    exceptions.ActorDiedError,
    exceptions.ActorUnavailableError,
)
_DIED = (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError)


class Mailbox:
    """An actor: takes what tasks say, and hands it to the sweep; and its answers to the tasks."""

    def __init__(self) -> None:
        self._said: list[Said] = []
        self._news = asyncio.Event()
        self._asked: dict[tuple[object, ...], asyncio.Future[bool]] = {}

    async def say(self, said: Said) -> None:
        """Takes what a task says."""
        self._said.append(said)
        self._news.set()

    async def ask(self, said: Said) -> bool:
        """Takes what a task says, and returns the answer once there is one."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[_place(said)] = answer
        await self.say(said)
        return await answer

    async def listen(self) -> list[Said]:
        """Returns what was said since the last call, once something was."""
        await self._news.wait()
        self._news.clear()
        said, self._said = self._said, []
        return said

    async def answer(self, said: Said, go_on: bool) -> None:
        """Answers a task that asked."""
        asked = self._asked.pop(_place(said), None)
        if asked is not None:
            asked.set_result(go_on)


class RayCluster:
    """The cluster that this process is connected to: see `connect`."""

    def __init__(self, needs: Needs, jobs: int | None) -> None:
        """Opens the mailbox.

        Args:
            needs: What each task takes.
            jobs: Tasks at the same time. Default: those that there is room for.

        Raises:
            RunError: There is no room for a single task.
        """
        room = _room(needs)
        self.jobs = jobs or room
        self._work = ray.remote(
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            max_retries=0,
            max_calls=MOST_TASKS,
        )(_work)
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        self._mailbox = ray.remote(num_cpus=0, scheduling_strategy=here)(Mailbox).remote()
        self._pieces: dict[str, list[Any]] = {}
        self._sent: set[Any] = set()

    def submit(self, order: Order) -> Future[Outcome | MissingData | Unfit]:
        """Sends an order; it waits in the cluster until there is room."""
        reference = self._work.remote(order, self._mailbox, self._pieces.get(order.parcel.data))
        self._sent.add(reference)
        future = _future(reference)
        future.add_done_callback(lambda _: self._sent.discard(reference))
        return future

    def ship(self, data: str, pack: Callable[[Callable[[bytes], None]], None]) -> None:
        """Keeps data in the object store, if it is not kept there yet."""
        if data not in self._pieces:
            pieces: list[Any] = []
            pack(lambda piece: pieces.append(ray.put(piece)))
            self._pieces[data] = pieces

    def listen(self) -> Future[list[Said]]:
        """Gives what was said since the last call, once something was."""
        return _future(self._mailbox.listen.remote())

    def answer(self, said: Said, go_on: bool) -> None:
        """Answers a task that asked."""
        self._mailbox.answer.remote(said, go_on)

    def withdraw(self) -> None:
        """Cancels all tasks; one that runs is interrupted."""
        for reference in list(self._sent):
            ray.cancel(reference)


@contextmanager
def connect(address: str | None) -> Iterator[None]:
    """Is connected to a cluster inside the block, quietly.

    Args:
        address: Where it is; `auto` for one that runs on this machine. Default: what the variable
            RAY_ADDRESS says, else one is begun that ends with this process. It is not looked for
            otherwise: another program's would end with that.

    Raises:
        UsageError: The address is none.
        RunError: There is no cluster there, or it is of another Ray or Python.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    # Ray has its workers import from the folder in which it is begun.
    with contextlib.chdir(os.sep):
        _begin(address)
    try:
        yield
    finally:
        ray.shutdown()


def _begin(address: str | None) -> None:
    options = {"log_to_driver": True, "logging_level": "ERROR"}
    try:
        if address is None:
            ray.init(address="local", include_dashboard=False, **options)
        else:
            _reach(address)
            ray.init(address=address, **options)
    except (OSError, RuntimeError, ValueError, exceptions.RayError) as error:
        raise _unreachable(address, error) from error


def _reach(address: str) -> None:
    """Asks whether anybody listens there; Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(
            f"--address {address} is not the address of a Ray cluster",
            expected="HOST:PORT, as `ray start --head` shows it, or auto",
        )
    socket.create_connection((host, int(port)), _REACH_SECONDS).close()


def _unreachable(address: str | None, error: Exception) -> RunError:
    where = f"at {address}" if address else "on this machine"
    found = getattr(error, "strerror", None)
    hint = "begin one with `ray start --head`, and name the address that it shows"
    if found is None and _AUTH not in os.environ:  # there is somebody who does not let us in
        hint = f"if the cluster wants a token: {_AUTH}=token dl sweep …"
    return RunError(
        f"no Ray cluster can be reached {where}", found=found or _words(error), hint=hint
    )


def _room(needs: Needs) -> int:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(_room_of(node, needs) for node in nodes)
    if not room:
        cpus, gpus = (max(node.get(name, 0.0) for node in nodes) for name in ("CPU", "GPU"))
        raise RunError(
            "no node of the cluster has room for a training",
            expected=f"{needs.cpus} CPUs and {needs.gpus:g} GPUs on one node, as `resources` says",
            found=f"at most {cpus:g} CPUs and {gpus:g} GPUs on one node",
        )
    return room


def _room_of(node: dict[str, float], needs: Needs) -> int:
    rooms = [node.get("CPU", 0.0) / needs.cpus]
    rooms += [node.get("GPU", 0.0) / needs.gpus] if needs.gpus else []
    return int(min(rooms))


class _RayPost:
    """Speaks with the sweep through the mailbox."""

    def __init__(self, mailbox: Any) -> None:
        self._mailbox = mailbox

    def say(self, said: Said) -> None:
        self._mailbox.say.remote(said)

    def ask(self, said: Said) -> bool:
        return bool(ray.get(self._mailbox.ask.remote(said)))


def _work(order: Order, mailbox: Any, pieces: list[Any] | None) -> Outcome | MissingData | Unfit:
    """Is what Ray has done on a node."""
    fetched = None if pieces is None else (ray.get(piece) for piece in pieces)
    return carry_out(order, _RayPost(mailbox), fetched)


def _place(said: Said) -> tuple[object, ...]:
    return (said.key, said.attempt)


def _future(reference: Any) -> Future[Any]:
    """Returns the future of a reference, with the errors that the sweep knows."""
    future: Future[Any] = Future()

    def take(done: Future[Any]) -> None:
        try:
            future.set_result(done.result())
        except BaseException as error:
            future.set_exception(_translated(error))

    reference.future().add_done_callback(take)
    return future


def _words(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _translated(error: BaseException) -> BaseException:
    words = _words(error)
    if isinstance(error, _LOST):
        return NodeLost(words)
    if isinstance(error, _DIED):
        return ProcessDied(words)
    if isinstance(error, exceptions.TaskCancelledError):
        return Withdrawn(words)
    print(error, file=sys.stderr)  # into the sweep's log: the message has a line of it
    cause = getattr(error, "cause", None)
    if isinstance(cause, KeyboardInterrupt | exceptions.TaskCancelledError):
        return Withdrawn(words)
    return RunError(
        "a node of the cluster cannot train",
        found=words if cause is None else _words(cause),
        hint="install the same dl-keras[ray] on all nodes, then go on with --resume",
    )
