"""Which runs a rule gives up."""

from __future__ import annotations

from collections.abc import Iterable

from dl.browse.entries import Entry

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
    return sorted(doomed.values(), key=lambda entry: entry.record.started)


def _number_of_old(runs: list[Entry], keep: int | None) -> int:
    return 0 if keep is None else max(0, len(runs) - keep)


def _may_go(entry: Entry) -> bool:
    return entry.record.status != "running" and not entry.tags
