"""What a process of a node does with a task: the run comes back as bytes, nothing stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import dl
from dl.errors import NumericError, RunError
from dl.rundir.directory import trial_name
from dl.rundir.manifest import file_sha256
from dl.sweeps.pools import OnEpoch, Result, Task, cluster
from dl.sweeps.pools.cluster import (
    EpochReport,
    Outcome,
    RemoteTask,
)
from dl.sweeps.pools.transfer import DataFile, DataFiles, name_of, send_files


class PlainTrainer:
    """Does what the overrides of a task say."""

    def __init__(self) -> None:
        self.threads = 0

    def begin(self, threads: int) -> None:
        self.threads = threads

    def train_config(self, task: Task, loaded: Any, epoch: OnEpoch, *, source: Any) -> Result:
        assert Path(source).read_text() == "a,b\n1,2\n"
        run = task.trials / trial_name(task.trial) / "0001"
        run.mkdir(parents=True)
        (run / "run.json").write_text(f"threads {self.threads}")
        while epoch({"loss": 0.5}):
            pass
        if task.overrides == ("diverge",):
            raise NumericError("the loss became NaN or infinite")
        return Result("completed")


class Asked:
    """Lets a task go on once."""

    def __init__(self) -> None:
        self.heard: list[EpochReport] = []

    def __call__(self, report: EpochReport) -> bool:
        self.heard.append(report)
        return len(self.heard) < 2


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has a process that has not trained yet, and a config that is the path of its data."""
    monkeypatch.setattr(cluster, "_trainers", [])
    monkeypatch.setattr(
        cluster, "import_module", lambda name: SimpleNamespace(Trainer=PlainTrainer)
    )
    monkeypatch.setattr(cluster, "take_process", lambda: None)
    monkeypatch.setattr(
        cluster, "relocated", lambda loaded, files, cache: cache / name_of(files) / files[0].place
    )
    monkeypatch.setattr(cluster.tempfile, "tempdir", str(tmp_path))
    yield
    assert not list(cluster.node_folder().glob("trial-*"))


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    """The only file that a config reads."""
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    return (DataFile(str(path), "path/rows.csv", 8, file_sha256(path)),)


def _remote(files: DataFiles, what: str = "train", version: str = dl.__version__) -> RemoteTask:
    task = Task(3, 1, Path("base.yaml"), (what,), Path("elsewhere"), asks=True)
    path: Any = Path(files[0].path)
    return RemoteTask(task, path, files, 4, 2, version)


def test_the_run_comes_back_as_bytes(files: DataFiles) -> None:
    reports = Asked()
    outcome = cluster.carry_out(_remote(files), reports, None)
    assert isinstance(outcome, Outcome)
    assert outcome.result.status == "completed"
    assert outcome.files == {"run.json": b"threads 4"}
    assert outcome.rows == ({"loss": 0.5}, {"loss": 0.5})
    assert [report.attempt for report in reports.heard] == [2, 2]


def test_a_failure_comes_back_with_what_the_run_has(files: DataFiles) -> None:
    outcome = cluster.carry_out(_remote(files, "diverge"), Asked(), None)
    assert isinstance(outcome, Outcome)
    assert (outcome.result.status, outcome.result.code) == ("failed", 6)
    assert "run.json" in outcome.files


def test_data_that_is_not_here_is_asked_for_and_taken(files: DataFiles, tmp_path: Path) -> None:
    pieces: list[bytes] = []
    send_files(files, pieces.append)
    (tmp_path / "rows.csv").unlink()
    assert cluster.carry_out(_remote(files), Asked(), None) is None
    outcome = cluster.carry_out(_remote(files), Asked(), iter(pieces))
    assert isinstance(outcome, Outcome)
    assert outcome.result.status == "completed"
    assert isinstance(cluster.carry_out(_remote(files), Asked(), None), Outcome)


def test_another_version_does_not_fit(files: DataFiles) -> None:
    with pytest.raises(RunError, match=f"has dl {dl.__version__}, the sweep 0.0.1"):
        cluster.carry_out(_remote(files, version="0.0.1"), Asked(), None)
