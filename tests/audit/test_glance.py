"""The table at a glance, held against pandas; and rows before and after preparation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dl.audit.glance import Glance, glance, prepared_rows
from dl.audit.table import file_config, read_file, read_table
from dl.config.load import load_config
from dl.data.features import hashed
from dl.errors import UsageError
from dl.progress import SilentReporter


def table(folder: Path) -> tuple[Path, pd.DataFrame]:
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "Id": range(1, 201),
            "age": chance.integers(18, 90, 200).astype(float),
            "job": chance.choice(["clerk", "nurse", "smith"], 200, p=[0.5, 0.3, 0.2]),
            "since": pd.date_range("2020-01-01", periods=200, freq="h"),
            "same": "x",
            "risk": chance.choice(["low", "high"], 200, p=[0.7, 0.3]),
        }
    )
    frame.loc[::10, "age"] = np.nan
    frame.to_csv(folder / "people.csv", index=False)
    return folder / "people.csv", frame


def looked_at(folder: Path) -> dict[str, Glance]:
    path, _ = table(folder)
    read = read_table(file_config(path, ["risk"]), SilentReporter())
    return {column.name: column for column in glance(read)}


def test_every_column_has_what_pandas_finds(tmp_path: Path) -> None:
    _, frame = table(tmp_path)
    found = looked_at(tmp_path)
    assert set(found) == set(frame)
    for name, column in found.items():
        assert column.missing == frame[name].isna().sum()
        assert column.distinct == frame[name].nunique()
    age = found["age"]
    assert age.least == frame.age.min()
    assert age.most == frame.age.max()
    assert age.mean == pytest.approx(frame.age.mean())
    assert age.by_class == pytest.approx(frame.groupby("risk").age.mean().to_dict())
    assert found["job"].common == frame.job.value_counts().to_dict()
    shares = frame.groupby("risk").job.agg(lambda jobs: (jobs == "clerk").mean())
    assert found["job"].by_class == pytest.approx(shares.to_dict())
    assert found["risk"].common == frame.risk.value_counts().to_dict()
    assert (found["since"].least, found["since"].most) == ("2020-01-01T00:00", "2020-01-09T07:00")


def test_uses_and_doubts_are_told(tmp_path: Path) -> None:
    found = looked_at(tmp_path)
    assert {name: column.use for name, column in found.items()} == {
        "Id": "left out",
        "age": "input",
        "job": "input",
        "since": "input",
        "same": "left out",
        "risk": "target",
    }
    assert found["Id"].doubt == "numbers the rows (1 to 200)"
    assert found["same"].doubt == "is the same in all 200 rows"


def test_a_file_without_a_target_has_columns_only(tmp_path: Path) -> None:
    path, frame = table(tmp_path)
    found = glance(read_file(path))
    assert [(column.name, column.use) for column in found] == [(name, "input") for name in frame]
    assert not any(column.by_class or column.alone for column in found)


def test_rows_are_shown_as_read_and_as_the_network_sees_them(tmp_path: Path) -> None:
    path, frame = table(tmp_path)
    places, columns = prepared_rows(file_config(path, ["risk"]), 3, SilentReporter())
    rows = [int(place.rpartition(":")[2]) - 2 for place in places]
    found = {column.name: column for column in columns}
    assert found["job"].before == tuple(frame.job[rows])
    one_hot = np.array([found["job"].after[f"job={name}"] for name in ("clerk", "nurse", "smith")])
    assert one_hot.tolist() == [
        list(map(float, frame.job[rows] == n)) for n in ("clerk", "nurse", "smith")
    ]
    ages = ["" if np.isnan(age) else f"{age:.0f}" for age in frame.age[rows]]
    assert found["age"].before == tuple(ages)
    assert list(found["age"].after) == ["age"]
    assert found["risk"].before == tuple(frame.risk[rows])
    assert found["risk"].after == {"output 1": tuple(map(float, frame.risk[rows] == "low"))}


def test_rows_are_shown_with_buckets_crosses_and_without_those_that_are_left_out(
    tmp_path: Path,
) -> None:
    _, frame = table(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "data: {source: csv, path: people.csv, target: risk, features: [age, job]}\n"
        "preprocess:\n"
        "  missing: drop\n"
        "  columns: {age: {buckets: [40]}, age x job: {hash: 3}}\n"
        "  crosses: [[age, job]]\n"
        "model: {layers: [{type: Dense, units: 1, activation: sigmoid}]}\n"
        "training: {loss: binary_crossentropy}\n"
    )
    places, columns = prepared_rows(load_config(tmp_path / "c.yaml"), 60, SilentReporter())
    rows = [int(place.rpartition(":")[2]) - 2 for place in places]
    assert not frame.age[rows].isna().any()
    found = {column.name: column for column in columns}
    assert found["age"].after["age=from 40"] == tuple((frame.age[rows] >= 40).astype(float))
    buckets = np.where(frame.age[rows] >= 40, "from 40", "below 40")
    pairs = [f"{age} x {job}" for age, job in zip(buckets, frame.job[rows], strict=True)]
    assert found["age x job"].before == tuple(pairs)
    hashes = np.array([hashed(pair, 3) for pair in pairs])
    for number in range(3):
        assert found["age x job"].after[f"age x job=#{number}"] == tuple(hashes == number)


def test_files_of_parts_are_one_table_with_the_categories_of_both(tmp_path: Path) -> None:
    pd.DataFrame({"k": ["b", "a"] * 20, "y": range(40)}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"k": ["c", "b"], "y": [1, 2]}).to_csv(tmp_path / "b.csv", index=False)
    (tmp_path / "c.yaml").write_text(
        "data: {source: csv, path: a.csv, test_path: b.csv, target: y, split: {validation: 0}}\n"
        "model: {layers: [{type: Dense, units: 1}]}\ntraining: {loss: mean_squared_error}\n"
    )
    read = read_table(load_config(tmp_path / "c.yaml"), SilentReporter())
    assert read.sizes == {"train": 40, "test": 2}
    [_, column] = glance(read)
    assert column.common == {"b": 21, "a": 20, "c": 1}


def test_pictures_have_no_columns(tmp_path: Path) -> None:
    x, y = np.zeros((60, 8, 8)), np.arange(60) % 3
    np.savez(tmp_path / "x.npz", x_train=x, y_train=y)
    loaded = file_config(tmp_path / "x.npz", [])
    read = read_table(loaded, SilentReporter())
    assert [column.use for column in glance(read)] == ["target"]
    with pytest.raises(UsageError, match="--rows shows the rows of a table"):
        prepared_rows(loaded, 1, SilentReporter())


def test_arrays_of_two_axes_are_columns(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    x, y = chance.normal(size=(80, 3)), chance.integers(0, 3, 80)
    np.savez(tmp_path / "x.npz", x_train=x, y_train=y)
    read = read_table(file_config(tmp_path / "x.npz", []), SilentReporter())
    target, *columns = glance(read)
    assert target.common == dict(pd.Series(y).astype(str).value_counts())
    assert [column.mean for column in columns] == pytest.approx(list(x.mean(axis=0)))


def test_classes_have_the_names_that_the_source_knows() -> None:
    table = read_table(load_config(Path("configs/iris.yaml")), SilentReporter())
    names, codes = table.classes()
    assert (names, codes[[0, 50, 149]].tolist()) == (
        ["setosa", "versicolor", "virginica"],
        [0, 1, 2],
    )
