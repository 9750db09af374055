"""Rules on metrics against the form of the target and what the outputs mean.

`misfits` is asked twice: by the rule of this module, with what the config and a look at the data
tell, and after the data were read, when the form of the target is certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dl.config.rules.output import keeps_axes
from dl.config.rules.partial import Facts
from dl.config.rules.targets import classes_of, is_regression
from dl.config.rules.words import place, spoken
from dl.config.sections.data import CsvData, ParquetData
from dl.vocabulary import traits
from dl.vocabulary.metric_forms import FORMS, METRIC_FORMS, Form
from dl.vocabulary.spec import Finding, Path, Spec

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


def metrics_fit_target(facts: Facts) -> Iterator[Finding]:
    """Each metric measures what its name says, as far as it can be known without the data."""
    if facts.training is None:
        return
    known = _measurable(facts)
    if known is not None:
        yield from misfits(facts.training.metrics, known)


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
    if known.form in ("two", "several") and apart and instead["one"] == "BinaryCrossentropy":
        return "BinaryCrossentropy"
    if metric == "KLDivergence" and known.form == "numbers" and known.values == "probabilities":
        return ""
    return instead[known.form]


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


def _measurable(facts: Facts) -> Measurable | None:
    """Returns what the config says of the answers, or None where only the data can tell."""
    if facts.training is None or facts.data is None:
        return None
    loss = facts.training.loss
    units = facts.output.units if facts.output is not None else None
    form, count = _form(facts, loss, units)
    if form is None:
        return None
    activation = facts.output.activation if facts.output is not None else ""
    return Measurable(form, count, values_of(loss, activation), loss)


def _form(facts: Facts, loss: Spec, units: int | None) -> tuple[Form | None, int | None]:
    columns, classes = facts.peek.columns, classes_of(facts)
    stated = facts.data is not None and facts.data.task is not None
    if is_regression(facts):
        if not _flat(facts) or (not stated and facts.peek.target is None):
            return None, None
        count = units or columns
        return (None if count is None else "number" if count == 1 else "numbers"), count
    if facts.peek.target == "numbers":
        return None, None
    if loss.type in traits.SPARSE | traits.TAKES_ONE_HOT:
        return _of_outputs(units or classes)
    if facts.data is not None and facts.data.task == "multilabel":
        return "labels", units or columns
    if loss.type not in traits.BINARY | traits.HINGES | {traits.PERCEPTRON}:
        return None, None
    if columns is not None and columns > 1:
        softmax = facts.output is not None and facts.output.activation == "softmax"
        return ("labels" if _flat(facts) and not softmax else None), columns
    if units == 1 and classes in (None, 2):
        return "one", 2
    return (None, None) if columns is None or classes is None else _of_outputs(units)


def _flat(facts: Facts) -> bool:
    """Tells whether a row surely has its outputs side by side, not at steps or pixels."""
    axes = keeps_axes(facts.model) if facts.model is not None else None
    return axes is False or (axes is None and isinstance(facts.data, CsvData | ParquetData))


def _of_outputs(count: int | None) -> tuple[Form | None, int | None]:
    if count is None or count < 2:
        return None, None
    return ("two" if count == 2 else "several"), count
