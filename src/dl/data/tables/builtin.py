"""scikit-learn's data sets as tables: they lie in its package, nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from dl.config.sections.data import BuiltinData
from dl.data.fingerprint import fingerprint_arrays
from dl.data.raw import Column, RawParts, RawTable
from dl.data.tables.select import require
from dl.data.types import Array
from dl.errors import DataError
from dl.vocabulary.data_sets import BUILTIN


def read_builtin(data: BuiltinData) -> RawParts:
    """Reads a data set; its class names, where it has some, are in scikit-learn's order.

    Raises:
        DataError: `features` or `columns` names a column that the data set does not have.
    """
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{data.dataset}")()
    names = [str(name) for name in bunch.feature_names]
    for wanted in (data.features, data.columns):
        require(data.dataset, wanted or (), names, "column")
    columns = {
        name: _feature(data, name, bunch.data[:, names.index(name)])
        for name in data.features or names
    }
    classes = _class_names(bunch)
    return RawParts(
        train=RawTable(
            columns=columns,
            targets={BUILTIN[data.dataset].target: _target(bunch.target, classes)},
            rows=np.arange(len(bunch.target), dtype=np.int64),
            source=data.dataset,
            place=lambda row: f"{data.dataset}: row {row + 1}",
        ),
        class_names=classes,
        fingerprint=fingerprint_arrays([bunch.data, bunch.target]),
    )


def _feature(data: BuiltinData, name: str, values: Array) -> Column:
    kind = (data.columns or {}).get(name, "numeric")
    numbers = values.astype(np.float64)
    if kind == "numeric":
        return Column("numeric", numbers)
    if kind == "date":
        raise DataError(f"{data.dataset}: column {name!r} holds numbers, not dates")
    distinct, codes = np.unique(numbers, return_inverse=True)
    texts = [f"{value:g}" for value in distinct]
    names = sorted(texts)
    order = np.array([names.index(text) for text in texts], dtype=np.int32)
    return Column("categorical", order[codes], tuple(names))


def _class_names(bunch: Any) -> tuple[str, ...] | None:
    names = getattr(bunch, "target_names", None)
    return None if names is None else tuple(str(name) for name in names)


def _target(values: Array, classes: tuple[str, ...] | None) -> Column:
    """Returns the target; classes are numbers, which `RawParts.class_names` names."""
    return Column("numeric", values.astype(np.float64), integral=classes is not None)
