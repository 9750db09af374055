"""Columns that are prepared by rules of their own, checked against scikit-learn."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from sklearn.feature_extraction import FeatureHasher
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from dl.config.data import Split
from dl.config.nodes import dotted
from dl.config.preprocess import Preprocess
from dl.config.schema import Config
from dl.data.columns import Cell, to_column
from dl.data.dataset import Preprocessing
from dl.data.features import Feature, feature_names, hashed, plain_feature
from dl.data.fitting import drop_missing, fit_features
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset, load_part
from dl.data.target import Target
from dl.data.transform import UnseenCategories, original_columns, transform_table
from dl.data.types import Array, RawTable
from dl.progress import SilentReporter
from dl.rundir.typed import MisfitError, read_as
from dl.vocabulary.sections import read_section
from dl.vocabulary.spec import Findings
from support.streaming import assert_same, both, tiny_budget
from support.tables import config_with, told

RANDOM = np.random.default_rng(0)
SKEWED = np.round(RANDOM.exponential(50, 301), 1)
TIED = np.concatenate([np.zeros(80), SKEWED[:100], np.full(40, SKEWED.max())])


def table(**columns: object) -> RawTable:
    typed = {
        name: to_column(pyarrow.array(values), Cell(name, place), None)
        for name, values in columns.items()
    }
    rows = np.arange(len(next(iter(typed.values())).values))
    return RawTable(typed, {}, rows, "rows.csv", place)


def place(row: int) -> str:
    return f"rows.csv:{row + 2}"


def learned(train: RawTable, notes: list[str] | None = None, **rules: object) -> list[Feature]:
    """Learns, and passes what was learned through JSON."""
    tell = (lambda note: None) if notes is None else notes.append
    preprocess = read_section(Preprocess, rules)
    plain = [plain_feature(item) for item in fit_features(train, preprocess, tell)]
    return list(read_as(tuple[Feature, ...], json.loads(json.dumps(plain))))


def applied(rows: RawTable, features: list[Feature]) -> Array:
    """Applies without any warning."""
    unseen = UnseenCategories()
    x = transform_table(rows, features, unseen)
    assert list(unseen.messages("test")) == []
    return x


@pytest.mark.parametrize("values", [SKEWED, TIED], ids=["skewed", "tied"])
@pytest.mark.parametrize(
    ("scale", "oracle"),
    [
        ("standardize", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
        ("quantile", QuantileTransformer(n_quantiles=101, subsample=None)),
        ("log1p", StandardScaler()),
        ("none", FunctionTransformer()),
    ],
)
def test_scaling_is_that_of_scikit_learn(scale: str, oracle: object, values: Array) -> None:
    new = np.concatenate([values, [0.05, values.max() + 7, values.max() / 3]])
    features = learned(table(x=values), columns={"x": {"scale": scale}})
    mine = applied(table(x=new), features)
    bend = np.log1p if scale == "log1p" else lambda numbers: numbers
    oracle.fit(bend(values)[:, np.newaxis])  # type: ignore[attr-defined]
    theirs = oracle.transform(bend(new)[:, np.newaxis])  # type: ignore[attr-defined]
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)
    if scale != "quantile":  # where quantiles are tied, several values have one share
        np.testing.assert_allclose(original_columns(mine, features)["x"], new, rtol=1e-4, atol=1e-4)


def test_quantiles_are_undone() -> None:
    features = learned(table(x=SKEWED), columns={"x": {"scale": "quantile"}})
    back = original_columns(applied(table(x=SKEWED), features), features)["x"]
    np.testing.assert_allclose(back, SKEWED, rtol=1e-3, atol=0.2)


def test_general_scaling_of_a_table_can_be_any() -> None:
    by_rule = learned(table(x=SKEWED), columns={"x": {"scale": "robust"}})
    assert learned(table(x=SKEWED), numeric="robust") == by_rule


def test_clipping_by_limits_comes_before_the_scaling() -> None:
    rules = {"x": {"clip": [0, 10], "scale": "minmax"}}
    features = learned(table(x=[-5.0, 0, 5, 10, 99]), columns=rules)
    assert applied(table(x=[-1.0, 2.5, 11]), features).tolist() == [[0], [0.25], [1]]


def test_clipping_by_a_share_is_by_quantiles_of_the_training_part() -> None:
    features = learned(table(x=SKEWED), columns={"x": {"clip": 0.05, "scale": "none"}})
    low, high = np.quantile(SKEWED, (0.05, 0.95))
    x = applied(table(x=[-1e6, 50, 1e6]), features)
    np.testing.assert_allclose(x[:, 0], [low, 50, high], rtol=1e-6)


def test_clipping_lets_a_logarithm_be_taken() -> None:
    rules = {"x": {"clip": [0, 100], "scale": "log1p"}}
    features = learned(table(x=[-7.0, 0, 100]), columns=rules)
    assert np.isfinite(applied(table(x=[-50.0]), features)).all()


@pytest.mark.parametrize("rows", ["train", "new"])
def test_a_number_without_logarithm_is_an_error_with_its_line(rows: str) -> None:
    wrong, right = table(x=[1.0, -1.0]), table(x=[1.0, 2.0])
    rules = {"x": {"scale": "log1p"}}
    assert told(
        lambda: (
            learned(wrong, columns=rules)
            if rows == "train"
            else applied(wrong, learned(right, columns=rules))
        )
    ) == (
        "rows.csv:3: column 'x' has a value that has no logarithm\n"
        "expected: numbers above -1: its scaling is log1p, the logarithm of 1 + the number\n"
        "found: -1\n"
        "hint: correct the value, or train with another scaling: "
        "`preprocess.columns: {x: {scale: robust}}`"
    )


def test_buckets_begin_with_their_limits() -> None:
    features = learned(table(age=[1.0, 99.0]), columns={"age": {"buckets": [18, 30.5]}})
    names = ("age=below 18", "age=18 to 30.5", "age=from 30.5")
    assert feature_names(features) == names
    x = applied(table(age=[17.9, 18, 30.5]), features)
    assert x.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert list(original_columns(x, features)["age"]) == ["below 18", "18 to 30.5", "from 30.5"]


def test_buckets_by_number_are_those_of_scikit_learn() -> None:
    oracle = KBinsDiscretizer(5, encode="ordinal", quantile_method="linear", subsample=None)
    theirs = oracle.fit_transform(SKEWED[:, np.newaxis])
    features = learned(table(x=SKEWED), categorical="ordinal", columns={"x": {"buckets": 5}})
    assert applied(table(x=SKEWED), features).tolist() == theirs.tolist()


@pytest.mark.parametrize("scale", ["quantile", "log1p", "robust"])
def test_parts_of_dates_can_be_scaled_by_any_rule(scale: str) -> None:
    train = table(d=["2024-01-01", "2025-07-03", "2026-12-31"])
    x = applied(train, learned(train, numeric=scale))
    assert np.isfinite(x).all()
    if scale == "quantile":
        assert x[:, 0].tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("values", [[3.0, 3.0, 3.0], [0.0, 0, 0, 0, 0, 0, 0, 0, 5]])
def test_buckets_of_values_that_are_mostly_one(values: list[float]) -> None:
    features = learned(table(x=values), columns={"x": {"buckets": 4}})
    assert applied(table(x=values), features).sum(axis=1).tolist() == [1.0] * len(values)


@pytest.mark.parametrize(("missing", "bucket"), [("mean", 2), ("median", 1), ("most_frequent", 0)])
def test_a_missing_number_is_filled_before_it_is_sorted_into_buckets(
    missing: str, bucket: int
) -> None:
    train = table(x=[1.0, 1, 20, 50, 100, None])
    rules = {"x": {"buckets": [10, 30], "missing": missing}}
    assert applied(table(x=[None]), learned(train, columns=rules))[0].argmax() == bucket


def test_rare_categories_are_pooled_and_told_with_their_count() -> None:
    notes: list[str] = []
    train = table(city=["b"] * 3 + ["c"] * 2 + ["a"] * 2 + ["d", "e"])
    features = learned(train, notes, columns={"city": {"categories": 3}})
    assert feature_names(features) == ("city=a", "city=b", "city=(other)")
    x = applied(table(city=["b", "c", "new"]), features)
    assert x.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert list(original_columns(x, features)["city"]) == ["b", "(other)", "(other)"]
    assert notes == [
        "rows.csv: column 'city' has 5 categories: the 2 commonest are told apart; the other 3, "
        "of 4 of 9 training rows, are one, '(other)'"
    ]


def test_a_category_that_is_called_other_joins_the_others() -> None:
    train = table(city=["(other)"] * 5 + ["a", "a", "b"])
    features = learned(train, missing="median", columns={"city": {"categories": 2}})
    assert feature_names(features) == ("city=a", "city=(other)")
    assert applied(table(city=["(other)", None]), features).tolist() == [[0, 1], [0, 1]]


def test_pooled_categories_have_a_number_to_look_up() -> None:
    train = table(city=["a", "a", "b", "c"])
    rules = {"city": {"categories": 2}}
    features = learned(train, categorical="ordinal", columns=rules)
    assert applied(table(city=["a", "z"]), features).tolist() == [[0], [1]]


def test_more_than_a_thousand_categories_are_pooled_by_default() -> None:
    names = [f"n{i:04}" for i in range(1200)]
    features = learned(table(x=[*names, *names[:999]]))
    assert feature_names(features) == (*(f"x={name}" for name in names[:999]), "x=(other)")


def test_hash_is_as_stated_and_as_even_as_that_of_scikit_learn() -> None:
    names = [f"Zürich {i}" for i in range(5000)]
    digest = hashlib.sha256("Zürich 7".encode()).hexdigest()
    assert hashed("Zürich 7", 64) == int(digest[:16], 16) % 64
    features = learned(table(x=names[:3]), columns={"x": {"hash": 64}})
    x = applied(table(x=names), features)
    assert x.shape == (5000, 64)
    assert (x.sum(axis=1) == 1).all()
    oracle = FeatureHasher(64, input_type="string", alternate_sign=False)
    theirs = oracle.transform([[name] for name in names]).toarray().sum(axis=0)
    assert x.sum(axis=0).std() < 1.3 * theirs.std()
    assert original_columns(x[:1], features)["x"][0] == f"#{hashed(names[0], 64)}"


def test_a_missing_value_of_hashed_categories_is_the_most_frequent() -> None:
    train = table(x=["a", "b", "b"])
    features = learned(train, missing="median", columns={"x": {"hash": 16}})
    assert applied(table(x=[None]), features)[0].argmax() == hashed("b", 16)


def test_a_cross_is_each_pair_of_categories() -> None:
    train = table(city=["a", "a", "b"], age=[10.0, 40, 10])
    rules = {"age": {"buckets": [18]}}
    features = learned(train, crosses=[["city", "age"]], columns=rules)
    names = ("city x age=a x below 18", "city x age=a x from 18", "city x age=b x below 18")
    assert feature_names(features)[4:] == names
    assert applied(train, features)[:, 4:].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_pair_that_the_training_part_lacks_is_told() -> None:
    train = table(city=["a", "b"], device=["pc", "phone"])
    features = learned(train, crosses=[["city", "device"]])
    unseen = UnseenCategories()
    x = transform_table(table(city=["a"], device=["phone"]), features, unseen)
    assert x.tolist() == [[1, 0, 0, 1, 0, 0]]
    assert list(unseen.messages("test")) == [
        "rows.csv:2: column 'city x device': 1 row has a category that is not in the training "
        "part, such as 'a x phone'; encoded as zeros"
    ]


def test_a_new_category_is_told_once_where_its_column_is_crossed() -> None:
    features = learned(table(city=["a", "b"], device=["pc", "phone"]), crosses=[["city", "device"]])
    unseen = UnseenCategories()
    transform_table(table(city=["c"], device=["phone"]), features, unseen)
    assert list(unseen.messages("test")) == [
        "rows.csv:2: column 'city': 1 row has a category that is not in the training part, "
        "such as 'c'; encoded as zeros"
    ]


def test_crosses_can_be_pooled_and_hashed_and_see_filled_columns() -> None:
    train = table(city=["a", "a", "a", "b", None], age=[10.0, 10, 40, None, 10])
    rules = {"age": {"buckets": [18]}, "city x age": {"categories": 2}}
    features = learned(train, missing="median", crosses=[["city", "age"]], columns=rules)
    assert feature_names(features)[4:] == ("city x age=a x below 18", "city x age=(other)")
    gap = table(city=[None], age=[None])
    assert applied(gap, features)[:, 4:].tolist() == [[1, 0]]
    rules["city x age"] = {"hash": 8}
    features = learned(train, missing="median", crosses=[["city", "age"]], columns=rules)
    assert applied(gap, features)[0, 4:].argmax() == hashed("a x below 18", 8)


def test_a_gap_in_a_cross_is_one_in_its_column() -> None:
    features = learned(table(a=["x", "y"], b=["x", "y"]), crosses=[["a", "b"]])
    assert told(lambda: applied(table(a=["x", None], b=["x", "y"]), features)) == (
        "rows.csv:3: column 'a' has no value\n"
        "found: 1 row without it\n"
        "hint: fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop"
    )


def test_an_indicator_says_what_was_missing() -> None:
    rules = {
        "x": {"missing": "median", "indicator": True},
        "c": {"missing": "most_frequent", "indicator": True},
        "d": {"missing": "median", "indicator": True, "parts": {"month": "number"}},
    }
    train = table(x=[1.0, 3, 5], c=["a", "b", "a"], d=["2024-01-05", "2024-03-05", "2024-05-05"])
    features = learned(train, columns=rules, numeric="none")
    names = ("x", "x.missing", "c=a", "c=b", "c.missing", "d.month", "d.missing")
    assert feature_names(features) == names
    gaps = table(x=[None, 7.0], c=[None, "b"], d=[None, "2024-02-01"])
    x = applied(gaps, features)
    assert x.tolist() == [[3, 1, 1, 0, 1, 3, 1], [7, 0, 0, 1, 0, 2, 0]]
    assert original_columns(x, features)["x"].tolist() == [3, 7]


def test_columns_differ_in_what_stands_for_a_missing_value() -> None:
    train = table(a=[1.0, 2, 9, None], b=[1.0, 2, 9, 4])
    rules = {"a": {"missing": "mean"}, "b": {"missing": "median"}}
    features = learned(train, numeric="none", columns=rules)
    assert applied(table(a=[None], b=[None]), features).tolist() == [[4, 3]]


def test_rows_are_dropped_by_one_column_alone() -> None:
    rules = {"missing": "median", "columns": {"a": {"missing": "drop"}}}
    notes: list[str] = []
    rows = table(a=[1.0, None, 3.0], b=[None, 1.0, 2.0])
    kept = drop_missing(rows, read_section(Preprocess, rules), "error", notes.append)
    assert kept.rows.tolist() == [0, 2]
    assert notes == ["rows.csv: 1 of 3 rows left out: lacks a value"]


def test_parts_of_a_date_in_their_forms() -> None:
    parts = {
        "year": "number",
        "weekday": "categories",
        "month": "cyclic",
        "hour": "cyclic",
        "day_of_year": "cyclic",
    }
    days = ["2024-01-01 06:00", "2024-12-31 18:00", "2024-07-03 00:00"]
    features = learned(table(d=days), numeric="none", columns={"d": {"parts": parts}})
    names = feature_names(features)
    assert names[:4] == ("d.year", "d.month.sin", "d.month.cos", "d.weekday=1")
    x = dict(zip(names, applied(table(d=days), features).T.tolist(), strict=True))
    assert x["d.weekday=1"] == [1, 0, 0]  # a Monday
    assert x["d.hour.sin"] == pytest.approx([1, -1, 0], abs=1e-6)
    assert x["d.hour.cos"] == pytest.approx([0, 0, 1], abs=1e-6)
    assert x["d.month.sin"] == pytest.approx([0, -0.5, 0], abs=1e-6)
    # The last day of a year lies beside the first one.
    assert abs(x["d.day_of_year.cos"][0] - x["d.day_of_year.cos"][1]) < 1e-3
    back = original_columns(applied(table(d=days), features), features)
    assert {name: values.tolist() for name, values in back.items()} == {
        "d.year": [2024, 2024, 2024],
        "d.month": [1, 12, 7],
        "d.weekday": [1, 2, 3],
        "d.day_of_year": [1, 366, 185],
        "d.hour": [6, 18, 0],
    }


def test_the_time_of_days_is_an_error_of_the_config() -> None:
    train = table(d=["2024-01-01", "2024-02-01"])
    with pytest.raises(Findings) as caught:
        learned(train, columns={"d": {"parts": {"month": "cyclic", "hour": "cyclic"}}})
    (found,) = caught.value.findings
    assert dotted(found.path) == "preprocess.columns.d.parts.hour"
    assert found.message == "would be 0 in every row: d holds days without a time"
    assert found.expected == "year, month, day, weekday or day_of_year"


def test_a_date_with_parts_is_kept_where_others_are_left_out() -> None:
    train = table(a=["2024-01-01", "2024-02-01"], b=["2024-01-01", "2024-02-01"])
    rules = {"a": {"parts": {"month": "number"}}}
    assert feature_names(learned(train, dates="drop", columns=rules)) == ("a.month",)


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"missing": "median", "numeric": "minmax"},
        {"categorical": "ordinal", "missing": "most_frequent"},
    ],
)
def test_without_rules_of_columns_nothing_new_is_written(rules: dict[str, object]) -> None:
    train = table(x=[1.0, 2.0], c=["a", "b"], d=["2024-01-01", "2024-02-01"])
    written = [
        plain_feature(f) for f in fit_features(train, read_section(Preprocess, rules), print)
    ]
    assert [list(item) for item in written] == [
        ["name", "scaling", "center", "spread", "fill", "kind"],
        ["name", "encoding", "categories", "unseen", "fill", "kind"],
        ["name", "parts", "scaling", "centers", "spreads", "fill", "kind"],
    ]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("x", {"quantiles": []}, "`quantiles` must be those of the scaling"),
        ("x", {"clip": [1]}, "`clip` must be a list of 2"),
        ("x", {"quantiles": [3, 1]}, "`quantiles` must be in rising order"),
        ("age", {"edges": [3, 1]}, "`edges` must be in rising order"),
        ("city", {"hash": 10**9}, "`hash` must be a whole number from 0 to 100000"),
        ("age", {"categories": ["any"], "fill": None}, "`categories` must be one for each bucket"),
        ("city", {"categories": ["a", "b"]}, "`categories` must end with (other)"),
        ("city x age", {"of": ["city"]}, "`of` must be two columns"),
        ("d", {"scaling": "quantile"}, "`scaling` must not be quantile for a date"),
        ("d", {"forms": ["cyclic"]}, "`forms` must be as many as parts"),
        (
            "d",
            {"forms": ["cyclic", "cyclic"]},
            "`forms` must be number for a part that does not come again",
        ),
    ],
)
def test_what_was_learned_is_checked_when_it_is_read(
    name: str, change: dict[str, object], message: str
) -> None:
    train = table(
        x=[1.0, 2, 3],
        age=[1.0, 2, 3],
        city=["a", "b", "c"],
        d=["2024-01-01", "2024-02-01", "2024-03-01"],
    )
    rules = {
        "x": {"scale": "quantile", "clip": [0, 9]},
        "age": {"buckets": [2]},
        "city": {"categories": 2},
        "d": {"parts": {"year": "number", "month": "number"}},
    }
    preprocess = read_section(Preprocess, {"columns": rules, "crosses": [["city", "age"]]})
    features = fit_features(train, preprocess, lambda note: None)
    plain = next(plain_feature(f) for f in features if f.name == name)
    with pytest.raises(MisfitError) as caught:
        read_as(Feature, json.loads(json.dumps({**plain, **change})))  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_a_cross_without_its_columns_is_damaged() -> None:
    preprocess = read_section(Preprocess, {"crosses": [["a", "b"]]})
    features = fit_features(table(a=["x", "y"], b=["x", "y"]), preprocess, lambda note: None)
    target = Target("regression", ("y",), "numbers")
    whole = {"fingerprint": "", "split": Split(), "target": target}
    Preprocessing(**whole, features=features)  # type: ignore[arg-type]
    for wrong in (features[1:], (*features, replace(features[2], name="c", of=("a", "a x b")))):  # type: ignore[call-arg]
        with pytest.raises(MisfitError, match="must have the columns of each cross"):
            Preprocessing(**whole, features=wrong)  # type: ignore[arg-type]


# From a config


def write_rows(path: Path, rows: int = 400) -> Path:
    random = np.random.default_rng(3)
    lines = ["Amount,Age,City,Device,When,Price"]
    for i in range(rows):
        age = "" if i % 9 == 4 else str(int(random.integers(15, 80)))
        city = f"city {int(random.geometric(0.3))}"
        device = ["phone", "pc"][int(random.integers(2))]
        hour = int(random.integers(0, 20_000))
        when = np.datetime64("2022-01-01T00") + np.timedelta64(hour, "h")
        amount = random.exponential(50)
        lines.append(
            f"{amount:.2f},{age},{city},{device},{when}:00:00,{3 * amount + hour % 24:.2f}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def prepared_config(path: Path) -> Config:
    preprocess = {
        "missing": "median",
        "target": "log1p",
        "columns": {
            "Amount": {"scale": "quantile", "clip": 0.01},
            "Age": {"buckets": 4, "indicator": True},
            "City": {"categories": 4},
            "When": {"parts": {"month": "cyclic", "weekday": "categories", "hour": "cyclic"}},
            "City x Device": {"hash": 8},
        },
        "crosses": [["City", "Device"], ["Device", "Age"]],
    }
    data = {"source": "csv", "path": str(path), "target": "Price"}
    return config_with(data, preprocess=preprocess)


def test_streamed_rows_are_those_in_memory(tmp_path: Path) -> None:
    resident, streamed, told_of, told_streamed = both(
        prepared_config(write_rows(tmp_path / "rows.csv"))
    )
    assert_same(resident, streamed)
    assert told_streamed == told_of


def test_rows_to_predict_are_prepared_as_those_of_the_training(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv")
    config, reporter = prepared_config(path), SilentReporter()
    fitted = load_dataset(config, reporter).preprocessing
    part = load_part(config, fitted, path, reporter)
    blocks = open_blocks(config, fitted, path, reporter).read(lambda done: None)
    np.testing.assert_array_equal(np.concatenate([block.x for block in blocks]), part.x)


def test_the_shape_of_the_input_follows(tmp_path: Path) -> None:
    dataset = load_dataset(prepared_config(write_rows(tmp_path / "rows.csv")), SilentReporter())
    names = dataset.preprocessing.feature_names
    assert dataset.train.x.shape[1:] == (len(names),) == dataset.preprocessing.input_shape
    counted = Counter(name.split("=")[0].split(".")[0] for name in names)
    assert counted == {
        "Amount": 1,
        "Age": 5,
        "City": 4,
        "Device": 2,
        "When": 11,
        "City x Device": 8,
        "Device x Age": 8,
    }


def test_rows_outside_of_the_training_part_change_nothing_that_is_learned(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.csv")
    first = load_dataset(prepared_config(path), SilentReporter())
    assert first.test is not None
    lines = path.read_text().splitlines()
    for row in first.test.rows.tolist():
        cells = lines[row + 1].split(",")
        lines[row + 1] = ",".join(["9999", "99", "nowhere", *cells[3:]])
    path.write_text("\n".join(lines) + "\n")
    second = load_dataset(prepared_config(path), SilentReporter())
    assert second.preprocessing.features == first.preprocessing.features


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"columns": {"Agee": {"scale": "robust"}}},
            "preprocess.columns.Agee is no input column",
        ),
        (
            {"columns": {"City": {"scale": "log1p"}}},
            "preprocess.columns.City.scale is for numbers or dates, but City holds categories",
        ),
        (
            {"columns": {"Age": {"hash": 8}}},
            "preprocess.columns.Age.hash is for categories or pairs of categories, but Age holds "
            "numbers",
        ),
        ({"crosses": [["City", "Age"]]}, "preprocess.crosses.0.1 holds numbers: Age"),
        ({"crosses": [["City", "Town"]]}, "preprocess.crosses.0.1 is no input column"),
    ],
)
@pytest.mark.parametrize("budget", [tiny_budget, nullcontext])
def test_what_only_the_data_tell_is_an_error_of_the_config(
    tmp_path: Path,
    rules: dict[str, object],
    message: str,
    budget: Callable[[], AbstractContextManager[None]],
) -> None:
    data = {"source": "csv", "path": str(write_rows(tmp_path / "rows.csv")), "target": "Price"}
    preprocess = {"missing": "median", **rules}
    config = config_with(data, preprocess=preprocess)
    with budget(), pytest.raises(Findings) as caught:
        load_dataset(config, SilentReporter())
    (found,) = caught.value.findings
    assert f"{dotted(found.path)} {found.message}" == message
