"""What a process of a node does with an order: the run comes back as bytes, nothing stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dl
from dl.errors import NumericError
from dl.runs.sweeps import trial_name
from dl.sweep.pools import node
from dl.sweep.pools.cluster import MissingData, Order, Outcome, Said, Unfit
from dl.sweep.pools.tasks import Listener, Result, Task


class PlainTrainer:
    """Does what the overrides of a task say."""

    def __init__(self) -> None:
        self.threads = 0
        self.pieces: list[bytes] = []

    def begin(self, threads: int) -> None:
        self.threads = threads

    def has_data(self, parcel: Any) -> bool:
        return parcel == "here" or bool(self.pieces)

    def take_data(self, parcel: Any, pieces: Iterable[bytes]) -> None:
        self.pieces = list(pieces)

    def train(self, task: Task, parcel: Any, listener: Listener) -> Result:
        run = task.trials / trial_name(task.trial) / "0001"
        run.mkdir(parents=True)
        (run / "run.json").write_text(f"threads {self.threads}")
        while listener.epoch({"loss": 0.5}):
            pass
        if task.overrides == ("diverge",):
            raise NumericError("the loss is no number any more")
        return Result("completed")


class Asked:
    """Lets a task go on once."""

    def __init__(self) -> None:
        self.heard: list[Said] = []

    def say(self, said: Said) -> None:
        raise AssertionError

    def ask(self, said: Said) -> bool:
        self.heard.append(said)
        return len(self.heard) < 2


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(node, "_trainers", [])
    monkeypatch.setattr(node.tempfile, "tempdir", str(tmp_path))
    yield
    assert not list(node.node_folder().glob("trial-*"))


def _order(what: str, parcel: Any = "here", version: str = dl.__version__) -> Order:
    task = Task(3, 1, Path("base.yaml"), (what,), Path("elsewhere"), asks=True)
    return Order(task, 2, 4, version, PlainTrainer, parcel)


def test_the_run_comes_back_as_bytes() -> None:
    post = Asked()
    outcome = node.carry_out(_order("train"), post, None)
    assert isinstance(outcome, Outcome)
    assert outcome.result.status == "completed"
    assert outcome.files == {"run.json": b"threads 4"}
    assert outcome.rows == ({"loss": 0.5}, {"loss": 0.5})
    assert [said.attempt for said in post.heard] == [2, 2]


def test_a_failure_comes_back_with_what_the_run_has() -> None:
    outcome = node.carry_out(_order("diverge"), Asked(), None)
    assert isinstance(outcome, Outcome)
    assert (outcome.result.status, outcome.result.code) == ("failed", 6)
    assert "run.json" in outcome.files


def test_data_that_is_not_here_is_asked_for_and_taken() -> None:
    assert node.carry_out(_order("train", "there"), Asked(), None) == MissingData()
    outcome = node.carry_out(_order("train", "there"), Asked(), iter([b"rows"]))
    assert isinstance(outcome, Outcome)
    assert outcome.result.status == "completed"


def test_another_version_is_unfit() -> None:
    outcome = node.carry_out(_order("train", version="0.0.1"), Asked(), None)
    assert isinstance(outcome, Unfit)
    assert outcome.reason.endswith(f"has dl {dl.__version__}, the sweep 0.0.1")
