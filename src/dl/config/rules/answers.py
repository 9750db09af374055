"""What is to be answered for a row, and what does not fit that: loss, outputs and weights."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.data import Data, target_is_input, weight_of, window_of
from dl.config.rules.facts import LOSS, QUANTILES, Facts, finding, keeps_axes, right_loss
from dl.config.rules.probe import Answer, Form, targets_of
from dl.config.schema import Training
from dl.config.tables import finite_number
from dl.errors import closest, did_you_mean
from dl.vocabulary import traits
from dl.vocabulary.spec import Finding, Path


def stratify_needs_classes(data: Data, facts: Facts) -> Iterator[Finding]:
    """A split can keep the proportions of classes only where a row has a single class."""
    reason = _without_class(facts)
    if data.split.stratify and reason:
        yield finding(("data", "split", "stratify"), "stratify_needs_classes", reason=reason)


def _without_class(facts: Facts) -> str:
    """Returns why rows have no single class; empty if they have, or if it is not known."""
    if facts.is_regression:
        return "the target is a number (regression)"
    if facts.probe.answer and facts.probe.answer.places:
        return "a row has a class at each of several places"
    return "a row has several labels" if facts.task == "multilabel" else ""


def weights_are_of_rows(data: Data, training: Training, facts: Facts) -> Iterator[Finding]:
    """Rows count by a column, or by their class; classes are drawn equally, or weighed."""
    weighted = weight_of(data) is not None
    path: Path = ("training", "class_weight")
    if weighted and training.class_weight is not None:
        yield finding(path, "weights_are_of_rows.both")
    if weighted and facts.probe.answer and facts.probe.answer.places:
        yield finding(("data", "weight"), "weights_are_of_rows.places")
    if training.sampling != "balanced":
        return
    if training.class_weight is not None:
        yield finding(path, "weights_are_of_rows.drawn")
    if reason := _without_class(facts):
        path = ("training", "sampling")
        yield finding(path, "weights_are_of_rows.sampling", reason=reason)


def class_weight_names_classes(training: Training, facts: Facts) -> Iterator[Finding]:
    """`class_weight` belongs to classification, and its keys are classes."""
    path, weights, known = ("training", "class_weight"), training.class_weight, facts.labels
    if weights is None:
        return
    if facts.is_regression or facts.task == "multilabel":
        words = {"reason": _without_class(facts), "loss": training.loss}
        yield finding(path, "class_weight_names_classes.none", **words)
        return
    for key in weights if known and isinstance(weights, dict) else ():
        if known and key not in known:
            hint = did_you_mean(closest(key, known), "name the classes as the data does")
            words = {"source": _source_of_classes(facts), "known": known, "key": key}
            yield finding((*path, key), "class_weight_names_classes.other", hint=hint, **words)


def task_fits_loss(data: Data, training: Training, facts: Facts) -> Iterator[Finding]:
    """A task that the config states agrees with the loss."""
    units = facts.output.units if facts.output else None
    # Binary losses compare several fractions of 1, too, and the divergence compares distributions.
    of_numbers = {"KLDivergence"} | (traits.BINARY if facts.probe.columns != 1 else set())
    wrong, right = {
        "regression": (traits.CLASSIFICATION - of_numbers, "mean_squared_error"),
        "multiclass": (traits.BINARY if units == 1 else frozenset(), right_loss(None)),
        "multilabel": (traits.SPARSE | traits.ONE_HOT | traits.FITTING, right_loss(2)),
    }.get(data.task or "", (frozenset(), ""))
    if training.loss.type in wrong:
        words = {"task": data.task, "right": right, "loss": training.loss}
        yield finding(LOSS, "task_fits_loss", **words)


def target_fits_loss(data: Data, training: Training, facts: Facts) -> Iterator[Finding]:
    """Text needs a loss for classes, numbers need a loss for regression."""
    loss, seen = training.loss.type, facts.probe
    unbounded = facts.output is not None and facts.output.activation in traits.UNBOUNDED
    text = ""
    if seen.target == "numbers" and loss in traits.CROSS_ENTROPIES:
        text = "target_fits_loss.numbers"
    elif seen.target == "text" and loss in traits.REGRESSION and unbounded:
        text = "target_fits_loss.text"
    if text and facts.task is None and not target_is_input(data):
        words = {"labels": _in_brackets(facts.labels), "right": right_loss(seen.classes)}
        yield finding(LOSS, text, target=_target(data), loss=training.loss, **words)


def _target(data: Data) -> str:
    names = targets_of(data)
    return f"the target `{names[0]}`" if len(names) == 1 else "the target"


def _source_of_classes(facts: Facts) -> str:
    if facts.config.data.classes is not None:
        return "data.classes"
    names = targets_of(facts.config.data)
    return f"the column `{names[0]}`" if len(names) == 1 else "the data"


def _in_brackets(labels: tuple[str, ...] | None) -> str:
    """Returns a few known classes in brackets with a space before, or nothing."""
    if not labels or len(labels) > 10:
        return ""
    return f" ({', '.join(label[:30] for label in labels)})"


def answer_of(facts: Facts) -> Answer | None:
    """Returns what is to be answered: for certain when the data was read, else what follows from
    the config and a look at the data; None where only the data can tell.
    """
    if facts.probe.answer is not None:
        return facts.probe.answer
    if facts.config.training.loss.type in traits.WITHOUT_ANSWER:
        return Answer("several", None, None)
    window = window_of(facts.config.data)
    if window is not None and len(window.target_rows) > 1:
        return None  # of these, `outputs_fit_windows` tells
    columns, units = facts.probe.columns, facts.output.units if facts.output else None
    loss = facts.config.training.loss.type
    if columns is not None and columns > 1 and keeps_axes(facts.config.model):
        # The columns are steps, each with outputs of its own.
        one_of_many = loss in traits.SPARSE | traits.TAKES_ONE_HOT
        return _among(units, None) if one_of_many and not facts.is_regression else None
    if facts.is_regression and (quantiles := traits.quantiles_of(facts.config.training.loss)):
        if (columns or 1) > 1 or target_is_input(facts.config.data):
            return None  # of these, `quantiles_are_of_one_number` tells
        return Answer("numbers", len(quantiles), len(quantiles))
    if facts.is_regression:
        count = columns or units
        if count is None or (facts.task is None and loss in traits.CROSS_ENTROPIES):
            return None  # of the latter, `target_fits_loss` tells
        return Answer("number" if count == 1 else "numbers", count, columns)
    if facts.task == "multilabel":
        return Answer("labels", facts.several or units, facts.several)
    return None if facts.probe.target == "numbers" else _of_classes(loss, facts, units)


def _of_classes(loss: str, facts: Facts, units: int | None) -> Answer | None:
    columns, classes = facts.probe.columns, facts.classes
    softmax = facts.output is not None and facts.output.activation == "softmax"
    fitted = loss in traits.FITTING and (units or 0) > 1 and (softmax or columns == 1)
    if loss in traits.SPARSE | traits.TAKES_ONE_HOT or fitted:
        known = facts.several or classes
        return _among(known or units, known)
    by_output = traits.BINARY | traits.FITTING | traits.HINGES | {traits.PERCEPTRON}
    if loss not in by_output or (softmax and loss in traits.BINARY):
        return None
    if facts.several:
        return Answer("labels", facts.several, facts.several)
    if classes is None:
        return Answer("one", 2, None) if units == 1 else None
    if columns is None and units == classes:
        return None  # these may be the names of labels
    return Answer("one", 2, 1) if classes == 2 and units != 2 else _among(classes, classes)


def _among(count: int | None, units: int | None) -> Answer | None:
    if count is None or count < 2:
        return None
    return Answer("two" if count == 2 else "several", count, units)


def units_fit_target(training: Training, facts: Facts) -> Iterator[Finding]:
    """The network has as many outputs as the classes or targets need.

    Keras compares a target of shape (n, 1) with outputs of shape (n, 3) without a word.
    """
    answer, output, loss = answer_of(facts), facts.output, training.loss.type
    if answer is None or output is None or output.units in (None, answer.units):
        return
    told_elsewhere = output.units == 1 and loss in traits.SPARSE | traits.ONE_HOT
    # Of numbers at places, the last axis may be that of the units; the built model shows it.
    at_places = answer.places and answer.form in ("number", "numbers")
    if output.units and answer.units and not told_elsewhere and not at_places:
        yield wrong_units(facts, answer.form, answer.units, output.units, output.units_path)


def quantiles_are_of_one_number(data: Data, training: Training, facts: Facts) -> Iterator[Finding]:
    """Several quantiles are those of one number of a row; the outputs hold no more."""
    if not traits.quantiles_of(training.loss):
        return
    window, columns, found = window_of(data), facts.probe.columns or 1, ""
    if target_is_input(data):
        found = "target: inputs"
    elif window is not None and len(window.target_rows) > 1:
        found = f"{len(window.target_rows)} steps behind each window"
    elif columns > 1:
        found = f"{columns} target columns"
    elif facts.task not in (None, "regression"):
        found = f"task: {facts.task}"
    if found:
        yield finding(QUANTILES, "quantiles_are_of_one_number", found=found)


def wrong_units(facts: Facts, form: Form, needed: int, units: int, path: Path) -> Finding:
    """Returns that a network has other outputs than so many for an answer of a form."""
    data, loss = facts.config.data, facts.config.training.loss
    source = _source_of_classes(facts)
    words = {"needed": needed, "units": units, "labels": _in_brackets(facts.labels)}
    words |= {"loss": loss, "source": source, "target": _target(data)}
    for_two = loss.type in traits.BINARY or (loss.type in traits.FITTING and units == 1)
    if form == "several" and for_two:
        return finding(LOSS, "units_fit_target.two_classes", **words)
    if quantiles := traits.quantiles_of(loss):
        return finding(path, "units_fit_target.quantiles", quantiles=len(quantiles), **words)
    case: str = "classes" if form in ("two", "several") else form
    if target_is_input(data):
        case = "inputs"
    if case == "classes" and units == 1:
        numbers = all(finite_number(label) is not None for label in facts.labels or ())
        case = "classes_of_numbers" if numbers else "classes_from_one"
    elif case == "classes" and units > needed and not (data.classes or hasattr(data, "dataset")):
        case = "classes_in_data"  # they are the values that the data happens to have
    return finding(path, f"units_fit_target.{case}", **words)
