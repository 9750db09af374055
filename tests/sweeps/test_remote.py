"""The server of a sweep on a cluster: what becomes of tasks that are lost, die, ask or are stopped.

The cluster is a fake; nothing runs, the test says what came of a task.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import dl
from dl.errors import ConfigError, DlError, RunError
from dl.rundir.manifest import first_manifest
from dl.sweeps.pools import (
    Answer,
    BegunAgain,
    EpochDone,
    Result,
    Row,
    Stop,
    Task,
    TaskEnded,
    cluster,
)
from dl.sweeps.pools.cluster import (
    EpochReport,
    NodeLost,
    Outcome,
    ProcessDied,
    RemoteServer,
    RemoteTask,
    Withdrawn,
)

RUN = {"history.csv": b"epoch,loss\n1,0.5\n"}
FILES = {**RUN, "manifest.json": first_manifest(RUN).encode()}
DONE = Result("completed", {"validation": {"accuracy": 1.0}})


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a config that reads no file, and is wrong where its overrides are."""

    def load(path: Path, overrides: tuple[str, ...]) -> SimpleNamespace:
        if overrides == ("wrong",):
            raise ConfigError("wrong is not a path of the config")
        return SimpleNamespace(config=SimpleNamespace(data=None))

    monkeypatch.setattr(cluster, "load_config", load)
    monkeypatch.setattr(cluster, "data_files", lambda config: ())
    monkeypatch.setattr(cluster, "send_files", lambda files, put: put(b"rows"))


class FakeCluster:
    """Keeps the tasks, for the test to say what came of them."""

    jobs = 2

    def __init__(self) -> None:
        self.tasks: list[tuple[RemoteTask, Future[Any]]] = []
        self.arrived = threading.Semaphore(0)
        self.heard: Future[list[EpochReport]] = Future()
        self.answers: list[bool] = []
        self.shipped: list[bytes] = []
        self.answered = threading.Semaphore(0)

    async def carry_out(self, remote: RemoteTask) -> Any:
        future: Future[Any] = Future()
        self.tasks.append((remote, future))
        self.arrived.release()
        return await asyncio.wrap_future(future)

    def ship(self, data: str, pack: Callable[[Callable[[bytes], None]], None]) -> None:
        pack(self.shipped.append)

    async def reports(self) -> list[EpochReport]:
        self.heard = Future()
        return await asyncio.wrap_future(self.heard)

    def answer(self, report: EpochReport, go_on: bool) -> None:
        self.answers.append(go_on)
        self.answered.release()

    def withdraw(self) -> None:
        for _, future in self.tasks:
            if not future.done():
                future.set_exception(Withdrawn())


