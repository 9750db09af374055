"""Rules on the section `data`: columns, classes and shares of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dl.config.rules.partial import Facts
from dl.config.sections.data import (
    BuiltinData,
    CsvData,
    Data,
    ImagesData,
    KerasData,
    NpzData,
    ParquetData,
)
from dl.errors import closest
from dl.text import listing
from dl.vocabulary.spec import Finding, Path


def names_are_listed_once(facts: Facts) -> Iterator[Finding]:
    """No feature, target, class or text for a missing value is written twice."""
    for key in ("features", "target", "classes", "missing_values"):
        values = getattr(facts.data, key, None)
        if isinstance(values, tuple):
            yield from _repeated(("data", key), values)
        elif isinstance(values, dict):
            for name, texts in values.items():
                yield from _repeated(("data", key, name), texts)


def classes_are_several(facts: Facts) -> Iterator[Finding]:
    """A list of classes has two names or more."""
    if facts.data is not None and facts.data.classes is not None and len(facts.data.classes) < 2:
        yield Finding(
            ("data", "classes"),
            "names fewer than two classes",
            expected="two names or more",
            found=str(len(facts.data.classes)),
            hint="name every class, or leave classes out",
        )


def _repeated(path: Path, values: Sequence[str]) -> Iterator[Finding]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield Finding(
                (*path, index),
                f"is listed twice: {value}",
                expected="each name once",
                hint="remove one of them",
            )


def target_is_no_feature(facts: Facts) -> Iterator[Finding]:
    """The network must not see what it has to predict."""
    data = facts.data
    if not isinstance(data, CsvData | ParquetData):
        return
    targets = (data.target,) if isinstance(data.target, str) else data.target
    for index, feature in enumerate(data.features or ()):
        if feature in targets:
            yield Finding(
                ("data", "features", index),
                f"is the target: the network would see what it has to predict ({feature})",
                expected="columns other than the target",
                hint=f"remove {feature} from data.features",
            )


def columns_are_features(facts: Facts) -> Iterator[Finding]:
    """Only input columns have a kind in `data.columns`."""
    data = facts.data
    if not isinstance(data, CsvData | ParquetData | BuiltinData) or data.columns is None:
        return
    targets = _targets(data)
    for column in data.columns:
        if column in targets:
            message, near = "is the target, not an input column", None
        elif data.features is not None and column not in data.features:
            message, near = "is not one of data.features", closest(column, data.features)
        else:
            continue
        yield Finding(
            ("data", "columns", column),
            message,
            expected=f"one of {listing(data.features, '', 12)}"
            if data.features
            else "an input column",
            hint=f"did you mean {near}?" if near else f"remove {column} from data.columns",
            at_key=True,
        )


def missing_values_are_of_columns(facts: Facts) -> Iterator[Finding]:
    """Only columns that are read have texts for a missing value in `data.missing_values`."""
    data = facts.data
    if not isinstance(data, CsvData | ParquetData) or data.features is None:
        return
    known = (*data.features, *_targets(data))
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


def _targets(data: Data) -> tuple[str, ...]:
    target = getattr(data, "target", ())
    return (target,) if isinstance(target, str) else tuple(target)


def shares_leave_rows_to_train(facts: Facts) -> Iterator[Finding]:
    """The shares of validation and test are less than all rows."""
    if facts.data is None:
        return
    split = facts.data.split
    validation = 0.0 if _has_own(facts.data, "validation") else split.validation_share
    test = 0.0 if _has_own(facts.data, "test") else split.test
    if validation + test >= 1 - 1e-9:
        yield Finding(
            ("data", "split"),
            "leaves no rows for training",
            expected="validation + test less than 1",
            found=f"{validation:g} + {test:g} = {validation + test:g}",
        )


def fold_is_one_of_the_folds(facts: Facts) -> Iterator[Finding]:
    """A fold is counted from 1 to the number of folds, of rows that have no validation part."""
    if facts.data is None:
        return
    split = facts.data.split
    if split.folds is None:
        if split.fold > 1:
            yield Finding(("data", "split", "fold"), "needs data.split.folds beside it")
    elif split.fold > split.folds:
        expected = f"1 to {split.folds}"
        found = str(split.fold)
        yield Finding(("data", "split", "fold"), "is not a fold", expected, found)
    elif _has_own(facts.data, "validation"):
        yield Finding(
            ("data", "split", "folds"), "cannot be used: the data has validation rows of its own"
        )


def _has_own(data: Data, part: str) -> bool:
    if isinstance(data, CsvData | ParquetData | ImagesData):
        return getattr(data, f"{part}_path") is not None
    if isinstance(data, NpzData):
        return getattr(data.arrays, f"x_{part}") is not None
    return isinstance(data, KerasData) and part == "test"


def arrays_come_in_pairs(facts: Facts) -> Iterator[Finding]:
    """Inputs of a part need its targets, and the other way round."""
    if not isinstance(facts.data, NpzData):
        return
    arrays = facts.data.arrays
    for part in ("validation", "test"):
        x, y = getattr(arrays, f"x_{part}"), getattr(arrays, f"y_{part}")
        if (x is None) != (y is None):
            given, missing = ("x", "y") if y is None else ("y", "x")
            yield Finding(
                ("data", "arrays", f"{given}_{part}"),
                f"needs {missing}_{part} beside it",
                expected=f"both x_{part} and y_{part}",
                found=f"only {given}_{part}",
                at_key=True,
            )
