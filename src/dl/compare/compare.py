"""The comparison of runs: the first is what the others are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dl.browse.entries import Entry
from dl.browse.settings import read_settings
from dl.compare.significance import Scores, Verdict, scores_of, verdict
from dl.data.dataset import read_preprocessing
from dl.data.judged import read_answers
from dl.data.types import Array
from dl.runs.history import read_history
from dl.vocabulary.measured import called_here

_OF_THE_RUN = frozenset({"name"})
"""Settings that say which run it is, not how it was trained."""

History = Sequence[Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting by its config path, with the value of each run; None where a run has none."""

    path: str
    values: tuple[object, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs do not agree."""
        return any(value != self.values[0] for value in self.values)


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric of a part, with the value of each run; None where a run has none."""

    part: str
    name: str
    values: tuple[float | None, ...]

    @property
    def changes(self) -> tuple[float | None, ...]:
        """Value of each run minus that of the first."""
        first = self.values[0]
        return tuple(
            None if value is None or first is None else value - first for value in self.values
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs side by side.

    Attributes:
        runs: Their labels.
        settings: Every setting that one of them has.
        metrics: Every final metric.
        seconds: Duration of each run.
        epochs: Epochs of each run.
        verdicts: Of each run after the first that answered the same rows.
        unjudged: Why a run has no verdict, by label.
        histories: Rows of each history, for the curves.
    """

    runs: tuple[str, ...]
    settings: tuple[SettingRow, ...]
    metrics: tuple[MetricRow, ...]
    seconds: tuple[float, ...]
    epochs: tuple[int, ...]
    verdicts: tuple[Verdict, ...]
    unjudged: Mapping[str, str]
    histories: tuple[History, ...]


def compare(entries: Sequence[Entry]) -> Comparison:
    """Compares two or more runs; a metric is called by the name that it has in the first of them.

    Raises:
        RunError: A file of a run is damaged.
    """
    verdicts, unjudged = _verdicts(entries)
    return Comparison(
        runs=tuple(entry.run.label for entry in entries),
        settings=_settings(entries),
        metrics=_metrics(entries),
        seconds=tuple(entry.record.seconds for entry in entries),
        epochs=tuple(entry.record.epochs for entry in entries),
        verdicts=verdicts,
        unjudged=unjudged,
        histories=_histories(entries),
    )


def _settings(entries: Sequence[Entry]) -> tuple[SettingRow, ...]:
    known = [read_settings(entry.run) for entry in entries]
    paths = dict.fromkeys(path for settings in known for path in settings)
    return tuple(
        SettingRow(path, tuple(settings.get(path) for settings in known))
        for path in paths
        if path not in _OF_THE_RUN
    )


def _metrics(entries: Sequence[Entry]) -> tuple[MetricRow, ...]:
    first = entries[0].metrics
    measured = [
        {
            (part, called_here(name, first.get(part, ()))): value
            for part, values in entry.metrics.items()
            for name, value in values.items()
        }
        for entry in entries
    ]
    named = dict.fromkeys(key for values in measured for key in values)
    return tuple(MetricRow(*key, tuple(values.get(key) for values in measured)) for key in named)


def _histories(entries: Sequence[Entry]) -> tuple[History, ...]:
    read = [read_history(entry.run) if entry.run.history.exists() else [] for entry in entries]
    known = read[0][0] if read[0] else {}
    return tuple(
        [{called_here(name, known): value for name, value in row.items()} for row in rows]
        for rows in read
    )


@dataclass(frozen=True, slots=True)
class _Answered:
    part: str
    true: Array
    scores: Scores
    fingerprint: str


def _verdicts(entries: Sequence[Entry]) -> tuple[tuple[Verdict, ...], dict[str, str]]:
    first, *others = [_answered(entry) for entry in entries]
    labels = [entry.run.label for entry in entries[1:]]
    reasons = {
        label: reason
        for label, other in zip(labels, others, strict=True)
        if (reason := _unequal(first, other))
    }
    comparable = [
        (label, other.scores)
        for label, other in zip(labels, others, strict=True)
        if label not in reasons and other is not None
    ]
    if first is None:
        return (), reasons
    verdicts = [verdict(run, first.scores, scores, len(comparable)) for run, scores in comparable]
    return tuple(verdicts), reasons


def _answered(entry: Entry) -> _Answered | None:
    if not entry.run.outputs.exists():
        return None
    target = read_preprocessing(entry.run).target
    found = read_answers(entry.run, target)
    if found is None:
        return None
    part, said = found
    scores = scores_of(said, target.task)
    if scores is None:
        return None
    return _Answered(part, said.true, scores, entry.record.fingerprint)


def _unequal(first: _Answered | None, other: _Answered | None) -> str | None:
    """Says why two runs cannot be compared row by row, if so."""
    if first is None or other is None:
        return "a run kept no answers to compare row by row"
    if first.fingerprint != other.fingerprint:
        return "the data is not the same"
    if first.part != other.part:
        return f"one was judged on the {first.part} part, one on the {other.part} part"
    if not _same_rows(first.true, other.true):
        return f"the {first.part} parts hold other rows: another seed or split"
    return None


def _same_rows(first: Array, other: Array) -> bool:
    """Tells whether the rows are the same, as far as their true values show it."""
    return first.shape == other.shape and bool(np.allclose(first, other))
