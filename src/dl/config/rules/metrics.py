"""Which metric measures which target: one table, for this rule, for the engine and for the docs.

`misfits` is asked twice: with what the config and a look at the data tell, and after the data was
read, when the form of the target is certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dl.config.data import CsvData, ParquetData
from dl.config.rules.data import answer_of
from dl.config.rules.facts import Facts, place, spoken
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


@dataclass(frozen=True, slots=True)
class MetricForms:
    """What a metric sees, and what to write instead of it for each form that it does not fit."""

    sees: Sees
    instead: Mapping[Form, str] = field(default_factory=dict)


def _for_numbers(instead: str) -> dict[Form, str]:
    """Returns what to write instead of a metric of classes where the target is numbers."""
    return {"number": instead, "numbers": instead}


def _for_classes(instead: str) -> dict[Form, str]:
    """Returns what to write instead of a metric of numbers where the target is classes."""
    return {"one": instead, "two": instead, "several": instead, "labels": instead}


_NO_CLASS = _for_numbers("MeanAbsoluteError")
_NO_SHARE = _for_numbers("MeanSquaredError")
_TABLE: tuple[tuple[str, Sees, dict[Form, str]], ...] = (
    ("accuracy", "classes", _NO_CLASS),
    (
        "CategoricalAccuracy SparseCategoricalAccuracy",
        "classes",
        {"one": "accuracy", "labels": "accuracy", **_NO_CLASS},
    ),
    (
        "TopKCategoricalAccuracy SparseTopKCategoricalAccuracy",
        "classes",
        {"one": "accuracy", "two": "accuracy", "labels": "accuracy", **_NO_CLASS},
    ),
    ("IoU MeanIoU", "classes", {"labels": "BinaryIoU", **_NO_CLASS}),
    (
        "OneHotIoU OneHotMeanIoU",
        "classes",
        {"one": "BinaryIoU", "labels": "BinaryIoU", **_NO_CLASS},
    ),
    ("BinaryAccuracy", "decisions", {"several": "accuracy", **_NO_CLASS}),
    ("BinaryIoU", "decisions", {"several": "MeanIoU", **_NO_CLASS}),
    (
        "F1Score FBetaScore Precision Recall "
        "FalseNegatives FalsePositives TrueNegatives TruePositives",
        "decisions",
        _NO_CLASS,
    ),
    (
        "AUC PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity",
        "probabilities",
        _for_numbers("R2Score"),
    ),
    (
        "BinaryCrossentropy",
        "probabilities",
        {"two": "CategoricalCrossentropy", "several": "CategoricalCrossentropy", **_NO_SHARE},
    ),
    (
        "CategoricalCrossentropy SparseCategoricalCrossentropy KLDivergence",
        "probabilities",
        {"one": "BinaryCrossentropy", "labels": "BinaryCrossentropy", **_NO_SHARE},
    ),
    ("Hinge SquaredHinge", "margins", _NO_CLASS),
    ("CategoricalHinge", "margins", {"one": "Hinge", "labels": "Hinge", **_NO_CLASS}),
    ("LogCoshError MeanAbsoluteError MeanSquaredError RootMeanSquaredError", "errors", {}),
    ("MeanAbsolutePercentageError", "errors", _for_classes("MeanAbsoluteError")),
    ("MeanSquaredLogarithmicError Poisson", "errors", _for_classes("MeanSquaredError")),
    (
        "CosineSimilarity",
        "errors",
        {**_for_classes("accuracy"), "number": "PearsonCorrelation"},
    ),
    ("ConcordanceCorrelation PearsonCorrelation R2Score", "rows", _for_classes("accuracy")),
)
METRIC_FORMS: Mapping[str, MetricForms] = {
    name: MetricForms(sees, instead) for names, sees, instead in _TABLE for name in names.split()
}
"""Every metric of the vocabulary. What to write instead depends on the loss in a few places more:
see `_instead`."""

Values = Literal["probabilities", "logits", "margins", "scores"]
"""What an output is: a probability, what a sigmoid or softmax makes one of, the distance from a
border by a hinge loss, or another number."""

_NO_ANSWER = {
    traits.EMBEDDING: "the outputs of circle name no class",
    traits.SEQUENCES: "the outputs of ctc are not an answer before they are decoded",
}
_AXIS_LAST = "the outputs of a row lie along the last axis"


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
    answer, loss = answer_of(facts), facts.loss
    if answer is None or loss is None:
        return None
    activation = facts.output.activation if facts.output else ""
    if facts.probe.answer is None and facts.task != "multilabel":
        doubtful = facts.task is None and facts.probe.target is None
        if answer.form in ("number", "numbers") and (doubtful or not _is_flat(facts)):
            return None
        if answer.form == "labels" and (activation == "softmax" or not _is_flat(facts)):
            return None
    return Measurable(answer.form, answer.count, values_of(loss, activation), loss)


def _is_flat(facts: Facts) -> bool:
    """Tells whether a row surely has its outputs side by side, not at steps or pixels."""
    table = isinstance(facts.data, CsvData | ParquetData)
    return facts.axes is False or (facts.axes is None and table)


def metrics_fit_target(training: Training, facts: Facts) -> Iterator[Finding]:
    """Each metric measures what its name says, as far as that is known."""
    known = measurable(facts)
    found = list(misfits(training.metrics, known)) if known else []
    yield from found or _undefined_for_numbers(training, facts)


def _undefined_for_numbers(training: Training, facts: Facts) -> Iterator[Finding]:
    """Yields metrics that some of the numbers to predict leave without a value."""
    for index, metric in enumerate(training.metrics):
        path = ("training", "metrics", index)
        if metric.type == "MeanAbsolutePercentageError" and facts.probe.near_zero:
            yield Finding(
                path,
                "divides by the target, which is 0 in some rows",
                expected="a target without 0",
                found=facts.probe.near_zero,
                hint="write MeanAbsoluteError",
            )
        if metric.type in ("MeanSquaredLogarithmicError", "Poisson") and facts.probe.below_zero:
            yield Finding(
                path,
                "is for numbers from 0 on, but some of the target are below",
                expected="a target from 0 on",
                found=facts.probe.below_zero,
                hint="write MeanSquaredError",
            )


def misfits(metrics: tuple[Spec, ...], known: Measurable) -> Iterator[Finding]:
    """Yields what would make a metric say something else than its name."""
    for index, metric in enumerate(metrics):
        yield from _misfits(metric, ("training", "metrics", index), known)


def _misfits(metric: Spec, path: Path, known: Measurable) -> Iterator[Finding]:
    if known.loss.type in _NO_ANSWER:
        reason = _NO_ANSWER[known.loss.type]
        yield Finding(path, f"has nothing to measure: {reason}", hint="remove it")
        return
    instead = _instead(metric.type, known)
    if instead:
        yield Finding(
            path,
            f"does not fit a target of {FORMS[known.form]}",
            expected="a metric for such a target",
            found=metric.type,
            hint=f"write {_right(instead, known)}",
        )
        return
    found = _wrong_values(metric, path, known)
    if found is not None:
        yield found
        return
    for name, message, expected, hint in _wrong_parameters(metric, known):
        value = metric.parameters.get(name)
        yield Finding(place(path, metric, name), message, expected, f"{name}: {value}", hint)


def _instead(metric: str, known: Measurable) -> str:
    """Returns the metric to write, or nothing where it fits; the table, but for some traits.

    Binary losses take each output by itself, whatever it is the share or probability of; the
    divergence takes shares.
    """
    instead = METRIC_FORMS[metric].instead
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
    sees, numbers = METRIC_FORMS[metric].sees, known.form in ("number", "numbers")
    probable = known.values in ("probabilities", "logits")
    if sees == "margins" and known.loss.type not in traits.HINGES:
        return (
            "BinaryCrossentropy" if known.form in ("one", "labels") else "CategoricalCrossentropy"
        )
    if sees == "probabilities" and not probable and not numbers:
        return "accuracy"
    return "accuracy" if sees == "errors" and known.values == "margins" and not numbers else ""


def _wrong_values(metric: Spec, path: Path, known: Measurable) -> Finding | None:
    instead = _of_other_values(metric.type, known)
    if not instead:
        return None
    right = f"write {_right(instead, known)}"
    sees = METRIC_FORMS[metric.type].sees
    if sees == "probabilities":
        return _without_probabilities(metric, path, known, right)
    if sees == "margins":
        message = "measures margins, which only a hinge loss makes"
        return Finding(path, message, "a hinge loss", spoken(known.loss), right)
    message = "compares 0 and 1 with margins, which are neither classes nor probabilities"
    return Finding(path, message, "a metric of decisions, or of margins", metric.type, right)


def _without_probabilities(metric: Spec, path: Path, known: Measurable, right: str) -> Finding:
    one = known.form in ("one", "labels")
    end = (
        "activation: sigmoid with loss: binary_crossentropy"
        if one
        else "activation: softmax with loss: categorical_crossentropy"
    )
    what = "margins" if known.values == "margins" else "no probabilities"
    return Finding(
        path,
        f"needs probabilities, but the outputs under {spoken(known.loss)} are {what}",
        expected="a metric of decisions, such as accuracy",
        found=metric.type,
        hint=f"{right}, or {end}",
    )


def _wrong_parameters(
    metric: Spec, known: Measurable
) -> Iterator[tuple[str, str, str | None, str]]:
    """Yields name, message, what was expected and hint."""
    given, sees = metric.parameters, METRIC_FORMS[metric.type].sees
    if given.get("axis", -1) != -1:
        reason = "it is measured over all rows" if sees == "rows" else _AXIS_LAST
        yield "axis", f"is not what it is measured along: {reason}", "-1", "remove axis"
    if given.get("from_logits") is True and known.values != "logits":
        message = "asks for outputs without activation, but they are probabilities"
        yield "from_logits", message, "false", "remove from_logits"
    if given.get("from_sorted_ids") is True:
        message = "asks for class numbers, but there is an output for each class"
        yield "from_sorted_ids", message, "false", "remove from_sorted_ids"
    for name in ("threshold", "thresholds"):
        if given.get(name) is not None and known.values in ("margins", "scores"):
            message = f"cuts probabilities, but there are none under {spoken(known.loss)}"
            yield name, message, None, f"remove {name}: what predictions decide is counted"
        elif given.get(name) == 0:
            message = (
                "counts every row as positive: it is a probability, also where there are logits"
            )
            yield name, message, "a number above 0", f"remove {name}: 0.5 is the logit 0"
    yield from _wrong_counts(given, known)


def _wrong_counts(given: Any, known: Measurable) -> Iterator[tuple[str, str, str | None, str]]:
    classes = 2 if known.form in ("one", "two") else known.count
    if classes is None:
        return
    columns = 1 if known.form == "one" else classes
    there = f"there are {classes} {'labels' if known.form == 'labels' else 'classes'}"
    if given.get("num_classes") not in (None, classes):
        message, hint = f"is not the number of classes: {there}", f"write num_classes: {classes}"
        yield "num_classes", message, str(classes), hint
    for name in ("k", "top_k"):
        if given.get(name) is not None and given[name] >= columns:
            message = f"counts every class, whatever the network says: {there}"
            yield name, message, f"less than {columns}" if columns > 1 else None, f"remove {name}"
    if given.get("class_id") is not None and given["class_id"] >= classes:
        message = f"names no class: {there}, counted from 0"
        yield "class_id", message, f"less than {classes}", "write the position of a class"
    if given.get("num_labels") not in (None, columns):
        yield "num_labels", f"is not the number of outputs: {there}", str(columns), "remove it"
    weights = given.get("label_weights")
    if weights is not None and len(weights) != columns:
        message = f"are not as many as the outputs: {there}"
        yield "label_weights", message, f"{columns} numbers", "give a weight for each"
