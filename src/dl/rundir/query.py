"""Many runs: what is known of each, which to show or remove, in which order: `accuracy>0.95`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dl.errors import RunError, UsageError
from dl.rundir.directory import RunDirectory, all_runs, run_names, trial_runs
from dl.rundir.manifest import list_checkpoints
from dl.rundir.notes import read_note, read_tags
from dl.rundir.record import RunRecord, read_metrics, read_record
from dl.text import number

JUDGING_PARTS = ("test", "validation", "train")
"""The parts of the data, the one that tells most about a model first."""

Value = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A run with its record.

    Attributes:
        run: Where it lies.
        record: Status, times, versions.
        metrics: Final metrics of each part; empty where the training did not end.
        tags: The user's words for it.
        note: What the user has written of it.
    """

    run: RunDirectory
    record: RunRecord
    metrics: Mapping[str, Mapping[str, float]]
    tags: tuple[str, ...]
    note: str = ""

    @property
    def judged(self) -> tuple[str, Mapping[str, float]] | None:
        """The name and the metrics of the part that tells most: test, else validation, else train.

        None where nothing was measured.
        """
        for part in JUDGING_PARTS:
            if self.metrics.get(part):
                return part, self.metrics[part]
        return None

    @property
    def started(self) -> datetime:
        """When it was started; the text in the record does not sort across offsets from UTC."""
        return datetime.fromisoformat(self.record.started)

    def facts(self, now: datetime) -> dict[str, Value]:
        """Returns what can be asked for without reading the config; `age` counts seconds."""
        known: dict[str, Value] = {
            "run": self.run.label,
            "name": self.record.name,
            "status": self.record.status,
            "started": self.record.started,
            # The clock may have gone back since.
            "age": max(0.0, (now - self.started).total_seconds()),
            "seconds": self.record.seconds,
            "epochs": self.record.epochs,
            "seed": self.record.seed,
            "tags": ",".join(self.tags),
            "note": self.note,
        }
        return known | dict(self._measured())

    def _measured(self) -> Iterator[tuple[str, float]]:
        """Yields `accuracy` of the judged part, then `test.accuracy` and so on of each."""
        judged = self.judged
        if judged is not None:
            yield from judged[1].items()
        for part, values in self.metrics.items():
            for name, value in values.items():
                yield f"{part}.{name}", value


@dataclass(frozen=True, slots=True)
class Entries:
    """The runs that could be read, oldest first, and what was wrong with the others."""

    readable: list[Entry]
    damaged: list[str]


def read_entries(root: Path, name: str | None = None) -> Entries:
    """Reads all runs below `root`, or those of one name; a sweep's trials only by its name."""
    if name is None:
        return entries_of(all_runs(root))
    own = (run for run in all_runs(root) if run.path.parent.name == name)
    return entries_of([*own, *trial_runs(root, name)])


def entries_of(runs: Iterable[RunDirectory]) -> Entries:
    """Reads these runs."""
    found = Entries([], [])
    for run in runs:
        try:
            found.readable.append(read_entry(run))
        except RunError as error:
            if not run.path.exists():  # removed since it was listed
                continue
            found.damaged.append(error.problems[0].message)
    found.readable.sort(key=lambda entry: entry.started)
    return found


def read_entry(run: RunDirectory) -> Entry:
    """Reads one run; raises `RunError` where a file of it is damaged."""
    metrics = read_metrics(run)
    return Entry(run, read_record(run), metrics, read_tags(run), read_note(run))


def utc_now() -> datetime:
    """Returns the time, from which ages count."""
    return datetime.now(UTC)


