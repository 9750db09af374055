"""What is known of a run from its small files, under the names by which users ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dl.errors import RunError
from dl.runs.directory import RunDirectory
from dl.runs.find import all_runs, trial_runs
from dl.runs.record import RunRecord, read_metrics, read_record
from dl.runs.tags import read_tags

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
    """

    run: RunDirectory
    record: RunRecord
    metrics: Mapping[str, Mapping[str, float]]
    tags: tuple[str, ...]

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
    return Entry(run, read_record(run), metrics, read_tags(run))


def utc_now() -> datetime:
    """Returns the time, from which ages count."""
    return datetime.now(UTC)
