"""From the values of a target and the config to a `Target`: task, classes, form and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dl.data.raw import Raw
from dl.data.requirements import Requirements
from dl.data.targets.classes import class_names_and_values
from dl.data.targets.places import has_places, places_of
from dl.data.targets.target import Form, OutputFunction, Target
from dl.data.targets.task import infer_task, is_one_hot
from dl.data.targets.values import TargetValues, is_own_input, target_values
from dl.data.types import Array
from dl.errors import DataError
from dl.vocabulary.traits import (
    EMBEDDING,
    PERCEPTRON,
    PROBABILITIES,
    SEQUENCES,
    TAKES_CLASS_NUMBERS,
    TAKES_ONE_HOT,
    TAKES_SHARES,
    TAKES_SIDES,
)


def describe_target(
    raws: Sequence[Raw], needs: Requirements, class_names: tuple[str, ...] | None = None
) -> Target:
    """Returns what the target is, without its scaling, which `fit_target` learns.

    The classes are those of all rows, so that a class that only the test part has keeps its output.

    Args:
        raws: All rows, the training rows first.
        needs: What the config asks of the data.
        class_names: Names of the class numbers, where the source knows them.

    Raises:
        DataError: The values do not fit the task or the loss.
        Findings: `data.classes` is no list of classes.
    """
    several = [target_values(raw) for raw in raws]
    first = several[0]
    if has_places(raws[0], first, needs):
        return _with_places(raws, several, needs, class_names)
    if first.values.ndim > 2:
        raise _no_axes(first, needs)
    named, own_input = class_names is not None, is_own_input(raws[0])
    task = needs.data.task or infer_task(_longest(several), needs, named, own_input)
    if task == "regression":
        return _numbers(first, needs)
    if task == "multilabel":
        return _labels(first, needs)
    return _classes(several, needs, class_names)


def _with_places(
    raws: Sequence[Raw],
    several: Sequence[TargetValues],
    needs: Requirements,
    class_names: tuple[str, ...] | None,
) -> Target:
    """Returns a target that has a class, labels or a number at each place of a row."""
    first = several[0]
    places = places_of(raws[0], first, needs)
    needs = replace(needs, units=places.channels)
    if places.kind == "numbers":
        target = replace(_numbers(first, needs), units=1)
    elif places.kind == "labels":
        target = _labels(_each_place(first, several=True), needs)
    else:
        one_hot = places.kind == "one_hot"
        each = [_each_place(values, several=one_hot) for values in several]
        if class_names is None and needs.data.classes is None and not one_hot:
            class_names = _names_of_outputs(several, places.channels)
        target = _classes(each, needs, class_names)
    return replace(target, names=first.names, places=places.shape)


def _names_of_outputs(
    several: Sequence[TargetValues], channels: int | None
) -> tuple[str, ...] | None:
    """Returns a name for each output, where class numbers are the numbers of outputs.

    Words and tags are numbered before it is known which of them the rows have.
    """
    if channels is None or channels < 2 or several[0].words is not None:
        return None
    numbers = tuple(map(str, range(channels)))
    return numbers if all(target.used() <= set(numbers) for target in several) else None


def _each_place(target: TargetValues, several: bool) -> TargetValues:
    """Returns the values with a row for each place; `several` if the last axis is none of them."""
    columns = target.values.shape[-1] if several else 1
    values: Array = target.values.reshape(-1, columns)
    per_row = len(values) // len(target.values)
    names = tuple(map(str, range(columns))) if several else target.names

    def place(position: int) -> str:
        return target.place(position // per_row)

    one_axis = values[:, 0] if target.words is not None else values
    return replace(target, names=names, values=one_axis, place=place)


def _longest(several: Sequence[TargetValues]) -> TargetValues:
    return max(several, key=lambda target: len(target.values))


def _numbers(target: TargetValues, needs: Requirements) -> Target:
    if target.words is not None:
        positions, texts = target.distinct()
        raise DataError(
            f"{target.place(0)}: the target {target.title} is no number",
            expected="numbers: `data.task` is `regression`",
            found=repr(texts[positions[0]]),
            hint="leave `data.task` out: text is a target for classification",
        )
    units = None if needs.loss == SEQUENCES else len(target.names)
    activation: OutputFunction = "sigmoid" if needs.from_logits else "none"
    return Target("regression", target.names, "numbers", units=units, activation=activation)


def _labels(target: TargetValues, needs: Requirements) -> Target:
    if target.words is not None:
        raise DataError(
            f"{target.source}: the target {target.title} has one label for each row",
            expected="several columns of 0 and 1: `data.task` is `multilabel`",
            found="a single column",
            hint="leave `data.task` out, or give a column for each label",
        )
    names = needs.data.classes or target.names
    if len(names) != target.columns:
        raise _wrong_count(target, names)
    activation, probabilities, cut = _reading("multilabel", needs)
    return Target(
        task="multilabel",
        names=target.names,
        form="multilabel",
        classes=tuple(names),
        values=target.names,
        units=len(names),
        activation=activation,
        probabilities=probabilities,
        cut=cut,
    )


def _wrong_count(target: TargetValues, names: Sequence[str]) -> DataError:
    return DataError(
        f"{target.source}: `data.classes` does not fit the target",
        expected=f"{target.columns} names, one for each target column",
        found=f"{len(names)} names",
        hint="name each column once, in the order of the columns",
    )


def _classes(
    several: Sequence[TargetValues],
    needs: Requirements,
    class_names: tuple[str, ...] | None,
) -> Target:
    first = several[0]
    if first.columns > 1:
        _refuse_other_than_one_hot(several)
        chosen = needs.data.classes or class_names or first.names
        if len(chosen) != first.columns:
            raise _wrong_count(first, chosen)
        classes, values = tuple(chosen), first.names
    else:
        single = [target for target in several if target.columns == 1]
        classes, values = class_names_and_values(single, needs.data.classes, class_names)
    if needs.data.task == "binary" and len(classes) > 2:
        raise _too_many(first, classes)
    form = _form(len(classes), needs)
    activation, probabilities, cut = _reading(form, needs)
    return Target(
        task=needs.data.task or ("multiclass" if len(classes) > 2 else "binary"),
        names=first.names,
        form=form,
        classes=classes,
        values=values,
        units=_units(form, len(classes), needs),
        activation=activation,
        probabilities=probabilities,
        cut=cut,
    )


def _refuse_other_than_one_hot(several: Sequence[TargetValues]) -> None:
    for target in several:
        if target.columns > 1 and not is_one_hot(target):
            row = int(np.argmax((target.values != 0).sum(axis=-1).reshape(-1) != 1))
            raise DataError(
                f"{target.place(row)}: the target is not a class",
                expected=f"a single 1 among zeros in {target.columns} columns",
                found="other numbers",
                hint="name one column of class names or numbers as the target",
            )


def _no_axes(target: TargetValues, needs: Requirements) -> DataError:
    return DataError(
        f"{target.source}: the target has several axes, which the loss {needs.loss} does not take",
        expected="one class for each row" if needs.loss == EMBEDDING else "a row of class numbers",
        found=f"the shape {target.values.shape}",
        hint="save the target so, or choose another loss",
    )


def _too_many(target: TargetValues, classes: Sequence[str]) -> DataError:
    shown = ", ".join(repr(name) for name in classes[:5]) + (", ..." if len(classes) > 5 else "")
    return DataError(
        f"{target.source}: the target {target.title} has more than two classes",
        expected="two classes: `data.task` is `binary`",
        found=f"{len(classes)}: {shown}",
        hint="leave `data.task` out, or write `multiclass`",
    )


def _form(classes: int, needs: Requirements) -> Form:
    """Returns how the loss wants the classes.

    Sparse losses take class numbers and categorical ones one-hot rows. Other losses compare output
    by output: two classes fit one unit, anything else is one-hot.
    """
    if needs.loss in TAKES_CLASS_NUMBERS:
        return "labels"
    if needs.loss in TAKES_ONE_HOT or classes != 2:
        return "one_hot"
    one_unit = needs.units == 1 or (needs.units is None and needs.activation != "softmax")
    return "single" if one_unit else "one_hot"


def _units(form: Form, classes: int, needs: Requirements) -> int | None:
    if needs.loss == EMBEDDING:
        return None
    return 1 if form == "single" else classes


def _reading(form: Form, needs: Requirements) -> tuple[OutputFunction, bool, float]:
    """Returns the function that makes probabilities, whether there are any, and the cut."""
    if needs.loss == EMBEDDING:
        return "none", False, 0.5
    exclusive = form == "labels" or (form == "one_hot" and needs.loss not in TAKES_SHARES)
    if needs.from_logits:
        return ("softmax" if exclusive else "sigmoid"), True, needs.threshold
    if needs.activation == "log_softmax":
        return "softmax", True, needs.threshold
    if needs.activation in PROBABILITIES:
        return "none", True, needs.threshold
    return "none", False, 0.0 if needs.loss in TAKES_SIDES - {PERCEPTRON} else 0.5