class Served:
    """A server in a thread, and its client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster = FakeCluster()
        self.client, theirs = Pipe()
        self.error: DlError | None = None
        self._thread = threading.Thread(target=self._run, args=(theirs,))
        self._thread.start()

    def begin(self, what: str = "train", asks: bool = False) -> None:
        trials = self.folder / "trials"
        self.client.send(Task(1, 1, Path("base.yaml"), (what,), trials, asks))

    def remote(self) -> tuple[RemoteTask, Future[Any]]:
        """Waits for the next task."""
        assert self.cluster.arrived.acquire(timeout=10)
        return self.cluster.tasks[-1]

    def said(self, remote: RemoteTask, row: Row) -> None:
        self.cluster.heard.set_result([EpochReport(remote.task.key, remote.attempt, row)])

    def next(self) -> Any:
        assert self.client.poll(10)
        [event] = self.client.recv()
        return event

    def ended(self) -> DlError:
        """Waits until the server has ended by itself, and returns why."""
        self._thread.join(10)
        assert self.error is not None
        return self.error

    def close(self) -> None:
        self.client.close()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self, theirs: Connection) -> None:
        try:
            asyncio.run(RemoteServer(theirs, self.cluster, 3).run())
        except DlError as error:
            self.error = error
        except (EOFError, OSError):
            pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(cluster, "_PAUSE", 0.01)
    opened = Served(tmp_path)
    yield opened
    opened.close()


def test_a_task_comes_back_with_its_run(served: Served) -> None:
    served.begin()
    remote, future = served.remote()
    assert (remote.attempt, remote.threads, remote.version) == (1, 3, dl.__version__)
    served.said(remote, {"loss": 0.5})
    assert served.next() == EpochDone((1, 1), {"loss": 0.5})
    future.set_result(Outcome(DONE, ({"loss": 0.5},), FILES))
    assert served.next() == TaskEnded((1, 1), DONE)
    run = served.folder / "trials/0001/0001"
    assert {path.name: path.read_bytes() for path in run.iterdir()} == FILES


def test_epochs_that_were_not_heard_yet_are_told_before_the_end(served: Served) -> None:
    served.begin()
    _, future = served.remote()
    future.set_result(Outcome(DONE, ({"loss": 0.5}, {"loss": 0.4}), FILES))
    events = [served.next() for _ in range(3)]
    assert [getattr(event, "row", None) for event in events] == [{"loss": 0.5}, {"loss": 0.4}, None]


def test_a_task_of_a_lost_node_is_sent_again_as_often_as_needed(served: Served) -> None:
    served.begin()
    for attempt in range(1, cluster.MOST_DEATHS + 2):
        remote, future = served.remote()
        assert remote.attempt == attempt
        future.set_exception(NodeLost("gone"))
        assert served.next() == BegunAgain((1, 1))


def test_what_an_earlier_attempt_says_is_not_heard(served: Served) -> None:
    served.begin()
    first, lost = served.remote()
    lost.set_exception(NodeLost("gone"))
    assert served.next() == BegunAgain((1, 1))
    second, future = served.remote()
    served.said(first, {"loss": 9.0})
    future.set_result(Outcome(DONE, ({"loss": 0.5},), FILES))
    assert served.next() == EpochDone((1, 1), {"loss": 0.5})
    assert second.attempt == 2


def test_a_task_that_kills_its_process_fails_after_three_times(served: Served) -> None:
    served.begin()
    for _ in range(cluster.MOST_DEATHS - 1):
        served.remote()[1].set_exception(ProcessDied("it died"))
        assert served.next() == BegunAgain((1, 1))
    served.remote()[1].set_exception(ProcessDied("it died"))
    text = "its process died 3 times; perhaps the memory ran out: it died"
    assert served.next() == TaskEnded((1, 1), Result("failed", error=text, code=4, again=True))


def test_a_node_without_the_data_gets_it(served: Served) -> None:
    served.begin()
    served.remote()[1].set_result(None)
    remote, _ = served.remote()
    assert (remote.attempt, served.cluster.shipped) == (2, [b"rows"])


def test_a_task_that_asks_gets_the_answer(served: Served) -> None:
    served.begin(asks=True)
    remote, _ = served.remote()
    served.said(remote, {"loss": 0.5})
    assert served.next() == EpochDone((1, 1), {"loss": 0.5})
    served.client.send(Answer((1, 1), False))
    assert served.cluster.answered.acquire(timeout=10)
    assert served.cluster.answers == [False]


def test_a_stop_withdraws_every_task(served: Served) -> None:
    served.begin()
    served.remote()
    served.client.send(Stop())
    assert served.next() == TaskEnded((1, 1), Result("interrupted"))


def test_a_config_that_is_wrong_is_a_failure_and_not_sent(served: Served) -> None:
    served.begin("wrong")
    result = served.next().result
    assert (result.status, result.error) == ("failed", "wrong is not a path of the config")
    assert served.cluster.tasks == []


def test_a_damaged_run_ends_the_sweep(served: Served) -> None:
    served.begin()
    damaged = {**FILES, "history.csv": b"epoch,loss\n1,0.6\n"}
    served.remote()[1].set_result(Outcome(DONE, (), damaged))
    assert "history.csv is damaged or was edited" in str(served.ended())
    assert list((served.folder / "trials/0001").iterdir()) == []


def test_without_its_own_node_the_sweep_ends(served: Served) -> None:
    served.begin()
    served.remote()
    served.cluster.heard.set_exception(NodeLost("the mailbox is gone"))
    (problem,) = served.ended().problems
    assert (problem.message, problem.found) == (
        "the cluster has lost the node that this process is on",
        "the mailbox is gone",
    )


def test_a_node_that_cannot_train_ends_the_sweep(served: Served) -> None:
    served.begin()
    served.remote()[1].set_exception(RunError("a node of the cluster cannot train"))
    assert str(served.ended()) == "a node of the cluster cannot train"


@pytest.mark.slow
def test_a_node_with_another_dl_is_told_in_its_words() -> None:
    from dl.sweeps.pools.ray import _translated

    class Raised(Exception):
        """What Ray makes of an error on a node."""

        cause = RunError("n1 has dl 0.0.1, the sweep 0.1.0")

    error = _translated(Raised())
    assert isinstance(error, RunError)
    (problem,) = error.problems
    assert (problem.message, problem.found, problem.hint) == (
        "a node of the cluster cannot train",
        "n1 has dl 0.0.1, the sweep 0.1.0",
        "install the same dl-keras[ray] on all nodes, then continue with --resume",
    )
