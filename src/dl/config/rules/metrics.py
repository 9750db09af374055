"""Which metric measures which target: one table, for this rule, for the engine and for the docs.

`misfits` is asked twice: with what the config and a look at the data tell, and after the data was
read, when the form of the target is certain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Literal, TypedDict

from dl.config.data import TableFile
from dl.config.rules.answers import answer_of
from dl.config.rules.facts import Facts, finding, keeps_axes
from dl.config.rules.probe import Form
from dl.config.schema import Training
from dl.vocabulary import traits
from dl.vocabulary.spec import Finding, Path, Spec

FORMS: Mapping[Form, str] = {
    "one": "two classes told apart by one output",
    "two": "two classes with an output each",
    "several": "several classes",
    "labels": "several labels",
    "number": "one number",
    "numbers": "several numbers",
}
"""The forms in words, for `does not fit a target of …`."""

Sees = Literal["classes", "decisions", "probabilities", "margins", "errors", "rows"]
"""What a metric compares with the truth: the largest output; what is decided by it; the
probabilities; the margins of a hinge loss; numbers, each with its own; all rows at once."""


class MetricForms(TypedDict):
    """What a metric sees, and what to write instead of it for each form that it does not fit."""

    sees: Sees
    instead: Mapping[Form, str]


METRIC_FORMS: Mapping[str, MetricForms] = json.loads(
    FilePath(__file__).with_name("metric_forms.json").read_text(encoding="utf-8")
)
"""Every metric of the vocabulary. What to write instead depends on the loss in a few places more:
see `_instead`."""

Values = Literal["probabilities", "logits", "margins", "scores"]
"""What an output is: a probability, what a sigmoid or softmax makes one of, the distance from a
border by a hinge loss, or another number."""


@dataclass(frozen=True, slots=True)
class Measurable:
    """What there is to measure.

    Attributes:
        form: What the model answers.
        count: How many classes, labels or numbers there are; None where it is not known.
        values: What the outputs are.
        loss: The loss.
    """

    form: Form
    count: int | None
    values: Values
    loss: Spec


def values_of(loss: Spec, activation: str) -> Values:
    """Returns what outputs of an activation are under a loss; the name is empty if unknown."""
    if traits.from_logits(loss) or activation == "log_softmax":
        return "logits"
    if activation in traits.PROBABILITIES or loss.type in traits.CROSS_ENTROPIES:
        return "probabilities"
    return "margins" if loss.type in traits.HINGES else "scores"


def measurable(facts: Facts) -> Measurable | None:
    """Returns what there is to measure, or None where only the data can tell."""
    answer, loss = answer_of(facts), facts.config.training.loss
    if answer is None:
        return None
    activation = facts.output.activation if facts.output else ""
    is_sure = facts.probe.answer is not None or traits.quantiles_of(loss)
    if not is_sure and facts.task != "multilabel":
        doubtful = facts.task is None and facts.probe.target is None
        if answer.form in ("number", "numbers") and (doubtful or not _is_flat(facts)):
            return None
        if answer.form == "labels" and (activation == "softmax" or not _is_flat(facts)):
            return None
    return Measurable(answer.form, answer.count, values_of(loss, activation), loss)


def _is_flat(facts: Facts) -> bool:
    """Tells whether a row surely has its outputs side by side, not at steps or pixels."""
    table = isinstance(facts.config.data, TableFile)
    axes = keeps_axes(facts.config.model)
    return axes is False or (axes is None and table)


def metrics_fit_target(training: Training, facts: Facts) -> Iterator[Finding]:
    """Each metric measures what its name says, as far as that is known."""
    known = measurable(facts)
    found = list(misfits(training.metrics, known)) if known else []
    yield from found or _undefined_for_numbers(training, facts)


def _undefined_for_numbers(training: Training, facts: Facts) -> Iterator[Finding]:
    """Yields metrics that some of the numbers to predict leave without a value."""
    near_zero, below_zero = facts.probe.near_zero, facts.probe.below_zero
    for index, metric in enumerate(training.metrics):
        path = ("training", "metrics", index)
        if metric.type == "MeanAbsolutePercentageError" and near_zero:
            yield finding(path, "metrics_fit_target.near_zero", found=near_zero)
        if metric.type in ("MeanSquaredLogarithmicError", "Poisson") and below_zero:
            yield finding(path, "metrics_fit_target.below_zero", found=below_zero)


def misfits(metrics: tuple[Spec, ...], known: Measurable) -> Iterator[Finding]:
    """Yields what would make a metric say something else than its name."""
    for index, metric in enumerate(metrics):
        yield from _misfits(metric, ("training", "metrics", index), known)


def _misfits(metric: Spec, path: Path, known: Measurable) -> Iterator[Finding]:
    words: dict[str, object] = {"found": metric.type, "loss": known.loss}
    if known.loss.type in traits.WITHOUT_ANSWER or traits.quantiles_of(known.loss):
        yield finding(path, f"metrics_fit_target.{known.loss.type}")
    elif instead := _instead(metric.type, known):
        words |= {"form": FORMS[known.form], "right": _right(instead, known)}
        yield finding(path, "metrics_fit_target.form", **words)
    elif instead := _of_other_values(metric.type, known):
        sees, one = METRIC_FORMS[metric.type]["sees"], known.form in ("one", "labels")
        words["what"] = "margins" if known.values == "margins" else "no probabilities"
        words["end"] = (
            "activation: sigmoid with loss: binary_crossentropy"
            if one
            else "activation: softmax with loss: categorical_crossentropy"
        )
        text = f"metrics_fit_target.{sees}"
        yield finding(path, text, right=_right(instead, known), **words)
    else:
        for name, case, parameter in _wrong_parameters(metric, known):
            value = metric.parameters.get(name)
            found = f"{name}: {'true' if value is True else value}"
            words |= {"name": name, "found": found, **parameter}
            yield finding(metric.place(path, name), f"metrics_fit_target.{case}", **words)


def _instead(metric: str, known: Measurable) -> str:
    """Returns the metric to write, or nothing where it fits; the table, but for some losses.

    Binary losses take each output by itself, whatever it is the fraction or probability of; the
    divergence takes fractions.
    """
    instead = METRIC_FORMS[metric]["instead"]
    apart = known.loss.type in traits.BINARY
    if metric == "BinaryCrossentropy" and apart:
        return ""
    if known.form in ("two", "several") and apart and instead.get("one") == "BinaryCrossentropy":
        return "BinaryCrossentropy"
    if metric == "KLDivergence" and known.form == "numbers" and known.values == "probabilities":
        return ""
    return instead.get(known.form, "")


def _right(metric: str, known: Measurable) -> str:
    """Returns the metric to write: this one or, if it does not fit either, the one for it."""
    while instead := _instead(metric, known) or _of_other_values(metric, known):
        metric = instead
    if metric == "MeanIoU":
        return f"{{type: MeanIoU, num_classes: {known.count or 'N'}}}"
    return metric


def _of_other_values(metric: str, known: Measurable) -> str:
    """Returns what to write instead of a metric that cannot see such outputs, or nothing."""
    sees, numbers = METRIC_FORMS[metric]["sees"], known.form in ("number", "numbers")
    probable = known.values in ("probabilities", "logits")
    if sees == "margins" and known.loss.type not in traits.HINGES:
        return (
            "BinaryCrossentropy" if known.form in ("one", "labels") else "CategoricalCrossentropy"
        )
    if sees == "probabilities" and not probable and not numbers:
        return "accuracy"
    return "accuracy" if sees == "errors" and known.values == "margins" and not numbers else ""


def _wrong_parameters(
    metric: Spec, known: Measurable
) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yields parameters that make a metric measure something else, the case and its words."""
    given, none = metric.parameters, dict[str, object]()
    if given.get("axis", -1) != -1:
        rows = METRIC_FORMS[metric.type]["sees"] == "rows"
        yield "axis", "axis_of_rows" if rows else "axis", none
    if given.get("from_logits") is True and known.values != "logits":
        yield "from_logits", "from_logits", none
    if given.get("from_sorted_ids") is True:
        yield "from_sorted_ids", "from_sorted_ids", none
    for name in ("threshold", "thresholds"):
        if given.get(name) is not None and known.values in ("margins", "scores"):
            yield name, "threshold", none
        elif given.get(name) == 0:
            yield name, "threshold_of_zero", none
    classes = 2 if known.form in ("one", "two") else known.count
    if classes is not None:
        yield from _wrong_counts(given, known.form, classes)


def _wrong_counts(
    given: Mapping[str, object], form: Form, classes: int
) -> Iterator[tuple[str, str, dict[str, object]]]:
    columns, kind = 1 if form == "one" else classes, "labels" if form == "labels" else "classes"
    words: dict[str, object] = {"classes": classes, "columns": columns, "kind": kind}
    for name in ("k", "top_k", "class_id"):
        count, most = given.get(name), classes if name == "class_id" else columns
        if isinstance(count, int) and count >= most:
            case = "class_id" if name == "class_id" else "top_k" if columns > 1 else "top_k_of_one"
            yield name, case, words
    weights = given.get("label_weights")
    wrong = {
        "num_classes": given.get("num_classes") not in (None, classes),
        "num_labels": given.get("num_labels") not in (None, columns),
        "label_weights": isinstance(weights, tuple) and len(weights) != columns,
    }
    yield from ((name, name, words) for name in wrong if wrong[name])
