"""What a training says of its network at its end: `Judgement`, kept in the record of the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from dl.config.data import KerasData
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.predictions import Answers, one_answer
from dl.data.target import Target, unscale
from dl.data.types import Array, Part
from dl.inspect import NetworkStatistics
from dl.inspect.diagnose import diagnose
from dl.inspect.evidence import Evidence
from dl.report.facts import RunFacts
from dl.report.verdict import is_better, lead_of, toughest
from dl.rundir.record import Confusion, Judgement, Trivial
from dl.stats import LEVEL, binomial_tail, mcnemar, paired_t_test, weighted
from dl.vocabulary.traits import KERAS

_DIGITS = tuple("0123456789")
_ROWS = {"text": "texts", "audio": "sounds", "nifti": "volumes"}
"""What the rows of a source are."""
_MOST_NUMBERS = 200_000
"""Numbers that are compared: whether a network beats a constant, so many tell as well as all."""
_ABSOLUTE = ("mean_absolute_error", "mae")

History = list[dict[str, float]]
Metrics = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows on which a network is judged, and what it answered.

    Attributes:
        name: The part of the data.
        rows: Its rows, or a sample of them.
        said: The answers; None where an output is not finite.
        facts: The same as it is drawn.
    """

    name: str
    rows: Part
    said: Answers | None
    facts: RunFacts


def findings_of(
    config: Config,
    history: History,
    trivial: Trivial | None,
    one_answer: str,
    network: NetworkStatistics | None = None,
) -> tuple[str, ...]:
    """Returns the ids of what is found in a training; without the network, in its history."""
    case = Evidence(config, history, "", network, one_answer, trivial)
    return tuple(name for name, _ in diagnose(case))


def judgement_of(
    config: Config,
    dataset: Dataset,
    history: History,
    metrics: Metrics,
    trivial: Trivial | None,
    shown: Shown | None,
) -> Judgement:
    """Returns what history and answers of a network tell.

    Args:
        config: The config.
        dataset: The data.
        history: The rows of the history.
        metrics: The final metrics.
        trivial: The simple answers.
        shown: The answers of the network; None where they were not computed.
    """
    target = dataset.target
    said = one_answer_of(shown, target)
    known = Judgement(
        rows=_rows(config, dataset, shown),
        places=_places(target),
        findings=findings_of(config, history, trivial, said),
    )
    if shown is None:
        return known
    beats = _beats(trivial, target, metrics.get(shown.name, {}), shown)
    return replace(known, beats=beats, confuses=_most_confused(shown.facts))


def one_answer_of(shown: Shown | None, target: Target) -> str:
    """Returns what a network answers to each row, in words; empty if its answers differ."""
    if shown is None or shown.said is None:
        return ""
    return one_answer((shown.name, shown.said), target)


def _rows(config: Config, dataset: Dataset, shown: Shown | None) -> str:
    """Returns what the rows of the data are, where that is known."""
    data = config.data
    if dataset.preprocessing.window is not None:
        return "windows"
    if data.source in _ROWS:
        return _ROWS[data.source]
    if isinstance(data, KerasData) and KERAS[data.dataset].shape is None:
        return "texts"
    array = dataset.preprocessing.array
    facts = None if shown is None else shown.facts
    drawn = facts is not None and (facts.pictures is not None or facts.inputs is not None)
    if not drawn and (array is None or not array.image):
        return "rows"
    return "digits" if dataset.target.classes == _DIGITS else "pictures"


def _places(target: Target) -> str:
    if target.places and target.task != "regression":
        return "pixels" if len(target.places) == 2 else "steps"
    return "labels" if target.task == "multilabel" else ""


