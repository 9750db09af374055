"""The runs below a folder, kept in memory: each is read again only when it has changed."""

from __future__ import annotations

import hashlib
import math
import operator
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Generic, TypeVar

from dl.data.recording import WeightShape
from dl.errors import DlError, RunError
from dl.report.charts import VALIDATION, History, measures, wants_log
from dl.report.stored import TrainingFacts
from dl.report.verdict import Verdict, now_of, result_of, toughest, verdict
from dl.rundir.directory import RunDirectory, all_runs, runs_of
from dl.rundir.files import read_regular
from dl.rundir.query import Entries, Entry, read_entry
from dl.rundir.record import read_history, read_json
from dl.rundir.settings import SettingsMemory
from dl.text import measured
from dl.vocabulary.labels import column_label, rises

Plain = dict[str, Any]
T = TypeVar("T")
Stamp = tuple[tuple[int, int, int] | None, ...]
"""Time, size and number of each of some files; None of one that is missing."""

# Points of a curve in a row of the list: it is hardly wider than so many pixels.
_MOST_SPARKS = 48
# A card has as many curves and results as can be told apart.
_MOST_CURVES, _MOST_RESULTS = 12, 60
_SEED = re.compile(rb"^seed: .*$", re.MULTILINE)


class Remembered(Generic[T]):
    """What is made of some files of a run, for as long as they stay as they are.

    Args:
        files: Names the files.
        make: Reads them.
    """

    def __init__(
        self, files: Callable[[RunDirectory], tuple[Path, ...]], make: Callable[[RunDirectory], T]
    ) -> None:
        self._files, self._make = files, make
        self._known: dict[Path, tuple[Stamp, T]] = {}

    def of(self, run: RunDirectory) -> T:
        """Returns what is known of a run; raises what the reading raises."""
        stamp = tuple(map(_stamp, self._files(run)))
        known = self._known.get(run.path)
        if known is None or known[0] != stamp:
            known = self._known[run.path] = stamp, self._make(run)
        return known[1]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


@dataclass(frozen=True, slots=True)
class Known:
    """A run, or what is wrong with it."""

    entry: Entry | None
    problem: str = ""


