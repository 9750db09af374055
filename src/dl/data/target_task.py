"""What a target is: its task, its classes, and the form that the loss wants.

The rule of the default of `data.task`, for one target column:

1. Words and truth values are classes. So are values that the source has names for (MNIST, iris,
   XOR), the values under a loss for classes (cross-entropies, focal, Dice, Tversky, hinge losses,
   perceptron), and whole numbers under an output that stands for classes (sigmoid, softmax,
   Heaviside) if there are no more distinct ones than the outputs tell apart: two for one unit, else
   the number of units. Two classes make `binary`, more make `multiclass`.
2. Any other column makes `regression`.

For several target columns:

1. Under a softmax output or a categorical or sparse loss, a single 1 among zeros in each row is a
   class, one-hot.
2. 0 and 1 under a sigmoid output or another loss for classes make `multilabel`.
3. Anything else makes `regression`; binary cross-entropies take numbers between 0 and 1, and inputs
   as targets.

A target has places, the steps of a sequence or the pixels of a mask, where it has three axes or
more, and where its columns are steps: the outputs of a row have several axes, too. At each place:

1. Words are classes. Under a softmax output or a categorical or sparse loss, a single 1 among the
   zeros of each last axis is a class, one-hot, where the network has that many outputs.
2. 0 and 1 under a sigmoid output or a binary loss are labels where the last axis has as many as
   the network has outputs, and else the two classes of each place.
3. Whole numbers under a loss for classes, or no more distinct ones than the outputs tell apart
   under a softmax or sigmoid output, are classes.
4. Anything else is numbers; binary losses take those between 0 and 1, and inputs as targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from dl.config.data import INPUTS, target_is_input
from dl.config.rules.facts import QUANTILES, finding
from dl.data.requirements import Requirements
from dl.data.target import OutputFunction, Target, TargetForm
from dl.data.target_values import (
    TargetValues,
    is_own_input,
    named_classes,
    not_one_hot,
    outside_unit,
    target_values,
    without_ones,
)
from dl.data.types import IGNORED, Raw, RawArrays, RawTable
from dl.errors import DataError
from dl.text import listing
from dl.vocabulary import traits
from dl.vocabulary.spec import Findings

_FEW_MASKS = 8
"""Masks are of classes that are known; so many show their shape."""
Content = Literal["classes", "one_hot", "labels", "numbers"]
"""What stands in a row, or at a place of it: a class, zeros with a single 1, labels, numbers."""
_BY_LOSS = ": the loss is one for classes"
_FOR_NUMBERS = "to predict numbers, choose a loss such as `mean_squared_error`"


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
        Findings: `data.classes` names too few classes, or quantiles are not of one number.
    """
    if target_is_input(needs.data):
        return Target("regression", (INPUTS,), "numbers")  # which numbers: `input_target`
    several = [target_values(_some_of_masks(raw)) for raw in raws]
    first, raw = several[0], raws[0]
    if not _has_places(raw, first, needs):
        if first.values.ndim > 2:
            raise DataError(
                f"{first.source}: the target has several axes, which the loss {needs.loss} does "
                "not take",
                expected="one class for each row"
                if needs.loss == traits.EMBEDDING
                else "a row of class numbers",
                found=f"the shape {first.values.shape}",
                hint="save the target so, or choose another loss",
            )
        longest = max(several, key=lambda target: len(target.values))
        kind = _kind(raw, longest, needs, named=class_names is not None)
        return _of_quantiles(_target(kind, several, needs, class_names), needs)
    return _of_quantiles(_at_places(raw, several, needs, class_names), needs)


def _at_places(
    raw: Raw,
    several: Sequence[TargetValues],
    needs: Requirements,
    class_names: tuple[str, ...] | None,
) -> Target:
    """Returns the target of rows that have several places."""
    first = several[0]
    whole = first.values.shape[1:]
    places = without_ones(whole) or whole[:1]
    channels = 1 if needs.reshaped == places else needs.channels
    kind = _kind_at_places(raw, first, needs, channels)
    along_last = kind in ("one_hot", "labels")
    each = [values.by_place(along_last) for values in several]
    if kind == "classes" and class_names is None and needs.data.classes is None:
        class_names = _names_of_outputs(several, channels)
    target = _target(kind, each, replace(needs, units=channels), class_names)
    return replace(
        target,
        names=first.names,
        units=1 if kind == "numbers" else target.units,
        places=whole[:-1] if along_last else places,
        in_series=raw.windows is not None,
    )


