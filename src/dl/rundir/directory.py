"""The directories of runs and sweeps: their file names, and what a user types for one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dl.errors import RunError, closest

DEFAULT_ROOT = Path("runs")
"""The folder of all runs, where no other is named."""

SWEEP_RECORD = "sweep.json"
TRIALS = "trials"
"""The folder of a sweep that holds the runs of its trials."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NUMBER = re.compile(r"\d{4,}")


class _Inside:
    """A file or folder in a directory, by its name there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, directory: RunDirectory | SweepDirectory, _: object) -> Path:
        return directory.path / self._name


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The directory of one run, `runs/<name>/<0001…>/`."""

    path: Path

    config = _Inside("config.yaml")
    """The config as the user wrote it, byte for byte."""
    resolved = _Inside("resolved.yaml")
    """The config with everything explicit."""
    record = _Inside("run.json")
    """Status, times, versions: see `dl.rundir.record`."""
    history = _Inside("history.csv")
    """One row an epoch."""
    metrics = _Inside("metrics.json")
    """The final metrics of each part."""
    preprocess = _Inside("preprocess.json")
    """What was learned from the training part."""
    columns = _Inside("columns.json")
    """What the columns of the training part were like: see `dl.data.drift`."""
    model = _Inside("model.h5")
    """The trained model."""
    light = _Inside("model.tflite")
    """The lite copy of the model, which needs no TensorFlow: see `dl.predict.lite`."""
    light_record = _Inside("model.tflite.json")
    """What the lite copy was made from, with checksums."""
    manifest = _Inside("manifest.json")
    """The checksums of the files above: see `dl.rundir.manifest`."""
    lock = _Inside(".lock")
    """Names the process that works on the run: see `dl.rundir.files`."""
    checkpoints = _Inside("checkpoint")
    """The folder of what an exact resume needs: see `dl.rundir.manifest`."""
    plots = _Inside("plots")
    """The folder of pictures."""
    outputs = _Inside("outputs.npz")
    """What the model said of the rows that it was judged on: see `dl.data.predictions`."""
    errors = _Inside("errors.npy")
    """The errors of training rows, where the inputs are the target: see `dl.data.row_errors`."""
    facts = _Inside("facts.json")
    """What a report shows that only the training knew: see `dl.report.facts`."""
    baselines = _Inside("baselines.json")
    """Where the run stands among simple models: see `dl.report.ranking`."""
    audit = _Inside("audit.json")
    """Where the data of the run leak: see `dl.report.ranking`."""
    report = _Inside("report.html")
    """The page about the run."""
    tags = _Inside("tags.json")
    """Words that the user has put on the run: see `dl.rundir.record`."""
    note = _Inside("note.txt")
    """What the user has written of the run: see `dl.rundir.record`."""
    tracked = _Inside("mlflow.json")
    """Names the copy of the run in a store of MLflow: see `dl.tracking.mlflow_copy`."""

    @property
    def made_last(self) -> tuple[Path, ...]:
        """What is made when the result is told: all of it is there, or it is made again."""
        return self.light_record, self.facts, self.report

    @property
    def command_to_resume(self) -> str:
        """What a user types to go on with the run."""
        return f"dl train --resume {self.typed}"

    @property
    def typed(self) -> str:
        """What a user types after a command to name the run."""
        return self.label if self.path.parent.parent == DEFAULT_ROOT else str(self.path)

    @property
    def label(self) -> str:
        """`name/0001`, as users name the run; that of a trial has the sweep's label before it."""
        trials = self.path.parent.parent
        if trials.name == TRIALS and NUMBER.fullmatch(trials.parent.name):
            sweep = trials.parent
            return f"{sweep.parent.name}/{sweep.name}/{self.path.parent.name}/{self.path.name}"
        return f"{self.path.parent.name}/{self.path.name}"


