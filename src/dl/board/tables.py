"""What the board shows of runs and sweeps, as plain data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from dl.browse.entries import Entry, entries_of, read_entries, utc_now
from dl.browse.keys import require_keys, with_other_names
from dl.browse.select import Row, parse_condition, sort_rows
from dl.browse.settings import SettingsMemory
from dl.errors import DiskError, RunError
from dl.runs.find import all_sweeps, trials_of
from dl.runs.sweeps import SweepDirectory
from dl.sweep.results import Results, read_results

Plain = dict[str, Any]


def front_page(root: Path, conditions: list[str], sort: str) -> Plain:
    """Returns a row for each run that fulfils the conditions, in this order, and for each sweep.

    Of those that cannot be read there is what is wrong with them.

    Raises:
        UsageError: A condition is none, or no run has a key.
    """
    entries = read_entries(root)
    sweeps, damaged = _sweeps(root)
    return {
        "runs": _table(entries.readable, root, conditions, sort),
        "sweeps": sweeps,
        "damaged": [*entries.damaged, *damaged],
    }


def trial_table(sweep: SweepDirectory, root: Path) -> list[Plain]:
    """Returns a row for each training of a sweep."""
    return _table(entries_of(trials_of(sweep)).readable, root, [], "started")


def _table(entries: list[Entry], root: Path, conditions: list[str], sort: str) -> list[Plain]:
    parsed = [parse_condition(text) for text in conditions]
    keys = [condition.key for condition in parsed] + [sort.removeprefix("-")]
    now = utc_now()
    rows = with_other_names((entry.facts(now) for entry in entries), keys)
    if rows and not all(any(key in row for row in rows) for key in keys):
        memory = SettingsMemory(root)
        rows = [{**memory.of(e.run), **row} for e, row in zip(entries, rows, strict=True)]
        memory.save()
    if rows:
        require_keys("filter or order:", keys, rows)
    by_label = {str(entry.run.path): entry for entry in entries}
    named: list[Row] = [
        {**row, "path": str(entry.run.path)} for entry, row in zip(entries, rows, strict=True)
    ]
    kept = [row for row in named if all(condition.holds(row) for condition in parsed)]
    return [_row(by_label[str(row["path"])], row, root) for row in sort_rows(kept, sort)]


def _row(entry: Entry, row: Row, root: Path) -> Plain:
    part, metrics = entry.judged or ("", {})
    names = list(metrics)
    name = names[min(1, len(names) - 1)] if names else ""
    return {
        "run": entry.run.label,
        "address": entry.run.path.relative_to(root).as_posix(),
        "status": entry.record.status,
        "age": row["age"],
        "seconds": entry.record.seconds,
        "epochs": entry.record.epochs,
        "metric": f"{part} {name}".strip(),
        "value": _finite(metrics.get(name)),
        "tags": list(entry.tags),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _sweeps(root: Path) -> tuple[list[Plain], list[str]]:
    """Returns a row for each sweep, and what is wrong with those that cannot be read."""
    rows: list[Plain] = []
    damaged: list[str] = []
    for sweep in all_sweeps(root):
        try:
            rows.append(_sweep_row(read_results(sweep), root))
        except (RunError, DiskError) as error:
            damaged.append(error.problems[0].message)
    return rows, damaged


def _sweep_row(results: Results, root: Path) -> Plain:
    best = results.best
    return {
        "sweep": results.directory.label,
        "address": results.directory.path.relative_to(root).as_posix(),
        "status": results.record.status,
        "trials": results.record.trials,
        "ended": sum(trial.status != "unfinished" for trial in results.trials),
        "metric": results.record.terms.goal.metric,
        "best": None if best is None else _finite(best.mean),
    }
