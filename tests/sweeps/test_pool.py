"""The pool of this machine: what becomes of tasks that end, fail, die or are stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dl.errors import DataError, DlError, RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import is_held, take_lock
from dl.sweeps.pools import EpochDone, PoolClient, Result, Setup, Task, TaskEnded

Open = Callable[..., PoolClient]


@pytest.fixture
def open_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens pools whose server is `plain_server`, and closes them."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent.parent), *_path()]))
    pools: list[PoolClient] = []
    lock = take_lock(RunDirectory(tmp_path))

    def open_(ready: str = "ready", jobs: int = 1) -> PoolClient:
        setup = Setup(Path(ready), (), threads=2, jobs=jobs)
        pools.append(PoolClient("support.plain_server", setup, tmp_path / "workers.log", lock))
        return pools[-1]

    yield open_
    for pool in pools:
        pool.close()
    os.close(lock)
    assert not is_held(RunDirectory(tmp_path))


def _path() -> list[str]:
    return list(filter(None, [os.environ.get("PYTHONPATH")]))


def _task(what: str, trial: int = 1, asks: bool = False) -> Task:
    return Task(trial, 1, Path("base.yaml"), (what,), Path("trials"), asks)


def _results(pool: PoolClient, count: int) -> list[Result]:
    found: list[Result] = []
    end = time.monotonic() + 30
    while len(found) < count and time.monotonic() < end:
        found += [e.result for e in pool.events(1) if isinstance(e, TaskEnded)]
    return found


def _result(pool: PoolClient, what: str) -> Result:
    pool.submit(_task(what))
    return _results(pool, 1)[0]


def test_one_worker_does_one_task_after_the_other(open_pool: Open) -> None:
    pool = open_pool()
    assert pool.ready() == {"val_accuracy": 0.5}
    first, second = _result(pool, "train").metrics["seen"], _result(pool, "train").metrics["seen"]
    assert (first["done"], second["done"]) == (1, 2)
    assert first["pid"] == second["pid"]


def test_two_jobs_are_two_processes(open_pool: Open) -> None:
    pool = open_pool(jobs=2)
    pool.ready()
    pool.submit(_task("train", 1))
    pool.submit(_task("train", 2))
    seen = [result.metrics["seen"] for result in _results(pool, 2)]
    assert len({metrics["pid"] for metrics in seen}) == 2
    assert seen[0]["threads"] == 2


@pytest.mark.parametrize(
    ("what", "error", "code"),
    [
        ("raise", "the loss is no number", 6),
        ("bug", "ZeroDivisionError: division by zero", 4),
        ("memory", "not enough memory", 4),
        ("die", "its process was killed (SIGKILL); perhaps the memory ran out", 4),
    ],
)
def test_a_failure_costs_its_task_only(open_pool: Open, what: str, error: str, code: int) -> None:
    pool = open_pool()
    pool.ready()
    result = _result(pool, what)
    assert (result.status, result.error, result.code) == ("failed", error, code)
    assert _result(pool, "train").status == "completed"


def test_a_stop_reaches_the_task(open_pool: Open) -> None:
    pool = open_pool()
    pool.ready()
    pool.submit(_task("wait"))
    pool.stop()
    assert _results(pool, 1)[0].status == "interrupted"


def test_a_task_that_asks_waits_for_the_answer(open_pool: Open) -> None:
    pool = open_pool()
    pool.ready()
    pool.submit(_task("train", asks=True))
    for go_on in (True, False):
        (event,) = pool.events(20)
        assert isinstance(event, EpochDone)
        pool.answer(event.key, go_on)
    assert _results(pool, 1)[0].metrics["seen"]["epochs"] == 2


def test_what_makes_the_server_unfit_is_told(open_pool: Open) -> None:
    with pytest.raises(DataError, match="the data is not there"):
        open_pool("refuse").ready()


def test_a_bug_of_the_server_has_its_trace_in_the_log(open_pool: Open, tmp_path: Path) -> None:
    with pytest.raises(DlError, match="its trace is in"):
        open_pool("break").ready()
    assert "KeyError: 'a bug'" in (tmp_path / "workers.log").read_text()


def test_a_server_that_is_gone_is_told(open_pool: Open) -> None:
    pool = open_pool()
    pool.ready()
    pool.close()
    with pytest.raises(RunError, match="the server of the sweep has ended"):
        pool.submit(_task("train"))
