"""A cluster by Ray: tasks that it carries out, and an actor through which they speak meanwhile.

Run as a module it is the server of a sweep, and Ray's driver.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import ray
from ray import exceptions

from dl.data.load import Datasets
from dl.errors import RunError, UsageError
from dl.sweeps.pools import Key, Ready, Setup
from dl.sweeps.pools.cluster import (
    EpochReport,
    NodeLost,
    Outcome,
    ProcessDied,
    RemoteServer,
    RemoteTask,
    Withdrawn,
    carry_out,
)
from dl.sweeps.pools.processes import MOST_TASKS, read_baseline, serve, variants_of
from dl.sweeps.pools.transfer import name_of

_REACH_SECONDS = 5.0
"""Seconds to wait for an address; Ray itself would try for a minute."""
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
    """An actor: takes what tasks report, hands it to the sweep, and its answers to the tasks."""

    def __init__(self) -> None:
        self._reports: list[EpochReport] = []
        self._news = asyncio.Event()
        self._asked: dict[tuple[Key, int], asyncio.Future[bool]] = {}

    async def say(self, report: EpochReport) -> None:
        """Takes what a task reports."""
        self._reports.append(report)
        self._news.set()

    async def ask(self, report: EpochReport) -> bool:
        """Takes what a task reports, and returns the answer once there is one."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[report.key, report.attempt] = answer
        await self.say(report)
        return await answer

    async def listen(self) -> list[EpochReport]:
        """Returns what was reported since the last call, once something was."""
        await self._news.wait()
        self._news.clear()
        reports, self._reports = self._reports, []
        return reports

    async def answer(self, report: EpochReport, go_on: bool) -> None:
        """Answers a task that asked."""
        asked = self._asked.pop((report.key, report.attempt), None)
        if asked is not None:
            asked.set_result(go_on)


def _on_node(remote: RemoteTask, mailbox: Any, pieces: list[Any] | None) -> Outcome | None:
    """Is what Ray has done on a node."""

    def report(epoch: EpochReport) -> bool:
        if remote.task.asks:
            return bool(ray.get(mailbox.ask.remote(epoch)))
        mailbox.say.remote(epoch)
        return True

    fetched = None if pieces is None else (ray.get(piece) for piece in pieces)
    return carry_out(remote, report, fetched)


class RayCluster:
    """The cluster that this process is connected to: see `connect`.

    Attributes:
        jobs: How many tasks it has room for, unless the sweep says another number.
    """

    def __init__(self, setup: Setup) -> None:
        """Opens the mailbox; raises `RunError` where there is no room for a single task."""
        room = _room(setup)
        self.jobs = setup.jobs or room
        self._work = ray.remote(
            num_cpus=setup.threads, num_gpus=setup.gpus, max_retries=0, max_calls=MOST_TASKS
        )(_on_node)
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        self._mailbox = ray.remote(num_cpus=0, scheduling_strategy=here)(Mailbox).remote()
        self._pieces: dict[str, list[Any]] = {}
        self._sent: set[Any] = set()

    async def carry_out(self, task: RemoteTask) -> Outcome | None:
        """Has a task done; it waits in the cluster until there is room."""
        reference = self._work.remote(task, self._mailbox, self._pieces.get(name_of(task.files)))
        self._sent.add(reference)
        try:
            return await _result(reference)  # type: ignore[no-any-return]
        finally:
            self._sent.discard(reference)

    def ship(self, data: str, pack: Callable[[Callable[[bytes], None]], None]) -> None:
        """Keeps data in the object store, if it is not kept there yet."""
        if data not in self._pieces:
            pieces: list[Any] = []
            pack(lambda piece: pieces.append(ray.put(piece)))
            self._pieces[data] = pieces

    async def reports(self) -> list[EpochReport]:
        """Gives what was reported since the last call, once something was."""
        return await _result(self._mailbox.listen.remote())  # type: ignore[no-any-return]

    def answer(self, report: EpochReport, go_on: bool) -> None:
        """Answers a task that asked."""
        self._mailbox.answer.remote(report, go_on)

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
        UsageError: This is not an address.
        RunError: There is no cluster there, or it is of another Ray or Python.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    options = {"log_to_driver": True, "logging_level": "ERROR"}
    try:
        # Ray has its workers import from the folder in which it is begun.
        with contextlib.chdir(os.sep):
            if address is None:
                ray.init(address="local", include_dashboard=False, **options)
            else:
                _reach(address)
                ray.init(address=address, **options)
    except (OSError, RuntimeError, ValueError, exceptions.RayError) as error:
        raise _unreachable(address, error) from error
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Asks whether anybody listens there."""
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
    hint = "start one with `ray start --head`, and name the address that it shows"
    if found is None and _AUTH not in os.environ:  # there is somebody who does not let us in
        hint = f"if the cluster wants a token: {_AUTH}=token dl sweep …"
    return RunError(
        f"no Ray cluster can be reached {where}", found=found or _first_line(error), hint=hint
    )


def _room(setup: Setup) -> int:
    """Returns how many tasks fit onto the nodes at the same time; raises `RunError` for none."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    needs = {"CPU": setup.threads, "GPU": setup.gpus}
    room = sum(
        int(min(node.get(name, 0.0) / need for name, need in needs.items() if need))
        for node in nodes
    )
    if not room:
        cpus, gpus = (max(node.get(name, 0.0) for node in nodes) for name in needs)
        raise RunError(
            "no node of the cluster has room for a training",
            expected=f"{setup.threads} CPUs and {setup.gpus:g} GPUs on one node, as `resources` "
            "says",
            found=f"at most {cpus:g} CPUs and {gpus:g} GPUs on one node",
        )
    return room


async def _result(reference: Any) -> Any:
    """Waits for what a reference stands for; raises the errors that the sweep knows."""
    try:
        return await reference
    except Exception as error:
        raise _translated(error) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _translated(error: Exception) -> Exception:
    line = _first_line(error)
    if isinstance(error, _LOST):
        return NodeLost(line)
    if isinstance(error, _DIED):
        return ProcessDied(line)
    if isinstance(error, exceptions.TaskCancelledError):
        return Withdrawn(line)
    print(error, file=sys.stderr)  # into the sweep's log: the message has a line of it
    cause = getattr(error, "cause", None)
    if isinstance(cause, KeyboardInterrupt | exceptions.TaskCancelledError):
        return Withdrawn(line)
    found = line if cause is None else _first_line(cause)
    return RunError(
        "a node of the cluster cannot train",
        found=found,
        hint="install the same dl-keras[ray] on all nodes, then continue with --resume",
    )


def serve_cluster(client: Connection, setup: Setup) -> None:
    """Serves by the nodes of a cluster."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with connect(setup.address):
        cluster = RayCluster(setup)
        # Each dataset is read for its baseline alone; none is kept.
        baseline = read_baseline(variants_of(setup), Datasets(most_bytes=0))
        client.send(Ready(baseline, cluster.jobs))
        asyncio.run(RemoteServer(client, cluster, setup.threads).run())


def main() -> None:
    """Is the server."""
    serve(serve_cluster)


if __name__ == "__main__":
    # By its name: Ray sends what it finds in `__main__` to the nodes as code.
    from dl.sweeps.pools.ray import main as main_by_name

    main_by_name()
