"""A sweep's directory, `runs/<name>/<0001…>/`: its file names, and the runs of its trials."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dl.runs.create import create_run
from dl.runs.directory import TRIALS, RunDirectory, numbers

RECORD = "sweep.json"


@dataclass(frozen=True, slots=True)
class SweepDirectory:
    """The directory of one sweep."""

    path: Path

    @property
    def record(self) -> Path:
        """What was swept, when, with what, how it ended."""
        return self.path / RECORD

    @property
    def journal(self) -> Path:
        """What was asked and what came of it."""
        return self.path / "journal.jsonl"

    @property
    def leaderboard(self) -> Path:
        """The settings, the best first."""
        return self.path / "leaderboard.csv"

    @property
    def log(self) -> Path:
        """What the libraries wrote while trials ran."""
        return self.path / "workers.log"

    @property
    def directory(self) -> RunDirectory:
        """The directory as one that can be locked."""
        return RunDirectory(self.path)

    @property
    def report(self) -> Path:
        """The page about the sweep."""
        return self.path / "report.html"

    @property
    def plots(self) -> Path:
        """The folder of pictures."""
        return self.path / "plots"

    @property
    def trials(self) -> Path:
        """The folder of the trials: a name for each setting, in it a run for each repeat."""
        return self.path / TRIALS

    @property
    def label(self) -> str:
        """`name/0001`, as users name the sweep."""
        return f"{self.path.parent.name}/{self.path.name}"

    def run(self, trial: int, repeat: int) -> RunDirectory:
        """Returns the run of a repeat of a trial; it may not exist."""
        return RunDirectory(self.trials / trial_name(trial) / f"{repeat:04d}")


def trial_name(trial: int) -> str:
    """Returns the name of a trial's folder."""
    return f"{trial:04d}"


def create_sweep(root: Path, name: str, files: Mapping[str, bytes]) -> SweepDirectory:
    """Makes the next directory of a sweep, with its first files; raises `DiskError`."""
    with create_run(root, name, files) as made:
        return SweepDirectory(made.path)


def sweeps_of(root: Path, name: str) -> Iterator[SweepDirectory]:
    """Yields the sweeps of a name, ascending."""
    for number in numbers(root / name):
        sweep = SweepDirectory(root / name / f"{number:04d}")
        if sweep.record.is_file() and not sweep.path.is_symlink():
            yield sweep


def drop_arrays(run: RunDirectory) -> None:
    """Removes what takes room in a run: the trained model, its light copy, the checkpoints."""
    for path in (run.model, run.light, run.light_record):
        path.unlink(missing_ok=True)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