class Catalog:
    """The runs below a folder, and their rows in the board's list.

    Attributes:
        history: Returns the rows of a history; none where it is missing or damaged.
        weights: Returns the spread of the weights of each layer, by epoch, as far as it was kept.
        setting: Returns what is the same for runs of one setting that differ in their seeds alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.memory = SettingsMemory(root)
        self._ahead = False
        self._entry = Remembered(
            lambda run: (run.record, run.manifest, run.metrics, run.tags, run.note), _read
        ).of
        self.history = Remembered(lambda run: (run.history,), _history).of
        self.weights = Remembered(lambda run: (run.facts,), _weights).of
        self.setting = Remembered(lambda run: (run.resolved,), _setting_of).of
        self._tested: dict[tuple[tuple[str, str], ...], dict[str, bool]] = {}
        self._rows: dict[Path, tuple[Entry, History, Plain]] = {}

    def entries(self, name: str | None = None) -> Entries:
        """Returns all runs, or those of a name, the oldest first."""
        found = Entries([], [])
        for run in all_runs(self.root) if name is None else runs_of(self.root, name):
            known = self._entry(run)
            if known.entry is not None and known.entry.record.status == "running":
                known = _read(run)  # no file says that its process is gone
            if known.entry is not None:
                found.readable.append(known.entry)
            elif run.path.exists():  # else it was removed since it was listed
                found.damaged.append(known.problem)
        found.readable.sort(key=lambda entry: entry.started)
        return found

    def read_ahead(self) -> None:
        """Reads the configs of all runs in a thread, so that the first filter has not to wait."""
        if not self._ahead:
            self._ahead = True
            threading.Thread(target=self._read_configs, daemon=True).start()

    def _read_configs(self) -> None:
        with suppress(OSError):  # the folder is gone
            for entry in self.entries().readable:
                self.memory.of(entry.run)
            self.memory.save()

    def row(self, entry: Entry) -> Plain:
        """Returns what the list shows of a run; none of it changes with the clock."""
        history = self.history(entry.run)
        known = self._rows.get(entry.run.path)
        if known is None or known[0] != entry or known[1] is not history:
            known = self._rows[entry.run.path] = entry, history, self._new_row(entry, history)
        return known[2]

    def curves(self, run: RunDirectory) -> Plain:
        """Returns all that is drawn of a run over its epochs: measures, weights, seconds."""
        history = self.history(run)
        names = [name for each in measures(history) for name in (each, VALIDATION + each)]
        weights = {
            f"weights of {layer}, spread": [rounded(by.get(at + 1)) for at in range(len(history))]
            for layer, by in self.weights(run).items()
        }
        seconds = list(accumulate(row.get("seconds") or 0.0 for row in history))
        return {
            "run": run.label,
            "address": run.path.relative_to(self.root).as_posix(),
            "setting": self.setting(run),
            "labels": {name: _labelled(name) for name in names} | {name: name for name in weights},
            "seconds": [rounded(value) for value in seconds],
            "measures": {
                name: [rounded(row.get(name)) for row in history]
                for name in names
                if any(row.get(name) is not None for row in history)
            }
            | weights,
        }

    def card(self, entries: Sequence[Entry]) -> Plain:
        """Returns what is seen at once of the runs of a name: they are given the newest first."""
        rows = [self.row(entry) for entry in sorted(entries, key=lambda e: e.started)]
        best = self._best(entries)
        return {
            "name": rows[-1]["name"],
            "count": len(rows),
            "running": [row["address"] for row in rows if row["status"] == "running"],
            "newest": rows[-1],
            "best": None if best is None else self.row(best),
            "curves": [{k: row[k] for k in ("address", "spark")} for row in rows[-_MOST_CURVES:]],
            "results": [
                {k: row[k] for k in ("address", "run", "value", "shown", "label")}
                for row in rows[-_MOST_RESULTS:]
            ],
        }

    def alike(self, name: str, most: int, test: Callable[[list[Entry]], dict[str, bool]]) -> Plain:
        """Returns the best run of a name, and which others cannot be told apart from it.

        Args:
            name: The name.
            most: How many others are tested, those with the next best results.
            test: Tells of runs, by label, whether they may be as good as the first of them.
        """
        entries = self.entries(name).readable
        best = self._best(entries)
        if best is None:
            return {"best": None, "alike": [], "worse": []}
        part, metric, reached = result_of(best)
        others = [(entry, *result_of(entry)) for entry in entries if entry is not best]
        near = sorted(
            (abs(value - reached), entry.run.label, entry)
            for entry, own, named, value in others
            if (own, named) == (part, metric) and value is not None and reached is not None
        )[:most]
        chosen = [best, *(entry for _, _, entry in near)]
        key = tuple((entry.run.label, entry.record.finished or "") for entry in chosen)
        if key not in self._tested:
            self._tested[key] = test(chosen) if len(chosen) > 1 else {}
        told = self._tested[key]
        by = {
            flag: [self.row(e)["address"] for e in chosen if told.get(e.run.label) is flag]
            for flag in (True, False)
        }
        return {"best": self.row(best)["address"], "alike": by[True], "worse": by[False]}

    def _best(self, entries: Sequence[Entry]) -> Entry | None:
        """Returns the run with the best result, in the metric that the newest of them has."""
        done = [entry for entry in entries if finite(result_of(entry)[2]) is not None]
        if not done:
            return None
        newest = max(done, key=lambda entry: entry.started)
        part, metric, _ = result_of(newest)
        same = [entry for entry in done if result_of(entry)[:2] == (part, metric)]
        sign = 1 if rises(metric) else -1
        return max(same, key=lambda entry: sign * (result_of(entry)[2] or 0.0))

    def _new_row(self, entry: Entry, history: History) -> Plain:
        record = entry.record
        running = record.status == "running"
        part, name, value = now_of(history) if running else result_of(entry)
        said = Verdict() if running else verdict(entry)
        simple = None
        if record.trivial and not running and name:
            simple = toughest(record.trivial, part, name, entry.metrics[part])
        return {
            "run": entry.run.label,
            "address": entry.run.path.relative_to(self.root).as_posix(),
            "name": entry.run.path.parent.name,
            "data": record.fingerprint[:12],
            "status": record.status,
            "started": entry.started.timestamp(),
            "seconds": record.seconds,
            "epochs": len(history) if running else record.epochs,
            "planned": (record.planned or None) if running else None,
            "metric": name,
            "label": column_label(f"{part}.{name}") if name else "",
            "rises": rises(name),
            "value": finite(value),
            "shown": measured(value),
            "simple": measured(simple.value) if simple and simple.metric == name else "",
            "verdict": said.sentence,
            "good": said.good,
            "spark": (curves := sparks(history, name)),
            "log": wants_log([v for some in curves.values() for v in some if v is not None]),
            "setting": self.setting(entry.run),
            "seed": record.seed,
            "tags": list(entry.tags),
            "note": entry.note,
        }


def _read(run: RunDirectory) -> Known:
    try:
        return Known(read_entry(run))
    except RunError as error:
        return Known(None, error.problems[0].message)


def _history(run: RunDirectory) -> History:
    try:
        return read_history(run)
    except DlError:  # the run's page says what is wrong
        return []


def _weights(run: RunDirectory) -> dict[str, dict[int, float]]:
    """Returns the spread of the weights of each layer by epoch, where the training followed them.

    That is their standard deviation, as the middles of the bins in which they were counted give it.
    """
    try:
        facts = read_json(run.facts, TrainingFacts) if run.facts.exists() else TrainingFacts()
    except RunError:  # the run's page says what is wrong
        return {}
    if facts.scrubber is None:
        return {}
    recording = facts.scrubber.recording
    return {
        name: {
            frame.epoch: _spread(frame.weights[place])
            for frame in recording.frames
            if place < len(frame.weights)
        }
        for place, name in enumerate(recording.arrays)
    }


def _spread(shape: WeightShape) -> float:
    width = (shape.high - shape.low) / max(1, len(shape.counts))
    middles = [shape.low + (place + 0.5) * width for place in range(len(shape.counts))]
    count = sum(shape.counts) or 1
    mean = sum(map(operator.mul, middles, shape.counts)) / count
    squares = [(middle - mean) ** 2 for middle in middles]
    return math.sqrt(sum(map(operator.mul, squares, shape.counts)) / count)


def _setting_of(run: RunDirectory) -> str:
    try:
        content = read_regular(run.resolved)
    except OSError:
        return ""
    return hashlib.sha256(_SEED.sub(b"", content)).hexdigest()[:16]


def sparks(history: History, name: str) -> dict[str, list[float | None]]:
    """Returns the curves of a metric, or the loss, on both parts: thinned, with the last epoch."""
    name = name if history and name in history[0] else "loss"
    step = max(1, math.ceil(len(history) / _MOST_SPARKS))
    some = [*history[:-1:step], *history[-1:]]
    found = {
        "training": [rounded(row.get(name)) for row in some],
        "validation": [rounded(row.get(VALIDATION + name)) for row in some],
    }
    return {part: values for part, values in found.items() if any(v is not None for v in values)}


def finite(value: float | None) -> float | None:
    """Returns a number as JSON can say it."""
    return value if value is not None and math.isfinite(value) else None


def rounded(value: float | None) -> float | None:
    """Returns a number with the digits that a chart can show."""
    return None if finite(value) is None else float(f"{value:.5g}")


def _labelled(name: str) -> str:
    """Returns a column of the history with its part: `training loss`."""
    return column_label(name if name.startswith(VALIDATION) else f"train.{name}")