_CONDITION = re.compile(r"\s*([^<>=!~\s]+)\s*(<=|>=|!=|=|<|>|~)\s*((?![<>=!~\s]).*?)\s*", re.DOTALL)
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the value of a key: one of = != < <= > >= ~ (contains), and the other side."""

    key: str
    comparison: str
    value: str

    def holds(self, row: Row) -> bool:
        """Tells whether a row fulfils it; a row without the value fulfils only `!=`."""
        given = row.get(self.key)
        if given is None:
            return self.comparison == "!="
        if self.comparison == "~":
            return self.value.lower() in shown(given).lower()
        if self.comparison in ("=", "!="):
            return _equal(given, self.value) == (self.comparison == "=")
        return _ordered(given, self.value, _ORDERS[self.comparison])


def parse_condition(text: str) -> Condition:
    """Reads `KEY OPERATOR VALUE`.

    Raises:
        UsageError: The text is not a condition.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"the filter {text} is not a condition",
            expected="KEY=VALUE, with one of = != < <= > >= ~ (contains)",
            hint="for example: 'accuracy>=0.95' or status=completed",
        )
    return Condition(*match.groups())


def select(
    entries: Sequence[Entry], rows: Sequence[Row], conditions: Sequence[Condition], sort: str
) -> list[tuple[Entry, Row]]:
    """Returns the runs that fulfil all conditions, in the order asked for.

    Args:
        entries: The runs.
        rows: What is known of each, by key.
        conditions: What must hold.
        sort: A key to sort by; descending where it begins with `-`.
    """
    pairs = zip(entries, rows, strict=True)
    kept = [pair for pair in pairs if all(each.holds(pair[1]) for each in conditions)]
    entry_of = {id(row): entry for entry, row in kept}
    return [(entry_of[id(row)], row) for row in sort_rows([row for _, row in kept], sort)]


def sort_rows(rows: Iterable[Row], key: str) -> list[Row]:
    """Returns the rows by a key, descending if it begins with `-`; rows without the value last."""
    descending, key = key.startswith("-"), key.removeprefix("-")
    having = [row for row in rows if row.get(key) is not None]
    lacking = [row for row in rows if row.get(key) is None]

    def rank(row: Row) -> tuple[int, float, str]:
        """Orders numbers before text; a value that is not a number counts as the least."""
        value = row[key]
        if key == "started":  # its text does not sort across offsets from UTC
            value = datetime.fromisoformat(str(value)).timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (0, -math.inf if math.isnan(value) else float(value), "")
        return (1, 0.0, shown(value))

    return sorted(having, key=rank, reverse=descending) + lacking


def shown(value: object) -> str:
    """Returns a value as a config shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value)


def _equal(given: object, text: str) -> bool:
    asked = _number(text)
    if asked is not None and isinstance(given, int | float) and not isinstance(given, bool):
        return _as_seen(given, asked) == asked
    return shown(given).lower() == text.lower()


def _ordered(given: object, text: str, holds: Callable[[Any, Any], bool]) -> bool:
    asked = _number(text)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return asked is not None and holds(_as_seen(given, asked), asked)
    return holds(shown(given), text)


def _as_seen(given: float, asked: float) -> float:
    """Returns a value as people see it: one that is shown as 0.9700 is not above 0.97.

    A value is exact where it is asked for with more digits than are shown.
    """
    if isinstance(given, int) or not math.isfinite(given) or _rounded(asked) != asked:
        return float(given)
    return _rounded(given)


def _rounded(value: float) -> float:
    return float(number(float(value)).replace(",", ""))


def _number(text: str) -> float | None:
    """Reads `0.95`, or a duration in seconds: `30m`, `2h`, `7d`."""
    scale = _UNITS.get(text[-1:])
    try:
        return float(text[:-1]) * scale if scale else float(text)
    except ValueError:
        return None


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
    doomed = [
        entry
        for runs in by_name.values()
        for place, entry in enumerate(runs)
        if (keep is not None and place < len(runs) - keep)
        or (unfinished and entry.record.status in ("failed", "interrupted"))
    ]
    return sorted(filter(_may_go, doomed), key=lambda entry: entry.started)


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
    entries = [entry for each in names for entry in read_entries(root, each).readable]
    return [
        path
        for entry in entries
        if entry.record.status == "completed"
        for _, path in list_checkpoints(entry.run)[0 if last and _may_go(entry) else 1 :]
    ]


def _may_go(entry: Entry) -> bool:
    return entry.record.status != "running" and not entry.tags