def numbers(parent: Path) -> list[int]:
    """Returns the numbers of the runs in a name's folder, ascending."""
    try:
        names = os.listdir(parent)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name) for name in names if NUMBER.fullmatch(name))


def next_number(parent: Path) -> int:
    """Returns the number that follows the highest one in a name's folder."""
    return max(numbers(parent), default=0) + 1


@dataclass(frozen=True, slots=True)
class SweepDirectory:
    """The directory of one sweep."""

    path: Path

    record = _Inside(SWEEP_RECORD)
    """What was swept, when, with what, how it ended."""
    journal = _Inside("journal.jsonl")
    """What was asked and what came of it."""
    leaderboard = _Inside("leaderboard.csv")
    """The settings, the best first."""
    log = _Inside("workers.log")
    """What the libraries wrote while trials ran."""

    @property
    def directory(self) -> RunDirectory:
        """The directory as one that can be locked."""
        return RunDirectory(self.path)

    report = _Inside("report.html")
    """The page about the sweep."""
    plots = _Inside("plots")
    """The folder of pictures."""
    trials = _Inside(TRIALS)
    """The folder of the trials: a name for each setting, in it a run for each repeat."""

    @property
    def label(self) -> str:
        """`name/0001`, as users name the sweep."""
        return f"{self.path.parent.name}/{self.path.name}"

    def run(self, trial: int, repeat: int) -> RunDirectory:
        """Returns the run of a repeat of a trial; it may not exist."""
        return RunDirectory(self.trials / trial_name(trial) / f"{repeat:04d}")


D = TypeVar("D", RunDirectory, SweepDirectory)


def trial_name(trial: int) -> str:
    """Returns the name of a trial's folder."""
    return f"{trial:04d}"


def sweeps_of(root: Path, name: str) -> Iterator[SweepDirectory]:
    """Returns the sweeps of a name, ascending."""
    return _made(SweepDirectory, root / name)


def runs_of(root: Path, name: str) -> Iterator[RunDirectory]:
    """Returns the runs of a name, ascending; links are not followed, and none are of no name."""
    return _made(RunDirectory, root / name) if NAME.fullmatch(name) else iter(())


def _made(kind: Callable[[Path], D], folder: Path) -> Iterator[D]:
    """Yields the runs or the sweeps in the folder of a name; links are not followed."""
    for number in numbers(folder):
        made = kind(folder / f"{number:04d}")
        if made.record.is_file() and not made.path.is_symlink():
            yield made


def find_run(text: str, root: Path) -> RunDirectory:
    """Returns the run that `text` names.

    Args:
        text: A run's directory, a name (its newest run), `name/number`, or a trial of a sweep,
            `name/number/trial`, perhaps with the number of its repeat.
        root: The folder of all runs.

    Raises:
        RunError: There is no such run, or it lies outside `root` by way of a link.
    """
    if "\0" in text or not text:
        raise RunError(f"{text!r} is not a run", expected="a directory, a name, or name/number")
    path = Path(text)
    if (path / "run.json").is_file():
        run = RunDirectory(path)
        if _is_inside(os.path.abspath(path), os.path.abspath(root)):
            _refuse_outside(run, root)
        return run
    name, _, number = text.strip("/").partition("/")
    number, _, trial = number.partition("/")
    run = _named_run(root, name, number)
    if trial or (run.path / SWEEP_RECORD).is_file():
        run = _trial(SweepDirectory(run.path), trial)
    _refuse_outside(run, root)
    return run


def find_sweep(text: str, root: Path) -> SweepDirectory:
    """Returns the sweep that `text` names: its directory, a name (its newest), or `name/number`.

    Raises:
        RunError: There is no such sweep.
    """
    if "\0" not in text and (Path(text) / SWEEP_RECORD).is_file():
        return SweepDirectory(Path(text))
    name, _, number = text.strip("/").partition("/")
    sweep = SweepDirectory(_named_run(root, name, number).path)
    if not sweep.record.is_file():
        raise RunError(f"{sweep.label} is a run, not a sweep", hint=f"dl show {sweep.label}")
    return sweep


