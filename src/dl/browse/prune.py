"""Which runs, and which checkpoints of runs that stay, a rule gives up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from dl.browse.entries import Entry, read_entries, read_entry
from dl.errors import RunError
from dl.runs.checkpoints import list_checkpoints
from dl.runs.find import run_names

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