def _most_confused(facts: RunFacts) -> Confusion | None:
    """Returns the most frequent mistake between two classes, where chance does not explain it.

    By chance each row would be as likely to be wrong, for each other class. Of all pairs one is
    the most frequent, so its probability is multiplied by their number (O. Dunn, "Multiple
    comparisons among means", JASA 56, 1961), and has to be below `LEVEL`.
    """
    if not facts.in_classes or facts.predicted is None or len(facts.classes) < 2:
        return None
    counting = np.ones(len(facts.true), bool) if facts.weights is None else facts.weights > 0
    wrong = np.flatnonzero((facts.true != facts.predicted) & counting)
    count = len(facts.classes)
    pairs = facts.true[wrong].astype(np.int64) * count + facts.predicted[wrong].astype(np.int64)
    weights = None if facts.weights is None else facts.weights[wrong]
    times = np.bincount(pairs, weights, minlength=1)
    most = int(times.argmax())
    true, predicted = divmod(most, count)
    share = float((facts.true[counting] == true).mean()) / (count - 1) if len(wrong) else 1.0
    by_chance = binomial_tail(int((pairs == most).sum()), len(wrong), share)
    if by_chance * count * (count - 1) >= LEVEL:
        return None
    names = facts.class_name(true), facts.class_name(predicted)
    return Confusion(*names, round(float(times[most]), 1))


def _beats(
    trivial: Trivial | None, target: Target, metrics: Mapping[str, float], shown: Shown
) -> bool | None:
    """Tells whether the network is better than the best simple answer, by more than chance."""
    lead = lead_of(metrics)
    simple = toughest(trivial, shown.name, lead, metrics) if trivial is not None else None
    if trivial is None or simple is None:
        return None
    gains = _gains(trivial, target, simple.words, lead, shown)
    # Of the rows that it has learned, all are there: nothing was drawn by chance.
    if gains is None or simple.metric != lead or shown.name == "train":
        return is_better(simple.metric, metrics[simple.metric], simple.value)
    if gains.mean() <= 0:
        return False
    if shown.facts.weights is None and set(np.unique(gains).tolist()) <= {-1.0, 0.0, 1.0}:
        return mcnemar(int((gains > 0).sum()), int((gains < 0).sum())) < LEVEL
    return paired_t_test(gains) < LEVEL


def _gains(trivial: Trivial, target: Target, words: str, lead: str, shown: Shown) -> Array | None:
    """Returns by how much the network is better than a simple answer in each row, shape (rows,).

    None where that answer was not kept, or the outputs are none that can be held against it.
    """
    said = shown.said
    if said is None or said.predicted is None or not len(said.true):
        return None
    simple = _said_by(trivial, target, words, shown)
    if simple is None:
        return None
    rows = len(said.true) // said.places
    every = slice(None, None, max(1, said.true.size // _MOST_NUMBERS))
    true, ours = (each.reshape(rows, -1)[every] for each in (said.true, said.predicted))
    if len(simple) == 1:  # the same for every row and, of several places, at each of them
        simple = np.tile(simple.reshape(1, -1), true.shape[1] // simple.size)
    else:
        simple = simple.reshape(rows, -1)[every]
    losses = [_loss(each, true, target, lead) for each in (simple, ours)]
    gains = losses[0] - losses[1]
    if said.weights is None:
        return np.asarray(gains.mean(axis=1))
    weights = said.weights.reshape(rows, -1)[every]
    gains = gains if weights.shape[1] == 1 else gains.reshape(*weights.shape, -1).mean(axis=2)
    sums = weights.sum(axis=1)
    by_row = (gains.mean(axis=1, keepdims=True) if weights.shape[1] == 1 else gains) * weights
    return weighted(by_row.sum(axis=1) / np.where(sums > 0, sums, 1), sums)


def _loss(answer: Array, true: Array, target: Target, lead: str) -> Array:
    if target.form != "numbers":
        return np.asarray(answer != true, np.float64)
    return np.asarray(np.abs(answer - true) ** (1 if lead in _ABSOLUTE else 2))


def _said_by(trivial: Trivial, target: Target, words: str, shown: Shown) -> Array | None:
    """Returns what a simple answer says, in the unit of the target: of every row, or of each."""
    if words in shown.rows.forecasts:
        return unscale(shown.rows.forecasts[words], target)
    if not trivial.answer:
        return None
    answer = np.array(trivial.answer)
    if target.form == "multilabel":
        return np.asarray(answer >= 0.5)[None]
    if target.form != "numbers":
        return answer.argmax().reshape(1, 1)
    if target.quantiles:
        answer = answer[[place for place, q in enumerate(target.quantiles) if q == 0.5]]
    shape = target.places or (len(answer),)
    fits = answer.size == math.prod(shape) > 0
    return unscale(answer.reshape(1, *shape), target).reshape(1, -1) if fits else None
