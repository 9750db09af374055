"""How many rows, columns and rows of each class the data has, where a cheap look tells."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dl.config.peek import column_titles, column_values, is_cheap
from dl.config.rules.monitors import has_validation
from dl.config.sections.data import BuiltinData, CsvData, Data, KerasData, SyntheticData
from dl.vocabulary.data_sets import BUILTIN, KERAS, SYNTHETIC


@dataclass(frozen=True, slots=True)
class Counts:
    """Sizes of the data; None, or empty, where they are not cheaply known.

    Attributes:
        training: About how many rows are trained on.
        classes: Rows of each value of the target, where the target is a column of a CSV file.
        inputs: The least number of inputs, where the rows are those of a CSV file: a category makes
            several of one column.
    """

    training: int | None = None
    classes: Mapping[str, int] = field(default_factory=dict)
    inputs: int | None = None


def counts_of(data: Data) -> Counts:
    """Returns the sizes of the data; its paths must be absolute."""
    if isinstance(data, CsvData):
        return _csv(data)
    if isinstance(data, BuiltinData):
        return Counts(_training(data, BUILTIN[data.dataset].rows, has_test=False))
    if isinstance(data, KerasData):
        return Counts(_training(data, KERAS[data.dataset].rows, has_test=True))
    if isinstance(data, SyntheticData):
        known = SYNTHETIC[data.dataset].rows
        rows = data.rows or known
        whole = known == SYNTHETIC["and"].rows
        return Counts(rows if whole else _training(data, rows, has_test=False))
    return Counts()


def _csv(data: CsvData) -> Counts:
    target = data.target if isinstance(data.target, str) else data.target[0]
    path = Path(data.path)
    try:
        if not is_cheap(path):
            return Counts()
        values = Counter(column_values(data, path, target))
        titles = column_titles(data, path)
    except (OSError, ValueError, LookupError, TypeError, csv.Error):
        return Counts()
    rows = _training(data, values.total(), has_test=data.test_path is not None)
    targets = 1 if isinstance(data.target, str) else len(data.target)
    inputs = len(titles) - targets if data.features is None else len(data.features)
    return Counts(rows, values if targets == 1 else {}, inputs)


def _training(data: Data, rows: int, *, has_test: bool) -> int:
    """Returns the rows that are left when the other parts have taken their shares."""
    apart = getattr(data, "validation_path", None) is not None
    validation = 0.0 if apart or not has_validation(data) else data.split.validation_share
    test = 0.0 if has_test else data.split.test
    return max(1, round(rows * (1 - validation - test)))
