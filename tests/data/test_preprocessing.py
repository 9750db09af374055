"""Learning the preprocessing of columns and applying it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow
import pytest

from dl.config.preprocess import Preprocess
from dl.data.columns import Cell, to_column
from dl.data.features import (
    Feature,
    feature_names,
    plain_feature,
)
from dl.data.fitting import drop_missing, fit_features
from dl.data.transform import UnseenCategories, transform_table
from dl.data.types import RawTable
from dl.rundir.typed import read_as
from support.tables import told


def place(row: int) -> str:
    return f"rows.csv:{row + 2}"


def table(targets: dict[str, list[object]] | None = None, **columns: list[object]) -> RawTable:
    def typed(named: dict[str, list[object]]) -> dict[str, object]:
        return {
            name: to_column(pyarrow.array(values), Cell(name, place), None)
            for name, values in named.items()
        }

    rows = np.arange(len(next(iter(columns.values()))))
    return RawTable(typed(columns), typed(targets or {}), rows, "rows.csv", place)  # type: ignore[arg-type]


def learned(train: RawTable, **preprocess: object) -> list[Feature]:
    """Learns, and passes what was learned through JSON."""
    features = fit_features(train, Preprocess(**preprocess), print)  # type: ignore[arg-type]
    return list(
        read_as(tuple[Feature, ...], json.loads(json.dumps(list(map(plain_feature, features)))))
    )


def applied(rows: RawTable, features: Sequence[Feature]) -> list[list[float]]:
    """Applies without any warning."""
    x, warnings = warned(rows, features)
    assert warnings == []
    return x


def warned(rows: RawTable, features: Sequence[Feature]) -> tuple[list[list[float]], list[str]]:
    """Applies, and returns the numbers and the warnings."""
    unseen = UnseenCategories()
    x = transform_table(rows, features, unseen)
    assert x.dtype == np.float32
    return x.tolist(), list(unseen.messages("test"))


def test_standardize_by_the_training_rows() -> None:
    features = learned(table(x=[1.0, 3.0]))
    assert applied(table(x=[1.0, 2.0, 5.0]), features) == [[-1], [0], [3]]


def test_minmax() -> None:
    features = learned(table(x=[1.0, 3.0]), numeric="minmax")
    assert applied(table(x=[1.0, 2.0, 5.0]), features) == [[0], [0.5], [2]]


def test_no_scaling() -> None:
    assert applied(table(x=[7.0]), learned(table(x=[1.0, 3.0]), numeric="none")) == [[7]]


@pytest.mark.parametrize("numeric", ["standardize", "minmax"])
def test_constant_column_is_zero(numeric: str) -> None:
    train = table(x=[0.1, 0.1, 0.1])
    assert np.abs(applied(train, learned(train, numeric=numeric))).max() < 1e-6


def test_one_hot() -> None:
    train = table(color=["red", "blue", "red"])
    features = learned(train)
    assert feature_names(features) == ("color=blue", "color=red")
    assert applied(train, features) == [[0, 1], [1, 0], [0, 1]]


def test_ordinal() -> None:
    train = table(color=["red", "blue", "red"])
    features = learned(train, categorical="ordinal")
    assert feature_names(features) == ("color",)
    assert applied(train, features) == [[1], [0], [1]]


def test_categories_are_those_of_the_training_rows() -> None:
    rows = table(color=["red", "blue", "green"])
    features = learned(rows.take(np.array([0, 1])))
    assert feature_names(features) == ("color=blue", "color=red")


@pytest.mark.parametrize(("encoding", "row"), [("one_hot", [0, 0]), ("ordinal", [-1])])
def test_unseen_category_warns(encoding: str, row: list[float]) -> None:
    features = learned(table(color=["red", "blue"]), categorical=encoding)
    x, warnings = warned(table(color=["red", "green"]), features)
    assert x[1] == row
    as_what = "-1" if encoding == "ordinal" else "zeros"
    assert warnings == [
        "rows.csv:3: column 'color': 1 row has a category that is not in the training part, "
        f"such as 'green'; encoded as {as_what}"
    ]


def test_unseen_categories_of_several_columns_are_one_warning() -> None:
    names = [f"c{place}" for place in range(8)]
    features = learned(table(**{name: ["red", "blue"] for name in names}))
    new = {name: ["red", "green", "pink"] for name in names[:2]}
    _, warnings = warned(table(**{name: ["red"] * 3 for name in names} | new), features)
    assert warnings == [
        "test: 2 columns have categories that are not in the training part, encoded as zeros: "
        "c0 2 rows (such as 'green', rows.csv:3), c1 2 rows (such as 'green', rows.csv:3)"
    ]
    _, [warning] = warned(table(**{name: ["pink"] for name in names}), features)
    assert warning.endswith("c5 1 row (such as 'pink', rows.csv:2) and 2 more")


def test_unseen_category_is_an_error_if_asked_for() -> None:
    features = learned(table(color=["red", "blue"]), unseen="error")
    assert told(lambda: applied(table(color=["red", "green"]), features)) == (
        "rows.csv:3: column 'color' has a category that is not in the training part\n"
        "expected: 'blue', 'red'\n"
        "found: 'green'\n"
        "hint: correct it, or train with `preprocess.unseen: zeros`"
    )


@pytest.mark.parametrize(
    ("missing", "fill"), [("mean", 3.0), ("median", 2.0), ("most_frequent", 1.0), ("drop", 2.0)]
)
def test_missing_numbers_are_filled(missing: str, fill: float) -> None:
    train = table(x=[1.0, 1.0, 2.0, 3.0, 8.0, None])
    features = learned(train, missing=missing, numeric="none")
    assert applied(table(x=[None, 4.0]), features) == [[fill], [4]]


def test_missing_category_is_filled_by_the_most_frequent() -> None:
    features = learned(table(color=["red", "blue", "red", None]), missing="mean")
    assert applied(table(color=[None, "blue"]), features) == [[0, 1], [1, 0]]


def test_missing_date_is_filled_by_the_median() -> None:
    train = table(day=["2024-01-01", "2024-01-03", "2024-01-20", None])
    features = learned(train, missing="median", numeric="none")
    assert applied(table(day=[None, "2024-01-03"]), features)[0] == [2024, 1, 3, 3, 3]


def test_missing_value_at_prediction_is_an_error_without_a_fill() -> None:
    features = learned(table(x=[1.0, 2.0]))
    assert told(lambda: applied(table(x=[1.0, None]), features)) == (
        "rows.csv:3: column 'x' has no value\n"
        "found: 1 row without it\n"
        "hint: fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop"
    )


def test_parts_of_dates() -> None:
    train = table(day=["2024-02-29", "1969-12-31"])
    features = learned(train, numeric="none")
    names = ("day.year", "day.month", "day.day", "day.weekday", "day.day_of_year")
    assert feature_names(features) == names
    assert applied(train, features) == [[2024, 2, 29, 4, 60], [1969, 12, 31, 3, 365]]


def test_parts_of_dates_with_times() -> None:
    train = table(day=["2024-02-29 13:45", "1969-12-31 23:59:59"])
    features = learned(train, numeric="none")
    assert feature_names(features)[5:] == ("day.hour", "day.minute")
    assert [row[5:] for row in applied(train, features)] == [[13, 45], [23, 59]]


def test_dates_are_left_out() -> None:
    train = table(x=[1.0, 3.0], day=["2024-02-29", None])
    assert applied(train, learned(train, dates="drop")) == [[-1], [1]]


def test_nothing_but_dates_left_out() -> None:
    train = table(day=["2024-02-29"])
    assert told(lambda: learned(train, dates="drop")) == (
        "rows.csv: no input column is left\nhint: all are dates: write `preprocess.dates: parts`"
    )


def test_value_too_large_when_scaled() -> None:
    features = learned(table(x=[0.0, 1e-30]))
    assert told(lambda: applied(table(x=[0.0, 1e30]), features)) == (
        "rows.csv:3: column 'x' is too large when it is scaled\n"
        "found: 1e+30\n"
        "hint: correct the value; it is far from all those of the training part"
    )


def test_dropping_rows_with_missing_inputs_or_targets() -> None:
    rows = table({"y": [1, 2, None, 4]}, x=[1.0, None, 3.0, 4.0])
    told_of: list[str] = []
    assert drop_missing(
        rows, Preprocess(missing="drop"), "error", told_of.append
    ).rows.tolist() == [0, 3]
    assert drop_missing(
        rows, Preprocess(missing="median"), "drop", told_of.append
    ).rows.tolist() == [0, 1, 3]
    assert told_of == [
        "rows.csv: 2 of 4 rows left out: lack a value",
        "rows.csv: 1 of 4 rows left out: lacks a target",
    ]


def test_columns_are_matched_by_name() -> None:
    train = table(x=[1.0, 3.0], z=[10.0, 30.0])
    other = table(unknown=[0.0], z=[20.0], x=[3.0])
    assert applied(other, learned(train)) == [[1, 0]]


def test_more_columns_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dl.data.storage.available_memory", lambda: 8)
    train = table(color=["red", "blue"])
    assert told(lambda: applied(train, learned(train))) == (
        "rows.csv: does not fit in the memory as numbers\n"
        "expected: at most 0.0 GiB\n"
        "found: 0.0 GiB, 2 rows of 2 columns\n"
        "hint: leave columns of many categories out with `data.exclude`, or write "
        "`preprocess.categorical: ordinal`"
    )
