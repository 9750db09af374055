"""Each leak is planted in a table, found with its numbers, and gone with the line to write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from dl.audit.glance import glance
from dl.audit.leaks import CHECKS, audit
from dl.audit.table import file_config, read_table
from dl.config.load import load_config
from dl.config.rules.facts import Advice
from dl.config.schema import OF_TABLES
from dl.progress import SilentReporter

ROWS = 600
Chance = np.random.Generator


def rows(chance: Chance, count: int = ROWS) -> pd.DataFrame:
    """A clean table: two numbers, a category, and a target that they tell in part."""
    table = pd.DataFrame(
        {
            "a": chance.normal(size=count).round(3),
            "b": chance.normal(size=count).round(3),
            "kind": chance.choice(["u", "v", "w"], count),
        }
    )
    table["y"] = table.a + (table.kind == "u") + chance.normal(size=count)
    return table


def copies(chance: Chance) -> pd.DataFrame:
    table = rows(chance)
    return pd.concat([table, table.sample(60, random_state=0)])


def patients(chance: Chance) -> pd.DataFrame:
    table, patient = rows(chance), np.arange(ROWS) // 6
    table["age"] = chance.integers(20, 90, ROWS // 6)[patient]
    table["weight"] = chance.normal(70, 10, ROWS // 6).round(1)[patient]
    table["patient"] = [f"p{number:04}" for number in patient]
    table["y"] = (
        0.3 * table.a + chance.normal(size=ROWS // 6)[patient] + chance.normal(0, 0.3, ROWS)
    )
    return table.sample(frac=1, random_state=0)


def days(chance: Chance) -> pd.DataFrame:
    table = rows(chance)
    table["day"] = pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d")
    table["y"] = np.cumsum(chance.normal(size=ROWS))
    return table


def near_copy(chance: Chance) -> pd.DataFrame:
    table = rows(chance)
    table["cost"] = (3 * table.y + 7 + chance.normal(0, 0.02, ROWS)).round(3)
    return table


def in_other_units(chance: Chance) -> pd.DataFrame:
    table = rows(chance)
    table["exp"] = np.exp(table.y).round(5)
    return table


def fee(chance: Chance) -> pd.DataFrame:
    table = rows(chance)
    paid = (table.y > 0.3) & (chance.random(ROWS) < 0.98)
    table["fee"] = np.where(paid, chance.normal(size=ROWS).round(2), np.nan)
    return table


def last_day(chance: Chance) -> pd.DataFrame:
    table = rows(chance)
    day = pd.to_datetime("2020-01-01") + pd.to_timedelta(chance.integers(0, 300, ROWS), "D")
    table["left_on"] = np.where(table.y > 0.3, day.strftime("%Y-%m-%d"), "")
    return table


@dataclass(frozen=True)
class Leak:
    """A table with a leak, and what is said of it."""

    rule: str
    make: Callable[[Chance], pd.DataFrame]
    said: str
    line: str
    classes: bool = False


LEAKS = (
    Leak(
        "groups-across-parts",
        patients,
        "parts rows of the same `patient`: ",
        "data.split={by: patient}",
    ),
    Leak(
        "groups-across-parts", patients, " of its 100 values are", "data.split={by: patient}", True
    ),
    Leak(
        "order-in-time",
        days,
        "takes rows out of their time: 179 of 180 rows to judge lie between training rows by `day`"
        ", and neighbours in time are alike (correlation 0.99)",
        "data.split={by: day, order: time}",
    ),
    Leak(
        "order-in-time",
        days,
        "neighbours in time are alike",
        "data.split={by: day, order: time}",
        True,
    ),
    Leak(
        "target-leak",
        near_copy,
        "lacks `cost`, which tells the target `y` alone: an R² of 1 on rows that were not "
        "learned from",
        "data.exclude=[cost]",
    ),
    Leak(
        "target-leak",
        in_other_units,
        "`exp`, which tells the target `y` alone",
        "data.exclude=[exp]",
    ),
    Leak(
        "target-leak",
        in_other_units,
        "lacks `exp`, which tells the target `y` alone: an AUC of ",
        "data.exclude=[exp]",
        True,
    ),
    Leak(
        "future-column",
        last_day,
        "lacks `left_on`, which has a value in 100% of the rows with `y` yes, and in 0% of the "
        "others",
        "data.exclude=[left_on]",
        True,
    ),
    Leak(
        "future-column",
        fee,
        "lacks `fee`, which has a value in 99% of the rows with `y` yes",
        "data.exclude=[fee]",
        True,
    ),
)

CONFIG = """\
data: {source: csv, path: rows.csv, target: y}
preprocess: {missing: mean}
model: {layers: [{type: Dense, units: 1}]}
training: {loss: mean_squared_error}
"""
CLASSES = CONFIG.replace("units: 1", "units: 1, activation: sigmoid").replace(
    "mean_squared_error", "binary_crossentropy"
)


def written(folder: Path, table: pd.DataFrame, classes: bool) -> Path:
    if classes:
        table = table.assign(y=np.where(table.y > 0.3, "yes", "no"))
    table.to_csv(folder / "rows.csv", index=False)
    path = folder / "case.yaml"
    path.write_text(CLASSES if classes else CONFIG)
    return path


def found(path: Path, *settings: str) -> list[Advice]:
    loaded = load_config(path, settings)
    table = read_table(loaded, SilentReporter())
    return [advice for check in CHECKS for advice in check(table, loaded.config.data)]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: f"{leak.rule}-{leak.make.__name__}")
def test_a_planted_leak_is_found_and_gone_with_its_line(leak: Leak, tmp_path: Path) -> None:
    path = written(tmp_path, leak.make(np.random.default_rng(3)), leak.classes)

    [advice] = found(path)

    assert (advice.rule, leak.said in advice.message) == (leak.rule, True), advice.message
    assert f"{'.'.join(map(str, advice.path))}={advice.write}" == leak.line
    assert found(path, leak.line) == []


def test_copies_in_several_parts_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, copies(np.random.default_rng(3)), False)
    [advice] = found(path)
    table = read_table(load_config(path), SilentReporter())
    frame = pd.DataFrame({n: c.values for n, c in {**table.columns, **table.targets}.items()})
    known = set(map(tuple, frame[table.part == 0].to_numpy()))
    counts = [
        sum(tuple(row) in known for row in frame[table.part == part].to_numpy()) for part in (1, 2)
    ]
    sizes = list(table.sizes.values())
    assert advice.message == (
        f"allows copies in several parts: {counts[0]} of {sizes[1]} validation rows and "
        f"{counts[1]} of {sizes[2]} test rows are in the training part, too"
    )
    assert found(path, f"data.duplicates={advice.write}") == []


def test_copies_within_a_part_of_its_own_are_told(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    path = written(tmp_path, copies(chance), False)
    rows(chance, 100).to_csv(tmp_path / "test.csv", index=False)
    settings = (f"data.test_path={tmp_path}/test.csv", "data.split.validation=0")
    [advice] = found(path, *settings)
    assert (
        advice.message
        == "does not name duplicate-rows: 60 rows of 760 repeat another row of their part"
    )
    loaded = load_config(path, [*settings, "lint.ignore=[duplicate-rows]"])
    assert audit(read_table(loaded, SilentReporter())) == []


def test_a_part_of_another_kind_is_told_by_its_column(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    path = written(tmp_path, rows(chance), False)
    rows(chance, 300).assign(b=lambda table: table.b + 1).to_csv(tmp_path / "t.csv", index=False)
    [advice] = found(path, f"data.test_path={tmp_path}/t.csv")
    assert advice.rule == "parts-differ"
    assert advice.path == ("data", "test_path")
    assert advice.message.startswith(
        "holds rows of another kind: trees tell test rows from training rows with an AUC of 0.7"
    )
    assert "`b` alone with 0.68" in advice.message
    assert advice.write is None


def test_a_part_that_a_column_names_is_held_against_training(tmp_path: Path) -> None:
    table = rows(np.random.default_rng(3))
    table["part"] = np.where(table.a > 0.7, "test", "train")
    path = written(tmp_path, table, False)
    [advice] = found(path, "data.split={column: part, validation: 0}")
    assert (advice.rule, advice.path) == ("parts-differ", ("data", "split", "column"))


def test_a_part_of_the_same_kind_is_no_finding(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    path = written(tmp_path, rows(chance), False)
    rows(chance, 300).to_csv(tmp_path / "test.csv", index=False)
    assert found(path, f"data.test_path={tmp_path}/test.csv") == []


def test_rows_alike_by_chance_are_no_copies(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    table = pd.DataFrame({name: chance.choice(list("xyz"), ROWS) for name in "pqrs"})
    table["y"] = (chance.random(ROWS) < 0.3 + 0.4 * (table.p == "x")).astype(int)
    assert table.duplicated().sum() > ROWS / 3
    assert found(written(tmp_path, table, True)) == []


def test_a_column_that_is_left_out_can_name_groups(tmp_path: Path) -> None:
    path = written(tmp_path, patients(np.random.default_rng(3)), False)
    assert [advice.rule for advice in found(path, "data.exclude=[patient]")] == [
        "groups-across-parts"
    ]


def test_few_rows_are_not_judged(tmp_path: Path) -> None:
    path = written(tmp_path, days(np.random.default_rng(3)).head(49), False)
    assert audit(read_table(load_config(path), SilentReporter())) == []


def test_all_ids_are_planted_here() -> None:
    told = {leak.rule for leak in LEAKS} | {"duplicate-rows", "parts-differ"}
    assert set(OF_TABLES) <= told


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_the_tables_of_scikit_learn_are_clean(name: str, tmp_path: Path) -> None:
    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(tmp_path / "x.csv", index=False)
    table = read_table(file_config(tmp_path / "x.csv", ["target"]), SilentReporter())
    assert audit(table) == []


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_clean_tables_with_ids_and_dates_by_chance_are_silent(
    seed: int, classes: bool, tmp_path: Path
) -> None:
    chance = np.random.default_rng(seed)
    table = rows(chance)
    table["shop_id"] = chance.integers(0, 60, ROWS)
    table["city"] = chance.choice([f"c{number}" for number in range(70)], ROWS)
    table["day"] = pd.to_datetime("2020-01-01") + pd.to_timedelta(
        chance.integers(0, 700, ROWS), "D"
    )
    assert found(written(tmp_path, table, classes)) == []


@pytest.mark.slow
def test_a_hundred_thousand_rows_of_twenty_columns_take_less_than_five_seconds(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    count = 100_000
    chance = np.random.default_rng(0)
    table = rows(chance, count)
    for place in range(14):
        table[f"n{place}"] = chance.normal(size=count).round(4)
    table["customer_id"] = chance.integers(0, count // 5, count)
    table["day"] = pd.to_datetime("2020-01-01") + pd.to_timedelta(
        chance.integers(0, 900, count), "D"
    )
    path = written(tmp_path, table, True)
    started = time.process_time()
    assert found(path) == []
    glance(read_table(load_config(path), SilentReporter()))
    seconds = time.process_time() - started
    record_property("seconds of 100,000 rows", seconds)
    assert seconds < 5
