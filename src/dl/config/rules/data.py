"""What is certainly wrong in the sections `data` and `preprocess`, and around the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dl.config.data import (
    BuiltinData,
    CsvData,
    Data,
    NpzData,
    ParquetData,
)
from dl.config.rules.facts import LOSS, Facts, right_loss, spoken
from dl.config.rules.probe import Answer, has_own, targets_of
from dl.config.schema import Preprocess, Training
from dl.errors import closest
from dl.text import listing
from dl.vocabulary.spec import Finding, Path
from dl.vocabulary.traits import (
    BINARY,
    CLASSIFICATION,
    CROSS_ENTROPIES,
    FITTING,
    HINGES,
    ONE_HOT,
    PERCEPTRON,
    REGRESSION,
    SPARSE,
    TAKES_ONE_HOT,
    UNBOUNDED,
)


def names_are_listed_once(data: Data) -> Iterator[Finding]:
    """No feature, target, class or text for a missing value is written twice."""
    for key in ("features", "target", "classes", "missing_values"):
        values = getattr(data, key, None)
        if isinstance(values, tuple):
            yield from _repeated(("data", key), values)
        elif isinstance(values, dict):
            for name, texts in values.items():
                yield from _repeated(("data", key, name), texts)


def _repeated(path: Path, values: Sequence[str]) -> Iterator[Finding]:
    for index, value in enumerate(values):
        if value in values[:index]:
            message, hint = f"is listed twice: {value}", "remove one of them"
            yield Finding((*path, index), message, expected="each name once", hint=hint)


def classes_are_several(data: Data) -> Iterator[Finding]:
    """A list of classes has two names or more."""
    if data.classes is not None and len(data.classes) < 2:
        yield Finding(
            ("data", "classes"),
            "names fewer than two classes",
            expected="two names or more",
            found=str(len(data.classes)),
            hint="name every class, or leave classes out",
        )


def target_is_not_a_feature(data: Data) -> Iterator[Finding]:
    """The network must not see what it has to predict."""
    if not isinstance(data, CsvData | ParquetData):
        return
    for index, feature in enumerate(data.features or ()):
        if feature in targets_of(data):
            yield Finding(
                ("data", "features", index),
                f"is the target: the network would see what it has to predict ({feature})",
                expected="columns other than the target",
                hint=f"remove {feature} from data.features",
            )


def columns_are_features(data: Data) -> Iterator[Finding]:
    """Only input columns have a kind in `data.columns`."""
    if not isinstance(data, CsvData | ParquetData | BuiltinData):
        return
    for column in data.columns or ():
        if column in targets_of(data):
            message, near = "is the target, not an input column", None
        elif data.features is not None and column not in data.features:
            message, near = "is not one of data.features", closest(column, data.features)
        else:
            continue
        known = f"one of {listing(data.features, '', 12)}" if data.features else "an input column"
        hint = f"did you mean {near}?" if near else f"remove {column} from data.columns"
        yield Finding(("data", "columns", column), message, known, hint=hint, at_key=True)


def missing_values_are_of_columns(data: Data) -> Iterator[Finding]:
    """Only columns that are read have texts for a missing value in `data.missing_values`."""
    if not isinstance(data, CsvData | ParquetData) or data.features is None:
        return
    known = (*data.features, *targets_of(data))
    for column in data.missing_values if isinstance(data.missing_values, dict) else ():
        if column not in known:
            near = closest(column, known)
            yield Finding(
                ("data", "missing_values", column),
                "is neither one of data.features nor the target",
                expected=f"one of {listing(known, '', 12)}",
                hint=f"did you mean {near}?" if near else f"remove {column} from it",
                at_key=True,
            )


def arrays_come_in_pairs(data: Data) -> Iterator[Finding]:
    """Inputs of a part need its targets, and the other way round."""
    if not isinstance(data, NpzData):
        return
    for part in ("validation", "test"):
        x, y = getattr(data.arrays, f"x_{part}"), getattr(data.arrays, f"y_{part}")
        if (x is None) != (y is None):
            given, missing = ("x", "y") if y is None else ("y", "x")
            yield Finding(
                ("data", "arrays", f"{given}_{part}"),
                f"needs {missing}_{part} beside it",
                expected=f"both x_{part} and y_{part}",
                found=f"only {given}_{part}",
                at_key=True,
            )


def shares_leave_rows_to_train(data: Data) -> Iterator[Finding]:
    """The shares of validation and test are less than all rows."""
    validation = 0.0 if has_own(data, "validation") else data.split.validation_share
    test = 0.0 if has_own(data, "test") else data.split.test
    if validation + test >= 1 - 1e-9:
        yield Finding(
            ("data", "split"),
            "leaves no rows for training",
            expected="validation + test less than 1",
            found=f"{validation:g} + {test:g} = {validation + test:g}",
        )


def fold_is_one_of_the_folds(data: Data) -> Iterator[Finding]:
    """A fold is counted from 1 to the number of folds, of rows that have no validation part."""
    path, split = ("data", "split"), data.split
    if split.folds is None:
        if split.fold > 1:
            yield Finding((*path, "fold"), "needs data.split.folds beside it")
    elif split.fold > split.folds:
        yield Finding((*path, "fold"), "is not a fold", f"1 to {split.folds}", str(split.fold))
    elif has_own(data, "validation"):
        message = "cannot be used: the data has validation rows of its own"
        yield Finding((*path, "folds"), message)


def stratify_needs_classes(data: Data, facts: Facts) -> Iterator[Finding]:
    """A split can keep the shares of classes only where a row has a single class."""
    reason = _without_class(facts)
    if data.split.stratify and reason:
        yield Finding(
            ("data", "split", "stratify"),
            f"keeps the shares of classes, but {reason}",
            expected="false, or a target with classes",
            found="true",
            hint="remove stratify",
        )


def _without_class(facts: Facts) -> str:
    """Returns why rows have no single class; empty if they have, or if it is not known."""
    if facts.is_regression:
        return "the target is a number (regression)"
    if facts.probe.answer and facts.probe.answer.places:
        return "a row has a class at each of several places"
    return "a row has several labels" if facts.task == "multilabel" else ""


def class_weight_names_classes(training: Training, facts: Facts) -> Iterator[Finding]:
    """`class_weight` belongs to classification, and its keys are classes."""
    path, weights = ("training", "class_weight"), training.class_weight
    if weights is None:
        return
    if facts.is_regression or facts.task == "multilabel":
        yield Finding(
            path,
            f"weighs classes, but {_without_class(facts)}",
            expected="a target of classes",
            found=f"loss: {spoken(training.loss)}",
            hint="remove class_weight",
        )
        return
    known = facts.labels
    for key in weights if known and isinstance(weights, dict) else ():
        if known and key not in known:
            near = closest(key, known)
            yield Finding(
                (*path, key),
                f"is not a class of {_source_of_classes(facts)}",
                expected=f"one of {listing(known, '', 10)}",
                found=key,
                hint=f"did you mean {near}?" if near else "name the classes as the data does",
                at_key=True,
            )


def target_is_not_scaled_for_classes(preprocess: Preprocess, facts: Facts) -> Iterator[Finding]:
    """Only a regression target can be scaled."""
    task, loss = facts.task, facts.loss
    by_loss = task is None and loss is not None and loss.type in CLASSIFICATION
    if preprocess.target == "none" or not (by_loss or task not in (None, "regression")):
        return
    reason = f"the loss is {spoken(loss)}" if loss and by_loss else f"the task is {task}"
    stated = facts.data is not None and facts.data.task is not None
    yield Finding(
        ("preprocess", "target"),
        f"scales numbers, but the target holds classes: {reason}",
        expected="none",
        found=repr(preprocess.target),
        hint=f"remove it{'' if by_loss or stated else ', or write data.task: regression'}",
    )


def target_range_is_used(preprocess: Preprocess) -> Iterator[Finding]:
    """A range of the target is in rising order, and something scales by it."""
    path: Path = ("preprocess", "target_range")
    if preprocess.target_range is None:
        return
    low, high = preprocess.target_range
    if low >= high:
        expected = "the least possible value, then the greatest"
        yield Finding(path, "must be in rising order", expected, f"[{low:g}, {high:g}]")
    if preprocess.target not in ("minmax", "minmax_signed"):
        yield Finding(
            path,
            "is not used: the target is not scaled by its range",
            expected="preprocess.target: minmax (to 0..1) or minmax_signed (to -1..1)",
            found=f"target: {preprocess.target}",
            hint="write target: minmax_signed for a tanh output, or remove target_range",
            at_key=True,
        )


def task_fits_loss(data: Data, training: Training, facts: Facts) -> Iterator[Finding]:
    """A task that the config states agrees with the loss."""
    task, loss = data.task, training.loss
    units = facts.output.units if facts.output else None
    # Binary losses compare several shares of 1, too, and the divergence compares distributions.
    of_numbers = {"KLDivergence"} | (BINARY if facts.probe.columns != 1 else set())
    wrong, right = {
        "regression": (CLASSIFICATION - of_numbers, "mean_squared_error"),
        "multiclass": (BINARY if units == 1 else frozenset(), right_loss(None)),
        "multilabel": (SPARSE | ONE_HOT | FITTING, "binary_crossentropy"),
    }.get(task or "", (frozenset(), ""))
    if loss.type in wrong:
        message, expected = f"does not fit data.task: {task}", f"a loss for {task}, such as {right}"
        yield Finding(LOSS, message, expected, found=spoken(loss))


def target_fits_loss(data: Data, training: Training, facts: Facts) -> Iterator[Finding]:
    """Text needs a loss for classes, numbers need a loss for regression."""
    if facts.task is not None:
        return
    loss, seen = training.loss, facts.probe
    column = _title(data)
    if seen.target == "numbers" and loss.type in CROSS_ENTROPIES:
        yield Finding(
            LOSS,
            f"needs classes, but {column} holds numbers",
            expected="a loss for regression",
            found=spoken(loss),
            hint="use loss: mean_squared_error with a Dense output of one unit and no activation",
        )
    unbounded = facts.output is not None and facts.output.activation in UNBOUNDED
    if seen.target == "text" and loss.type in REGRESSION and unbounded:
        yield Finding(
            LOSS,
            f"needs numbers, but {column} holds text{_in_brackets(facts.labels)}",
            expected="a loss for classification",
            found=spoken(loss),
            hint=f"use loss: {right_loss(seen.classes)}",
        )


def _title(data: Data | None) -> str:
    names = targets_of(data) if data is not None else ()
    return f"the target `{names[0]}`" if len(names) == 1 else "the target"


def _source_of_classes(facts: Facts) -> str:
    if facts.data is not None and facts.data.classes is not None:
        return "data.classes"
    names = targets_of(facts.data) if facts.data is not None else ()
    return f"the column `{names[0]}`" if len(names) == 1 else "the data"


def _in_brackets(labels: Sequence[str] | None) -> str:
    """Returns a few known classes in brackets with a space before, or nothing."""
    if not labels or len(labels) > 10:
        return ""
    return f" ({', '.join(label[:30] for label in labels)})"


def answer_of(facts: Facts) -> Answer | None:
    """Returns what is to be answered: for certain when the data was read, else what follows from
    the config and a look at the data; None where only the data can tell.
    """
    if facts.probe.answer is not None or facts.data is None or facts.training is None:
        return facts.probe.answer
    columns, units = facts.probe.columns, facts.output.units if facts.output else None
    if columns is not None and columns > 1 and facts.axes:
        # The columns are steps, each with outputs of its own.
        many = not facts.is_regression and facts.training.loss.type in SPARSE | TAKES_ONE_HOT
        return _among(units, None) if many else None
    if facts.is_regression:
        count = columns or units
        if count is None or (facts.task is None and facts.training.loss.type in CROSS_ENTROPIES):
            return None  # of the latter, `target_fits_loss` tells
        return Answer("number" if count == 1 else "numbers", count, columns)
    if facts.task == "multilabel":
        return Answer("labels", facts.several or units, facts.several)
    if facts.probe.target == "numbers":
        return None
    return _of_classes(facts.training.loss.type, facts, units)


def _of_classes(loss: str, facts: Facts, units: int | None) -> Answer | None:
    columns, classes = facts.probe.columns, facts.classes
    softmax = facts.output is not None and facts.output.activation == "softmax"
    fitted = loss in FITTING and (units or 0) > 1 and (softmax or columns == 1)
    if loss in SPARSE | TAKES_ONE_HOT or fitted:
        known = facts.several or classes
        return _among(known or units, known)
    if loss not in BINARY | FITTING | HINGES | {PERCEPTRON} or (softmax and loss in BINARY):
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
    answer, output, loss = answer_of(facts), facts.output, training.loss
    if answer is None or output is None or answer.units is None:
        return
    if output.units in (None, answer.units):
        return
    if output.units == 1 and loss.type in SPARSE | ONE_HOT:
        return  # `activation_fits_loss` tells it
    needed, names = answer.units, _in_brackets(facts.labels)
    if answer.form == "several" and (
        loss.type in BINARY or (loss.type in FITTING and output.units == 1)
    ):
        yield Finding(
            LOSS,
            f"is for two classes, but {_source_of_classes(facts)} has {needed}",
            expected=f"a loss for {needed} classes{names}",
            found=f"{spoken(loss)} with units: {output.units}",
            hint="use loss: sparse_categorical_crossentropy with a softmax output of "
            f"{needed} units",
        )
        return
    if answer.form in ("number", "numbers") and answer.places:
        return  # the last axis may be that of the units; the built model shows it
    reason = {
        "one": f"which tells the two classes apart{names}",
        "labels": f"one for each label{names}",
        "number": f"one for {_title(facts.data)}",
        "numbers": f"one for each of {needed} targets",
    }.get(answer.form, f"one for each class of {_source_of_classes(facts)}{names}")
    yield Finding(
        output.units_path,
        "is not the number of outputs that the target needs",
        expected=f"{needed}, {reason}",
        found=str(output.units),
        hint=f"write units: {needed}{_also(facts, answer, output.units or 0)}",
    )


def _also(facts: Facts, answer: Answer, units: int) -> str:
    """Returns what else to write beside the number of outputs."""
    if answer.form not in ("two", "several"):
        return ""
    if units == 1:
        return (
            " with activation: softmax and loss: sparse_categorical_crossentropy; to predict the "
            "number itself, use loss: mean_squared_error and a linear output"
        )
    stated = facts.data is None or facts.data.classes or hasattr(facts.data, "dataset")
    if stated or units < (answer.units or 0):
        return ""
    return "; if the data lacks some classes, name them all in data.classes"
