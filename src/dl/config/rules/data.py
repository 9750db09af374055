"""What is certainly wrong in the section `data`, and around the target."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from dl.config.data import (
    BuiltinData,
    CharactersData,
    ColumnForm,
    CsvData,
    Data,
    FilesData,
    KerasData,
    NpzData,
    Split,
    TableFile,
    TextData,
    target_is_input,
    weight_of,
    window_of,
)
from dl.config.rules.facts import LOSS, QUANTILES, Facts, finding, keeps_axes, right_loss
from dl.config.rules.probe import Answer, Form, has_own, targets_of
from dl.config.schema import Training
from dl.config.tables import finite_number
from dl.errors import closest, did_you_mean
from dl.vocabulary import traits
from dl.vocabulary.spec import Finding, Path
from dl.vocabulary.traits import KERAS


def names_are_listed_once(data: Data) -> Iterator[Finding]:
    """No feature, target, class or text for a missing value is written twice."""
    for key in ("path", "header", "features", "exclude", "target", "classes", "missing_values"):
        path: Path = ("data", key)
        values = getattr(data, key, None)
        lists = [(path, values)] if isinstance(values, tuple) else []
        if isinstance(values, dict):
            lists = [((*path, column), texts) for column, texts in values.items()]
        for where, names in lists:
            for index, name in enumerate(names):
                if name in names[:index]:
                    yield finding((*where, index), "names_are_listed_once", name=name)


def classes_are_several(data: Data) -> Iterator[Finding]:
    """A list of classes has two names or more."""
    if data.classes is not None and len(data.classes) < 2:
        yield finding(("data", "classes"), "classes_are_several", count=len(data.classes))


def merged_values_have_one_class(data: Data) -> Iterator[Finding]:
    """Classes made of several values are two or more, of one target, and share no value."""
    made = (data.merge_classes if isinstance(data, TableFile) else None) or {}
    if not made:
        return
    if len(targets_of(data)) > 1:
        yield finding(("data", "merge_classes"), "merged_values_have_one_class.targets")
    if len(made) < 2:
        yield finding(("data", "merge_classes"), "merged_values_have_one_class.one")
    seen: dict[str, str] = {}
    for name, values in made.items():
        for index, value in enumerate(values):
            if value in seen:
                path: Path = ("data", "merge_classes", name, index)
                words = {"value": value, "other": seen[value]}
                yield finding(path, "merged_values_have_one_class.twice", **words)
            seen[value] = name


def target_is_not_a_feature(data: Data) -> Iterator[Finding]:
    """The network must not see what it has to predict."""
    if isinstance(data, TableFile) and data.window is None:  # a window ends before what it asks
        for index, name in enumerate(data.features or ()):
            if name in targets_of(data):
                yield finding(("data", "features", index), "target_is_not_a_feature", name=name)


def excluded_columns_are_not_used(data: Data) -> Iterator[Finding]:
    """A column that is left out is neither an input nor the target."""
    if not isinstance(data, TableFile | BuiltinData):
        return
    for index, name in enumerate(data.exclude or ()):
        used: dict[str, Collection[str] | None] = {
            "target": targets_of(data),
            "features": data.features,
            "columns": data.columns,
        }
        for key, names in used.items():
            if name in (names or ()):
                words = {"name": name, "key": key}
                yield finding(("data", "exclude", index), "excluded_columns_are_not_used", **words)


def columns_are_features(data: Data) -> Iterator[Finding]:
    """Only input columns have a kind in `data.columns`."""
    if not isinstance(data, TableFile | BuiltinData):
        return
    for name, column in (data.columns or {}).items():
        path, remove = ("data", "columns", name), f"remove {name} from data.columns"
        if name in targets_of(data):
            if isinstance(column, str) and window_of(data) is None:  # it is what its task says
                yield finding(path, "columns_are_features.target", hint=remove)
        elif data.features is not None and name not in data.features:
            hint = did_you_mean(closest(name, data.features), remove)
            yield finding(path, "columns_are_features.other", known=data.features, hint=hint)


_PLAIN = ColumnForm(kind="categorical")
"""A form with the defaults of all keys but its kind."""


def forms_fit_kinds(data: Data) -> Iterator[Finding]:
    """Only numbers have decimals and a unit, only dates a format, and all signs differ."""
    if not isinstance(data, TableFile | BuiltinData):
        return
    for name, form in data.forms.items():
        path = ("data", "columns", name)
        of_kind = {"numeric": ("decimal", "thousands", "unit"), "date": ("format",)}
        for kind, keys in of_kind.items():
            for key in keys if form.kind != kind else ():
                if getattr(form, key) != getattr(_PLAIN, key):
                    yield finding((*path, key), "forms_fit_kinds.kind", key=key, kind=kind)
        if form.kind == _PLAIN.kind or (name in targets_of(data) and form.kind != "numeric"):
            yield finding((*path, "kind"), "forms_fit_kinds.target", kind=form.kind)
        if form.thousands == form.point:
            yield finding((*path, "thousands"), "forms_fit_kinds.signs", sign=form.point)
        if form.format is not None and not _is_format(form.format):
            yield finding((*path, "format"), "forms_fit_kinds.format", format=form.format)


def _is_format(form: str) -> bool:
    """Tells whether a text is a format of dates with a year."""
    try:
        day = datetime(2024, 12, 31).strftime(form)
        return datetime.strptime(day, form).year == 2024
    except ValueError:
        return False


def missing_values_are_of_columns(data: Data) -> Iterator[Finding]:
    """Only columns that are read have texts for a missing value in `data.missing_values`."""
    if not isinstance(data, TableFile) or data.features is None:
        return
    known = (*data.features, *targets_of(data), *filter(None, [data.split.rows_by]))
    for name in data.missing_values if isinstance(data.missing_values, dict) else ():
        if name not in known:
            path = ("data", "missing_values", name)
            hint = did_you_mean(closest(name, known), f"remove {name} from it")
            yield finding(path, "missing_values_are_of_columns", known=known, hint=hint)


def text_can_be_read(data: Data) -> Iterator[Finding]:
    """Python knows the encoding of a text file, and the separator is a character apart."""
    if not isinstance(data, CsvData | CharactersData | TextData):
        return
    if isinstance(data, CsvData) and (not data.separator.isascii() or data.separator in '"\r\n'):
        yield finding(("data", "separator"), "text_can_be_read.separator", found=data.separator)
    try:
        b"ab".decode(data.encoding)
    except UnicodeDecodeError:
        pass  # a text encoding, in which this is no text
    except (LookupError, ValueError):
        yield finding(("data", "encoding"), "text_can_be_read.encoding", found=data.encoding)


def arrays_come_in_pairs(data: Data) -> Iterator[Finding]:
    """Inputs of a part need its targets, and the other way round."""
    if not isinstance(data, NpzData):
        return
    for part in ("validation", "test"):
        names = {f"{each}_{part}" for each in "xy"}
        given = {name for name in names if getattr(data.arrays, name) is not None}
        if target_is_input(data):
            if (name := f"y_{part}") in given:
                yield finding(("data", "arrays", name), "arrays_come_in_pairs.inputs", name=name)
            continue
        for one, other in zip(given, names - given, strict=False):
            path = ("data", "arrays", one)
            yield finding(path, "arrays_come_in_pairs", one=one, other=other, part=part)


def files_are_listed(data: Data) -> Iterator[Finding]:
    """A table that lists files has a column of their names and one of targets; nothing else has."""
    if not isinstance(data, FilesData):
        return
    own = data.table is None and target_is_input(data)
    needed = {"column": data.column, "target": None if own else data.target}
    for key, name in {**needed, "ending": data.ending}.items():
        if data.table is None and name is not None:
            yield finding(("data", key), "files_are_listed.alone", key=key)
        elif data.table is not None and name is None and key in needed:
            yield finding(("data", "table"), "files_are_listed.table", key=key)
    if data.column in targets_of(data):
        yield finding(("data", "column"), "files_are_listed.target", name=data.column)


def words_are_of_texts(data: Data) -> Iterator[Finding]:
    """Only a data set of texts has words."""
    if not isinstance(data, KerasData) or KERAS[data.dataset].shape is None:
        return
    for key in ("words", "length"):
        if (value := getattr(data, key)) is not None:
            words = {"key": key, "value": value, "dataset": data.dataset}
            yield finding(("data", key), "words_are_of_texts", **words)


def fractions_leave_rows_to_train(data: Data) -> Iterator[Finding]:
    """The fractions of validation and test are less than all rows."""
    validation = 0.0 if has_own(data, "validation") else data.split.validation_share
    test = 0.0 if has_own(data, "test") else data.split.test
    whole = validation + test
    if whole >= 1 - 1e-9:  # 0.7 + 0.3 is a little less than 1
        words = {"validation": validation, "test": test, "whole": whole}
        yield finding(("data", "split"), "fractions_leave_rows_to_train", **words)


def fold_is_one_of_the_folds(data: Data) -> Iterator[Finding]:
    """A fold is counted from 1 to the number of folds, of rows that have no validation part."""
    split = data.split
    if split.folds is None and split.fold > 1:
        yield finding(("data", "split", "fold"), "fold_is_one_of_the_folds.alone")
    elif split.folds and split.fold > split.folds:
        yield finding(("data", "split", "fold"), "fold_is_one_of_the_folds.other", split=split)
    elif split.folds and has_own(data, "validation"):
        yield finding(("data", "split", "folds"), "fold_is_one_of_the_folds.own")


def split_keys_fit(data: Data) -> Iterator[Finding]:
    """A split goes by one column, of a table in a file; what it says besides fits to that."""
    split, path = data.split, ("data", "split")
    for key in ("by", "column"):
        if (name := getattr(split, key)) is not None:
            if not isinstance(data, TableFile) and getattr(data, "table", None) is None:
                yield finding((*path, key), "split_keys_fit.source", source=data.source)
            elif name in targets_of(data):
                yield finding((*path, key), "split_keys_fit.target", name=name)
    if split.by and split.column:
        yield finding((*path, "column"), "split_keys_fit.both")
    if split.gap is not None and not split.order:
        yield finding((*path, "gap"), "split_keys_fit.gap")
    yield from _in_order(split)
    if split.column is not None:
        yield from _beside_written_parts(data)


def _in_order(split: Split) -> Iterator[Finding]:
    path = ("data", "split")
    if split.order == "time" and not split.by:
        yield finding((*path, "order"), "split_keys_fit.order")
    key = "by" if split.by else "column"
    if split.order == "rows" and split.rows_by:
        yield finding((*path, "order"), "split_keys_fit.rows", by=split.rows_by, key=key)
    if split.stratify and split.order:
        yield finding((*path, "stratify"), "split_keys_fit.in_order")


def _beside_written_parts(data: Data) -> Iterator[Finding]:
    split, path, usual = data.split, ("data", "split"), Split()
    if split.stratify and not split.folds:
        yield finding((*path, "stratify"), "split_keys_fit.as_written")
    for part in ("validation", "test"):
        fraction: float = getattr(split, part)
        if fraction not in (0, getattr(usual, part)):
            words = {"part": part, "fraction": fraction}
            yield finding((*path, part), "split_keys_fit.fraction", **words)
        if getattr(data, f"{part}_path", None) is not None:
            yield finding(("data", f"{part}_path"), "split_keys_fit.path", part=part)


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


def weight_is_apart(data: Data) -> Iterator[Finding]:
    """What a row counts is no input, and not what is to be predicted."""
    name = weight_of(data)
    if isinstance(data, TableFile) and name is not None:
        if name in targets_of(data):
            yield finding(("data", "weight"), "weight_is_apart.target", name=name)
        for index, feature in enumerate(data.features or ()):
            if feature == name:
                yield finding(("data", "features", index), "weight_is_apart.feature", name=name)


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
    loss, source = facts.config.training.loss, _source_of_classes(facts)
    words = {"needed": needed, "units": units, "labels": _in_brackets(facts.labels)}
    words |= {"loss": loss, "source": source, "target": _target(facts.config.data)}
    for_two = loss.type in traits.BINARY or (loss.type in traits.FITTING and units == 1)
    if form == "several" and for_two:
        return finding(LOSS, "units_fit_target.two_classes", **words)
    if quantiles := traits.quantiles_of(loss):
        return finding(path, "units_fit_target.quantiles", quantiles=len(quantiles), **words)
    case: str = "classes" if form in ("two", "several") else form
    if target_is_input(facts.config.data):
        case = "inputs"
    if case == "classes" and units == 1:
        numbers = all(finite_number(label) is not None for label in facts.labels or ())
        case = "classes_of_numbers" if numbers else "classes_from_one"
    elif case == "classes" and units > needed and _by_values(facts):
        case = "classes_in_data"
    return finding(path, f"units_fit_target.{case}", **words)


def _by_values(facts: Facts) -> bool:
    """Tells whether the classes are the values that the data happens to have."""
    return not (facts.config.data.classes or hasattr(facts.config.data, "dataset"))