def is_sweep(text: str, root: Path) -> bool:
    """Tells whether `text` names a sweep."""
    try:
        find_sweep(text, root)
    except RunError:
        return False
    return True


def all_runs(root: Path) -> Iterator[RunDirectory]:
    """Yields every run below `root`, by name and number; links are not followed."""
    for name in run_names(root):
        yield from runs_of(root, name)


def all_sweeps(root: Path) -> Iterator[SweepDirectory]:
    """Yields every sweep below `root`, by name and number; links are not followed."""
    for name in run_names(root):
        yield from sweeps_of(root, name)


def trial_runs(root: Path, name: str) -> Iterator[RunDirectory]:
    """Yields the runs of all trials of the sweeps of a name."""
    for sweep in sweeps_of(root, name):
        yield from trials_of(sweep)


def trials_of(sweep: SweepDirectory) -> Iterator[RunDirectory]:
    """Yields the runs of the trials of a sweep."""
    for trial in numbers(sweep.trials):
        yield from _made(RunDirectory, sweep.trials / trial_name(trial))


def run_names(root: Path) -> list[str]:
    """Returns the names that have runs below `root`, sorted."""
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return sorted(filter(NAME.fullmatch, folders))  # no other can be a run's


def _named_run(root: Path, name: str, number: str) -> RunDirectory:
    existing = numbers(root / name) if name not in ("", ".", "..") else []
    if not existing:
        raise _unknown(name, root)
    if not number:
        return RunDirectory(root / name / f"{existing[-1]:04d}")
    if not NUMBER.fullmatch(number.zfill(4)) or int(number) not in existing:
        raise RunError(
            f"{name}/{number} is not a run in {root}",
            expected=f"a number from {existing[0]} to {existing[-1]}",
            found=number,
            hint="see the runs: dl list",
        )
    return RunDirectory(root / name / f"{int(number):04d}")


def _trial(sweep: SweepDirectory, text: str) -> RunDirectory:
    """Returns the run of `trial` or `trial/repeat`; without a repeat the first that there is."""
    trial, _, repeat = text.partition("/")
    folder = sweep.trials / trial.zfill(4)
    found = numbers(folder) if trial.isascii() and trial.isdigit() else []
    wanted = int(repeat) if repeat.isascii() and repeat.isdigit() else None
    if not repeat and found:
        wanted = found[0]
    if wanted is None or wanted not in found:
        what = f"has no trial {text}" if text else "is a sweep, not a run"
        hint = f"name a trial: {sweep.label}/7; see all: dl compare {sweep.label}"
        raise RunError(f"{sweep.label} {what}", hint=hint)
    return sweep.run(int(trial), wanted)


def _unknown(name: str, root: Path) -> RunError:
    known = run_names(root)
    near = closest(name, known) or (Path(name).stem if Path(name).stem in known else None)
    if name.endswith(".h5") and Path(name).is_file():
        hint = f"a model file is measured by: dl evaluate {name} --data FILE"
    elif near:
        hint = f"did you mean {near}?"
    elif Path(name).is_file():
        hint = f"that is a file; the run comes before its data: dl predict RUN {name}"
    elif known:
        hint = "see the runs: dl list"
    else:
        hint = "there are no runs yet: dl train CONFIG makes one"
    return RunError(f"there is no run named {name} in {root}", hint=hint)


def _refuse_outside(run: RunDirectory, root: Path) -> None:
    inside = os.path.realpath(root)
    real = os.path.realpath(run.path)
    if not _is_inside(real, inside):
        raise RunError(
            f"{run.path} is a link out of {root}",
            found=real,
            hint=f"name the directory itself: {real}",
        )


def _is_inside(path: str, folder: str) -> bool:
    return os.path.commonpath([folder, path]) == folder