def _of_quantiles(target: Target, needs: Requirements) -> Target:
    """Returns the target with the quantiles that the loss asks for, where it does."""
    if not needs.quantiles:
        return target
    if target.form != "numbers" or target.places or len(target.names) != 1:
        what = "classes" if target.classes else f"{len(target.names)} numbers"
        found = "several places in each row" if target.places else what
        raise Findings([finding(QUANTILES, "quantiles_are_of_one_number", found=found)])
    return replace(target, units=len(needs.quantiles), quantiles=needs.quantiles)


def _some_of_masks(raw: Raw) -> Raw:
    """Returns a few rows of masks, whose classes are known, in memory; all rows of others."""
    if not isinstance(raw, RawArrays) or not raw.masks or raw.y is None:
        return raw
    few = raw.y[: min(len(raw), _FEW_MASKS)]
    return replace(raw.take(np.arange(len(few))), y=np.where(few == IGNORED, 0, few))


def _has_places(raw: Raw, target: TargetValues, needs: Requirements) -> bool:
    """Whether rows of the target have several places."""
    if needs.loss in (traits.SEQUENCES, traits.EMBEDDING):
        return False
    if raw.windows is not None:
        return len(raw.windows.form.target_rows) > 1
    if target.values.ndim > 2 or (target.words is not None and target.columns > 1):
        return True
    keeps = needs.keeps_axes
    if keeps is None:
        keeps = not isinstance(raw, RawTable) and len(raw.x.shape) > 2
    return target.columns > 1 and keeps


def _kind(raw: Raw, target: TargetValues, needs: Requirements, *, named: bool) -> Content:
    task, loss, several = needs.data.task, needs.loss, target.columns > 1
    if task is not None:
        stated: dict[str, Content] = {"regression": "numbers", "multilabel": "labels"}
        return stated.get(task, "one_hot" if several else "classes")
    if not several:
        if named or target.words is not None or loss in traits.TAKES_CLASSES:
            _refuse_fractions(target)
            return "classes"
        few = needs.activation in traits.OF_CLASSES and target.few_whole_numbers(needs.units)
        return "classes" if few else "numbers"
    if (needs.activation == "softmax" or loss in traits.ONE_OF_MANY) and target.one_hot:
        return "one_hot"
    if loss in traits.ONE_OF_MANY:
        raise not_one_hot(target, _BY_LOSS)
    sides = loss in traits.TAKES_SHARES | traits.TAKES_SIDES
    if (needs.activation == "sigmoid" or sides) and target.zeros_and_ones:
        return "labels"
    if sides and not (loss in traits.TAKES_SHARES and (is_own_input(raw) or target.within_unit)):
        raise target.wrong(
            (target.values != 0) & (target.values != 1),
            "is neither 0 nor 1",
            f"0 or 1 in each of {target.columns} columns{_BY_LOSS}",
            _FOR_NUMBERS,
        )
    return "numbers"


def _kind_at_places(
    raw: Raw, target: TargetValues, needs: Requirements, channels: int | None
) -> Content:
    task, loss, last = needs.data.task, needs.loss, target.values.shape[-1]
    if task in ("regression", "multilabel"):
        return "numbers" if task == "regression" else "labels"
    if target.words is not None or (isinstance(raw, RawArrays) and raw.masks):
        return "classes"
    several = target.values.ndim > 2 and last > 1
    along_last = several and channels == last
    one_of_many = needs.activation == "softmax" or loss in traits.ONE_OF_MANY
    if one_of_many and several and channels in (None, last) and target.one_hot:
        return "one_hot"
    if along_last and loss in traits.TAKES_ONE_HOT and target.zeros_and_ones:
        raise not_one_hot(target, _BY_LOSS)
    labels = needs.activation == "sigmoid" or loss in traits.TAKES_SHARES | traits.TAKES_SIDES
    if task is None and along_last and labels and target.zeros_and_ones:
        return "labels"
    if task is None and loss in traits.TAKES_SHARES and not target.zeros_and_ones:
        if is_own_input(raw) or target.within_unit:
            return "numbers"
        if not target.few_whole_numbers(channels):
            raise outside_unit(target, target.values)
        return "classes"
    if task is not None or loss in traits.TAKES_CLASSES:
        _refuse_fractions(target)
        return "classes"
    few = needs.activation in traits.OF_CLASSES and target.few_whole_numbers(channels)
    return "classes" if few and not (along_last and one_of_many) else "numbers"


def _refuse_fractions(target: TargetValues) -> None:
    if target.words is None and (fractions := target.values != np.floor(target.values)).any():
        raise target.wrong(
            fractions, "is not a class", f"whole numbers or text{_BY_LOSS}", _FOR_NUMBERS
        )


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


