"""scikit-learn's data sets as tables: they lie in its package, nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow

from dl.config.data import BuiltinData
from dl.data.columns import Cell, to_column
from dl.data.files import fingerprint_arrays
from dl.data.raw import Column, RawParts, RawTable
from dl.data.tables import require
from dl.vocabulary.data_sets import BUILTIN


def read_builtin(data: BuiltinData) -> RawParts:
    """Reads a data set; its class names, where it has some, are in scikit-learn's order.

    Raises:
        DataError: `features` or `columns` names a column that the data set does not have, or a
            column of numbers is to hold dates.
    """
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{data.dataset}")()
    names = [str(name) for name in bunch.feature_names]
    for wanted in (data.features, data.columns):
        require(data.dataset, wanted or (), names, "column")

    def place(row: int) -> str:
        return f"{data.dataset}: row {row + 1}"

    def column(name: str) -> Column:
        numbers = bunch.data[:, names.index(name)].astype(np.float64)
        kind = (data.columns or {}).get(name, "numeric")
        written = numbers if kind == "numeric" else [f"{number:g}" for number in numbers]
        return to_column(pyarrow.array(written), Cell(name, place), kind)

    # Classes are numbers, which `class_names` names.
    classes = getattr(bunch, "target_names", None)
    target = Column("numeric", bunch.target.astype(np.float64), integral=classes is not None)
    return RawParts(
        train=RawTable(
            columns={name: column(name) for name in data.features or names},
            targets={BUILTIN[data.dataset].target: target},
            rows=np.arange(len(bunch.target), dtype=np.int64),
            source=data.dataset,
            place=place,
        ),
        class_names=None if classes is None else tuple(map(str, classes)),
        fingerprint=fingerprint_arrays([bunch.data, bunch.target]),
    )
