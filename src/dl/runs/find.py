"""From what a user types for a run to its directory: a path, `name`, or `name/3`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dl.errors import RunError, closest
from dl.runs.directory import NAME, NUMBER, RunDirectory, numbers
from dl.runs.sweeps import RECORD, SweepDirectory, sweeps_of, trial_name


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
        raise RunError(f"{text!r} is no run", expected="a directory, a name, or name/number")
    path = Path(text)
    if (path / "run.json").is_file():
        run = RunDirectory(path)
        if _is_inside(os.path.abspath(path), os.path.abspath(root)):
            _refuse_outside(run, root)
        return run
    name, _, number = text.strip("/").partition("/")
    number, _, trial = number.partition("/")
    run = _named_run(root, name, number)
    if trial or (run.path / RECORD).is_file():
        run = _trial(SweepDirectory(run.path), trial)
    _refuse_outside(run, root)
    return run


def find_sweep(text: str, root: Path) -> SweepDirectory:
    """Returns the sweep that `text` names: its directory, a name (its newest), or `name/number`.

    Raises:
        RunError: There is no such sweep.
    """
    if "\0" not in text and (Path(text) / RECORD).is_file():
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
        for number in numbers(root / name):
            run = RunDirectory(root / name / f"{number:04d}")
            if run.record.is_file() and not run.path.is_symlink():
                yield run


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
        for repeat in numbers(sweep.trials / trial_name(trial)):
            run = sweep.run(trial, repeat)
            if run.record.is_file() and not run.path.is_symlink():
                yield run


def run_names(root: Path) -> list[str]:
    """Returns the names that have runs below `root`, sorted."""
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if _is_run_folder(entry))


def _is_run_folder(entry: os.DirEntry[str]) -> bool:
    """Tells whether a folder has a name that a run can have: no other is shown or followed."""
    return entry.is_dir(follow_symlinks=False) and NAME.fullmatch(entry.name) is not None


def _named_run(root: Path, name: str, number: str) -> RunDirectory:
    existing = numbers(root / name) if name not in ("", ".", "..") else []
    if not existing:
        raise _unknown(name, root)
    if not number:
        return RunDirectory(root / name / f"{existing[-1]:04d}")
    if not NUMBER.fullmatch(number.zfill(4)) or int(number) not in existing:
        raise RunError(
            f"{name}/{number} is no run in {root}",
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
    near = closest(name, known)
    if name.endswith(".h5") and Path(name).is_file():
        hint = f"a model file is measured by: dl evaluate {name} --data FILE"
    elif near:
        hint = f"did you mean {near}?"
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
