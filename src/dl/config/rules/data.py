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
    NiftiData,
    NpzData,
    Split,
    TableFile,
    TextData,
    target_is_input,
    weight_of,
    window_of,
)
from dl.config.rules.facts import Facts, finding, keeps_axes
from dl.config.rules.probe import has_own, targets_of
from dl.config.schema import Model
from dl.errors import closest, did_you_mean
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


def intensity_rises(data: Data) -> Iterator[Finding]:
    """What becomes 0 lies below what becomes 1."""
    limits = data.intensity if isinstance(data, NiftiData) else None
    if limits is not None and limits[0] >= limits[1]:
        yield finding(("data", "intensity"), "intensity_rises", low=limits[0], high=limits[1])


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


def weight_is_apart(data: Data) -> Iterator[Finding]:
    """What a row counts is no input, and not what is to be predicted."""
    name = weight_of(data)
    if isinstance(data, TableFile) and name is not None:
        if name in targets_of(data):
            yield finding(("data", "weight"), "weight_is_apart.target", name=name)
        for index, feature in enumerate(data.features or ()):
            if feature == name:
                yield finding(("data", "features", index), "weight_is_apart.feature", name=name)


def windows_are_in_order(data: Data) -> Iterator[Finding]:
    """Windows that share rows are in one part: parts follow each other, or hold whole series."""
    window, split = window_of(data), data.split
    if window is None or split.order or split.column or (split.by and window.by):
        return
    drawn = {"validation": split.validation_share, "test": split.test}
    parts = tuple(p for p in ("validation", "test") if drawn[p] > 0 and not has_own(data, p))
    if parts:
        how = f"by the groups in {split.by}" if split.by else "by chance"
        yield finding(("data", "split"), "windows_are_in_order", how=how)


def windows_lie_before_the_target(data: Data) -> Iterator[Finding]:
    """What is to be predicted lies ahead; of windows that are given back, nothing does."""
    window = data.window if isinstance(data, TableFile) else None
    if window is None:
        return
    if not target_is_input(data):
        if not window.ahead:
            yield finding(("data", "window", "ahead"), "windows_lie_before_the_target")
        return
    for key in ("ahead", "outputs"):
        if (found := getattr(window, key)) not in (0, 1):
            path = ("data", "window", key)
            yield finding(path, "windows_lie_before_the_target.inputs", key=key, found=found)


def windows_have_columns(data: Data) -> Iterator[Finding]:
    """The series of a row is neither what is predicted nor what orders the rows."""
    window = window_of(data)
    if window is None or window.by is None:
        return
    path = ("data", "window", "by")
    if window.by in targets_of(data):
        yield finding(path, "windows_have_columns.target", name=window.by)
    elif data.split.order and window.by == data.split.by:
        yield finding(path, "windows_have_columns.time", name=window.by)


def windows_are_no_duplicates(data: Data) -> Iterator[Finding]:
    """Windows are not compared across parts."""
    if window_of(data) is not None and data.duplicates.across_parts != "allow":
        path = ("data", "duplicates", "across_parts")
        yield finding(path, "windows_are_no_duplicates", found=data.duplicates.across_parts)


def outputs_fit_windows(data: Data, model: Model, facts: Facts) -> Iterator[Finding]:
    """A network whose outputs have one axis gives one for each step that is asked of it."""
    window, output, targets = window_of(data), facts.output, len(targets_of(data))
    if window is None or output is None or output.units is None or not facts.is_regression:
        return
    steps = len(window.target_rows)
    if steps == 1 or keeps_axes(model) is not False:
        return
    words = {"steps": steps, "units": output.units, "outputs": window.outputs, "targets": targets}
    if targets > 1:
        words["needed"] = steps * targets
        yield finding(output.units_path, "outputs_fit_windows.several", **words)
    elif output.units != steps:
        yield finding(output.units_path, "outputs_fit_windows.one", **words)