def _target(
    kind: Content,
    several: Sequence[TargetValues],
    needs: Requirements,
    class_names: tuple[str, ...] | None,
) -> Target:
    """Returns the target of rows that have one class, labels or numbers each."""
    first, chosen = several[0], needs.data.classes
    if kind in ("classes", "one_hot"):
        kind = "one_hot" if first.columns > 1 else "classes"
    _refuse_words(first, kind)
    if kind == "numbers":
        units = None if needs.loss == traits.SEQUENCES else len(first.names)
        function: OutputFunction = "sigmoid" if needs.from_logits else "none"
        return Target("regression", first.names, "numbers", units=units, activation=function)
    values = first.names
    if kind == "classes":
        single = [target for target in several if target.columns == 1]
        classes, values = named_classes(single, chosen, class_names)
    else:
        classes = chosen or (class_names if kind == "one_hot" else None) or first.names
        _refuse_other_columns(several, classes, one_hot=kind == "one_hot")
    if needs.data.task == "binary" and len(classes) > 2:
        raise DataError(
            f"{first.source}: the target {first.title} has more than two classes",
            expected="two classes: `data.task` is `binary`",
            found=f"{len(classes)}: {listing(map(repr, classes), '', 5)}",
            hint="leave `data.task` out, or write `multiclass`",
        )
    form: TargetForm = "multilabel" if kind == "labels" else _form(len(classes), needs)
    function, probabilities, cut = _reading(form, needs)
    units = None if needs.loss == traits.EMBEDDING else 1 if form == "single" else len(classes)
    return Target(
        task=needs.data.task
        or ("multilabel" if kind == "labels" else "multiclass" if len(classes) > 2 else "binary"),
        names=first.names,
        form=form,
        classes=classes,
        values=values,
        units=units,
        activation=function,
        probabilities=probabilities,
        cut=cut,
    )


def _refuse_words(first: TargetValues, kind: Content) -> None:
    """Refuses text where the task, as stated, asks for numbers or labels."""
    if first.words is None or kind not in ("numbers", "labels"):
        return
    if kind == "numbers":
        positions, texts = first.distinct()
        raise first.wrong(
            first.values >= 0,
            "is not a number",
            "numbers: `data.task` is `regression`",
            "leave `data.task` out: text is a target for classification",
            found=repr(texts[positions[0]]),
        )
    raise DataError(
        f"{first.source}: the target {first.title} has one label for each row",
        expected="several columns of 0 and 1: `data.task` is `multilabel`",
        found="a single column",
        hint="leave `data.task` out, or give a column for each label",
    )


def _refuse_other_columns(
    several: Sequence[TargetValues], classes: tuple[str, ...], *, one_hot: bool
) -> None:
    """Refuses columns that are no class or label each."""
    for target in several if one_hot else ():
        if target.columns > 1 and not target.one_hot:
            raise not_one_hot(target)
    first = several[0]
    if len(classes) != first.columns:
        raise DataError(
            f"{first.source}: `data.classes` does not fit the target",
            expected=f"{first.columns} names, one for each target column",
            found=f"{len(classes)} names",
            hint="name each column once, in the order of the columns",
        )


def _form(classes: int, needs: Requirements) -> TargetForm:
    """Returns how the loss wants the classes.

    Sparse losses take class numbers and categorical ones one-hot rows. Other losses compare output
    by output: two classes fit one unit, anything else is one-hot.
    """
    if needs.loss in traits.TAKES_CLASS_NUMBERS:
        return "labels"
    if needs.loss in traits.TAKES_ONE_HOT or classes != 2:
        return "one_hot"
    one_unit = needs.units == 1 or (needs.units is None and needs.activation != "softmax")
    return "single" if one_unit else "one_hot"


def _reading(form: TargetForm, needs: Requirements) -> tuple[OutputFunction, bool, float]:
    """Returns the function that makes probabilities, whether there are any, and the cut."""
    if needs.loss == traits.EMBEDDING:
        return "none", False, 0.5
    exclusive = form == "labels" or (form == "one_hot" and needs.loss not in traits.TAKES_SHARES)
    if needs.from_logits:
        return ("softmax" if exclusive else "sigmoid"), True, needs.threshold
    if needs.activation == "log_softmax":
        return "softmax", True, needs.threshold
    if needs.activation in traits.PROBABILITIES:
        return "none", True, needs.threshold
    return "none", False, 0.0 if needs.loss in traits.TAKES_SIDES - {traits.PERCEPTRON} else 0.5
