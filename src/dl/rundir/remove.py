"""Removing runs and checkpoints: which ones a rule gives up; one is gone whole, or is as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from dl.errors import RunError
from dl.rundir.checkpoints import list_checkpoints
from dl.rundir.directory import RunDirectory, run_names
from dl.rundir.files import TEMPORARY, disk_error
from dl.rundir.lock import locked
from dl.rundir.query import Entry, read_entries, read_entry
from dl.system import sync


def remove_run(run: RunDirectory, still: Callable[[], bool] = lambda: True) -> bool:
    """Removes the directory of a run, and the folder of its name if that was the last one.

    A rename takes the run away at once, to a name under which it is cleared away later where the
    deletion of its files is cut off.

    Args:
        run: The run.
        still: Whether it is still to be removed; asked when nobody can change it any more.

    Returns:
        Whether it was removed.

    Raises:
        BusyError: A process works on it.
        RunError: It is gone already.
        DiskError: It could not be removed.
    """
    parent = run.path.parent
    with locked(run):
        if not still():
            return False
        try:
            trash = tempfile.mkdtemp(prefix=TEMPORARY, dir=parent)
            os.rename(run.path, trash)
            sync(parent)
        except OSError as error:
            raise disk_error(error, f"removing {run.path}") from error
        shutil.rmtree(trash, ignore_errors=True)
    with suppress(OSError):  # of other runs, or gone with the last one that another removes
        parent.rmdir()
    return True


def drop_arrays(run: RunDirectory) -> None:
    """Removes what takes room in a run: the trained model, its lite copy, the checkpoints."""
    for path in (run.model, run.light, run.light_record):
        path.unlink(missing_ok=True)
    shutil.rmtree(run.checkpoints, ignore_errors=True)


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder; links are not followed."""
    total = 0
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    for file in files if path.is_dir() else [path]:
        with suppress(OSError):  # removed meanwhile
            total += os.lstat(file).st_size
    return total


_UNFINISHED = ("failed", "interrupted")


def to_prune(entries: Iterable[Entry], *, keep: int | None, unfinished: bool) -> list[Entry]:
    """Returns the runs to remove, oldest first; never one that is being trained or has a tag.

    Args:
        entries: The runs, oldest first.
        keep: How many of the newest runs of each name stay; None for all.
        unfinished: Whether failed and interrupted runs go.
    """
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        by_name.setdefault(entry.run.path.parent.name, []).append(entry)
    old = [entry for runs in by_name.values() for entry in runs[: _number_of_old(runs, keep)]]
    broken = [
        entry
        for runs in by_name.values()
        for entry in runs
        if unfinished and entry.record.status in _UNFINISHED
    ]
    doomed = {entry.run.label: entry for entry in [*old, *broken] if _may_go(entry)}
    return sorted(doomed.values(), key=lambda entry: entry.started)


def is_as_it_was(entry: Entry) -> bool:
    """Tells whether a run still has the record and the tags by which it was chosen."""
    try:
        now = read_entry(entry.run)
    except RunError:
        return False
    return (now.record, now.tags) == (entry.record, entry.tags)


def checkpoints_to_prune(root: Path, name: str | None, *, last: bool) -> list[Path]:
    """Returns the checkpoints of finished runs, and of finished trials, that can go.

    Args:
        root: The folder of all runs.
        name: Only the runs of this name.
        last: Whether the last checkpoint of a run goes too, without which it can be trained longer
            only from its first epoch; never that of a run with a tag.
    """
    names = run_names(root) if name is None else [name]
    return [path for each in names for path in _spare_of(read_entries(root, each).readable, last)]


def _spare_of(entries: Iterable[Entry], last: bool) -> Iterator[Path]:
    for entry in entries:
        if entry.record.status == "completed":
            kept = 0 if last and _may_go(entry) else 1
            yield from (path for _, path in list_checkpoints(entry.run)[kept:])


def _number_of_old(runs: list[Entry], keep: int | None) -> int:
    return 0 if keep is None else max(0, len(runs) - keep)


def _may_go(entry: Entry) -> bool:
    return entry.record.status != "running" and not entry.tags
