"""What differs between runs: settings, metrics, and whether the differences are real.

The first run is what the others are held against. All models answered the same rows, so their
answers are compared row by row: right and wrong ones by McNemar's exact test, sizes of errors by
the bootstrap of their mean difference, corrected for the number of runs by Holm's method.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dl.config.data import Task
from dl.config.load import load_resolved
from dl.config.schema import flat
from dl.config.summary import changed
from dl.data.dataset import read_preprocessing
from dl.data.predictions import Answers, read_answers
from dl.data.types import Array
from dl.errors import DlError
from dl.report.charts import History
from dl.report.differences import folded
from dl.report.ranking import read_ranking
from dl.rundir.directory import RunDirectory
from dl.rundir.files import read_regular
from dl.rundir.query import Entry
from dl.rundir.record import read_history
from dl.rundir.settings import Settings, read_settings
from dl.stats import LEVEL, bootstrap, holm, mcnemar, weighted
from dl.text import measured, number, signed
from dl.vocabulary.labels import column_label
from dl.vocabulary.names import called_here

ERROR = "mean absolute error"
SAME = "the same answers on every row"
_NONE = "-"
_ALSO_DATA = ("data.features", "data.classes", "data.columns", "model.input_shape")
"""Settings that follow from the data, where these are others."""
_DATA = ("data.source", "data.dataset", "data.path", "data.target")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric of a part, with the value of each run; None where a run has none."""

    part: str
    name: str
    values: tuple[float | None, ...]

    @property
    def label(self) -> str:
        """The metric with its part, as people say it."""
        return column_label(f"{self.part}.{self.name}")

    @property
    def shown(self) -> list[str]:
        """Its value in each run."""
        return list(map(measured, self.values))

    @property
    def changes(self) -> list[str]:
        """The difference of each run to the first; empty where the two look the same."""
        first, shown = self.values[0], self.shown
        return [
            ""
            if value is None or first is None or text == shown[0]
            else signed(value - first, padded=True)
            for value, text in zip(self.values, shown, strict=True)
        ]

    @property
    def cells(self) -> list[str]:
        """The metric, then its value in each run with the difference to the first."""
        told = zip(self.shown, self.changes, strict=True)
        return [
            self.label,
            *(f"{value or _NONE} ({by})" if by else value or _NONE for value, by in told),
        ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rows say of a run against the first one.

    Attributes:
        run: The run.
        measure: `accuracy`, `fraction of places right` or `mean absolute error`.
        rows: Number of rows.
        difference: The run's measure minus the first run's.
        low: Lower end of the interval of the difference.
        high: Its upper end.
        level: Share of such intervals that hold the true difference: that of the run's step in
            Holm's method, so that it is the wider the more runs are still compared at that step.
        p: The p-value of the difference, corrected for the number of comparisons.
        real: Whether the difference is more than chance at `LEVEL` over all comparisons.
        same: Whether both gave the same answer on every row.
    """

    run: str
    measure: str
    rows: int
    difference: float
    low: float
    high: float
    level: float
    p: float
    real: bool
    same: bool = False

    @property
    def judgement(self) -> str:
        """What is to be held of the run, in a word or two."""
        if self.same:
            return SAME
        better = (self.difference > 0) == (self.measure != ERROR)
        return ("better" if better else "worse") if self.real else "not distinguishable"

    @property
    def numbers(self) -> str:
        """The difference, its interval and its p-value; empty where no row differs."""
        if self.same:
            return ""
        test = "McNemar's p" if self.measure == "accuracy" else "p"
        return (
            f"{self.measure} {signed(self.difference)} "
            f"({number(100 * self.level)}% interval {signed(self.low)} to {signed(self.high)}), "
            f"{test} {number(self.p, 2)}"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs side by side.

    Attributes:
        runs: Their labels.
        settings: Every setting that one of them has, with the value of each; None without.
        chosen: Paths of settings that are no default in one of them.
        metrics: Every final metric.
        seconds: Duration of each run.
        epochs: Epochs of each run.
        verdicts: Of each run after the first that answered the same rows.
        not_compared: Why a run has no verdict, by label.
        histories: Rows of each history, for the curves.
        baselines: Where a run stands among simple models, by label, as far as that was kept.
    """

    runs: tuple[str, ...]
    settings: Mapping[str, tuple[object, ...]]
    chosen: frozenset[str]
    metrics: tuple[MetricRow, ...]
    seconds: tuple[float, ...]
    epochs: tuple[int, ...]
    verdicts: tuple[Verdict, ...]
    not_compared: Mapping[str, str]
    histories: tuple[History, ...]
    baselines: Mapping[str, str]

    def shown_settings(self, everything: bool = False) -> dict[str, tuple[object, ...]]:
        """Returns the settings that differ, or all of them."""
        return {
            path: values
            for path, values in self.settings.items()
            if everything or any(value != values[0] for value in values)
        }

    def folded_settings(self) -> dict[str, tuple[object, ...]]:
        """Returns the settings that tell the runs apart, in one row what belongs together.

        Left out are defaults that only some of them have (of another loss, say), the names of
        things, and what follows from other data.
        """
        differing = self.shown_settings()
        other_data = any(path in differing for path in _DATA)

        def tells(path: str, values: tuple[object, ...]) -> bool:
            parent, _, key = path.rpartition(".")
            if key == "name" and f"{parent}.type" in self.settings:
                return False
            if other_data and path.startswith(_ALSO_DATA):
                return False
            return path in self.chosen or None not in values

        told = {path: values for path, values in differing.items() if tells(path, values)}
        return folded(self.settings, told)


def _settings(run: RunDirectory) -> tuple[Settings, Iterable[str]]:
    """Returns every setting, and which are no defaults; a younger one has its default."""
    try:
        config = load_resolved(run.resolved, read_regular(run.resolved)).config
    except (OSError, DlError):  # of an earlier vocabulary, or damaged
        settings = read_settings(run)
        return settings, settings
    return flat(config), changed(config)


def compare(entries: Sequence[Entry]) -> Comparison:
    """Compares two or more runs; a metric is called by the name that it has in the first of them.

    Raises:
        RunError: A file of a run is damaged.
    """
    known = [_settings(entry.run) for entry in entries]
    paths = dict.fromkeys(path for settings, _ in known for path in settings if path != "name")
    verdicts, not_compared = _verdicts(entries)
    histories = _histories(entries)
    return Comparison(
        runs=tuple(entry.run.label for entry in entries),
        settings={path: tuple(settings.get(path) for settings, _ in known) for path in paths},
        chosen=frozenset(path for _, chosen in known for path in chosen),
        metrics=_metrics(entries),
        seconds=tuple(entry.record.seconds for entry in entries),
        epochs=tuple(
            max(entry.record.epochs, len(history))
            for entry, history in zip(entries, histories, strict=True)
        ),
        verdicts=verdicts,
        not_compared=not_compared,
        histories=histories,
        baselines={
            entry.run.label: ranking.summary
            for entry in entries
            if (ranking := read_ranking(entry.run)) is not None
        },
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


_UNANSWERED = {
    "running": "it is still training",
    "failed": "its training failed before it answered any row",
    "interrupted": "its training was interrupted before it answered any row",
    "completed": "it kept no predictions",
}
"""Why a run has no answers, by its status."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The rows of a part, and a number for each.

    Attributes:
        measure: What their mean is called.
        values: 1 for a right answer and 0 for a wrong one, or the absolute error, shape (rows,).
            Of a row of several places, the share of them that is right, or the mean of the errors:
            places are not independent of each other.
        true: The true values, by which the same rows are known.
        part: The part of the data.
        fingerprint: That of the data.
        weights: How much each row counts, shape (rows,); None where all count the same.
        said: The answers, shape (rows, …); None where they are not looked at.
    """

    measure: str
    values: Array
    true: Array
    part: str = ""
    fingerprint: str = ""
    weights: Array | None = None
    said: Array | None = None


def scores_of(answers: Answers, task: Task, part: str = "", fingerprint: str = "") -> Scores | None:
    """Returns what each row counts; None where the model's outputs name no class.

    A row of several labels is right if all of them are. Errors are in the target's unit, summed
    over the targets.
    """
    if answers.predicted is None:
        return None
    true = answers.true.reshape(len(answers.true), -1)
    predicted = answers.predicted.reshape(len(true), -1)
    if task == "regression":
        measure, values = ERROR, np.abs(predicted - true).sum(axis=1)
    else:
        measure = "accuracy" if answers.places == 1 else "fraction of places right"
        measure = measure if answers.weights is None else f"weighted {measure}"
        values = (predicted == true).all(axis=1).astype(np.float64)
    by_row = values.reshape(-1, answers.places).mean(axis=1)
    return Scores(measure, by_row, answers.true, part, fingerprint, answers.weights, predicted)


def _read_scores(entry: Entry) -> Scores | str:
    """Returns what each row of a run counts, or why none does."""
    kept = entry.run.outputs.exists()
    target = read_preprocessing(entry.run).target if kept else None
    found = read_answers(entry.run, target) if target else None
    if found is None or target is None:
        return _UNANSWERED.get(entry.record.status, _UNANSWERED["completed"])
    part, answers = found
    scores = scores_of(answers, target.task, part, entry.record.fingerprint)
    if scores is None and target.quantiles:
        return "it predicts quantiles without the median, 0.5, that would stand for the number"
    return scores or "its outputs name no class, or other numbers than the targets"


def _verdicts(entries: Sequence[Entry]) -> tuple[tuple[Verdict, ...], dict[str, str]]:
    first, *others = map(_read_scores, entries)
    reasons: dict[str, str] = {}
    comparable: dict[str, Scores] = {}
    if isinstance(first, str):
        return (), {entries[0].run.label: first}
    for entry, other in zip(entries[1:], others, strict=True):
        if reason := _unequal(first, other):
            reasons[entry.run.label] = reason
        elif not isinstance(other, str):
            comparable[entry.run.label] = other
    return judge(first, comparable), reasons


def alike(entries: Sequence[Entry]) -> dict[str, bool]:
    """Tells of runs, by label, whether the rows leave open that they are as good as the first.

    Those that cannot be compared with it row by row are left out.
    """
    return {verdict.run: not verdict.real for verdict in _verdicts(entries)[0]}


def _unequal(first: Scores, other: Scores | str) -> str | None:
    """Says why two runs cannot be compared row by row, if so."""
    if isinstance(other, str):
        return other
    if first.fingerprint != other.fingerprint:
        return "the data is not the same"
    if first.part != other.part:
        return f"one was evaluated on the {first.part} part, one on the {other.part} part"
    if first.true.shape != other.true.shape or not np.allclose(first.true, other.true):
        return f"the {first.part} parts hold other rows: another seed or split"
    if not np.allclose(_counting(first), _counting(other)):
        return f"the rows of the {first.part} parts have other weights"
    return None


def _counting(scores: Scores) -> Array:
    return np.ones(len(scores.values)) if scores.weights is None else scores.weights


def judge(first: Scores, others: Mapping[str, Scores]) -> tuple[Verdict, ...]:
    """Compares runs with the first one, row by row.

    A difference is real exactly where its interval leaves 0 out. Its level is that of the run's
    step in Holm's method: for all that are not real, the step at which it ends (K. Strassburger,
    F. Bretz, "Compatible simultaneous lower confidence bounds", Statistics in Medicine 27, 2008).
    The interval holds what neither the bootstrap nor, of the difference 0, the test excludes.
    """
    changes = {
        run: weighted(other.values - first.values, first.weights) for run, other in others.items()
    }
    samples = {run: bootstrap(change) for run, change in changes.items()}
    raw = [
        mcnemar(int((change > 0).sum()), int((change < 0).sum()))
        if first.measure == "accuracy" and first.weights is None
        else samples[run].p_value
        for run, change in changes.items()
    ]
    corrected = [1.0 if p is None else p for p in holm(raw)]
    last = sum(p < LEVEL for p in corrected)
    steps = {place: step for step, place in enumerate(np.argsort(raw, kind="stable").tolist())}
    verdicts = []
    for place, (run, p) in enumerate(zip(changes, corrected, strict=True)):
        level = 1 - LEVEL / (len(raw) - min(steps[place], last))
        change, (low, high) = changes[run], samples[run].interval(level)
        if p >= LEVEL:
            low, high = min(low, 0.0), max(high, 0.0)
        mine, its = first.said, others[run].said
        same = mine is not None and its is not None and np.array_equal(mine, its)
        mean = float(change.mean())
        verdicts.append(
            Verdict(run, first.measure, len(change), mean, low, high, level, p, p < LEVEL, same)
        )
    return tuple(verdicts)
