"""Rules on the number of outputs: one for each class or target."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.output import Output, keeps_axes
from dl.config.rules.partial import Facts
from dl.config.rules.targets import classes_of, classes_place, is_regression, labels_text
from dl.config.rules.words import spoken
from dl.vocabulary.spec import Finding, Path
from dl.vocabulary.traits import BINARY, CROSS_ENTROPIES, FITTING, ONE_HOT, REGRESSION, SPARSE

_LOSS: Path = ("training", "loss")


def units_fit_target(facts: Facts) -> Iterator[Finding]:
    """The network has as many outputs as the classes or targets need."""
    if facts.training is None or facts.output is None or facts.output.units is None:
        return
    loss, units = facts.training.loss.type, facts.output.units
    if facts.peek.columns not in (None, 1) and facts.model and keeps_axes(facts.model):
        return  # the columns are steps, each with outputs of its own
    if facts.peek.target == "numbers" and loss in CROSS_ENTROPIES:
        return
    if loss in SPARSE | ONE_HOT | FITTING and units > 1:
        yield from _units_for_classes(facts, facts.output)
    elif loss in BINARY | FITTING and facts.output.activation != "softmax":
        yield from _units_for_binary(facts, facts.output)
    elif loss in REGRESSION and is_regression(facts):
        yield from _units_for_numbers(facts, facts.output)


def _units_for_classes(facts: Facts, output: Output) -> Iterator[Finding]:
    classes = classes_of(facts)
    one_hot_columns = facts.peek.columns not in (None, 1)
    needed = facts.peek.columns if one_hot_columns else classes
    if needed is None or needed < 2 or needed == output.units:
        return
    if facts.data is not None and facts.data.task == "multilabel":
        return
    yield Finding(
        output.units_path,
        f"is not the number of classes in {classes_place(facts)}",
        expected=f"{needed}, one for each class{labels_text(facts)}",
        found=str(output.units),
        hint=f"write units: {needed}",
    )


def _units_for_binary(facts: Facts, output: Output) -> Iterator[Finding]:
    columns, classes = facts.peek.columns, classes_of(facts)
    multilabel = facts.data is not None and facts.data.task == "multilabel"
    if columns is not None and columns > 1:
        if output.units != columns:
            yield _wrong_units(output, columns, "one for each target column")
        return
    if multilabel or classes is None or classes < 2 or output.units == classes:
        return
    if classes == 2 and output.units != 1:
        yield _wrong_units(output, 1, "for two classes under binary_crossentropy")
    elif classes > 2 and facts.training is not None:
        yield Finding(
            _LOSS,
            f"is for two classes, but {classes_place(facts)} has {classes}",
            expected=f"a loss for {classes} classes{labels_text(facts)}",
            found=f"{spoken(facts.training.loss)} with units: {output.units}",
            hint="use loss: sparse_categorical_crossentropy with a softmax output of "
            f"{classes} units",
        )


def _units_for_numbers(facts: Facts, output: Output) -> Iterator[Finding]:
    columns = facts.peek.columns
    if columns is not None and columns != output.units:
        reason = "one for the target column" if columns == 1 else "one for each target column"
        yield _wrong_units(output, columns, reason)


def _wrong_units(output: Output, needed: int, reason: str) -> Finding:
    return Finding(
        output.units_path,
        "is not the number of outputs that the target needs",
        expected=f"{needed}, {reason}",
        found=str(output.units),
        hint=f"write units: {needed}",
    )
