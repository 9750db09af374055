"""Parquet files."""

from __future__ import annotations

import datetime
from contextlib import nullcontext
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from dl.config.schema import Config
from dl.data.load import load_dataset
from dl.progress import SilentReporter
from support.streaming import tiny_budget
from support.tables import config_with, told


def parquet_config(path: Path, **data: object) -> Config:
    return config_with({"source": "parquet", "path": str(path), "target": "y", **data})


def write(path: Path, **columns: object) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def test_types_of_the_file_are_the_kinds(tmp_path: Path) -> None:
    days = [datetime.date(2024, 1, day + 1) for day in range(10)]
    path = write(
        tmp_path / "rows.parquet",
        x=[float(i) for i in range(10)],
        flag=[i % 2 == 0 for i in range(10)],
        code=[f"0{i % 2}" for i in range(10)],
        day=days,
        y=list(range(10)),
    )
    dataset = load_dataset(parquet_config(path), SilentReporter())
    assert [feature.kind for feature in dataset.preprocessing.features] == [
        "numeric",
        "categorical",
        "categorical",
        "date",
    ]
    assert dataset.preprocessing.feature_names[1:5] == (
        "flag=false",
        "flag=true",
        "code=00",
        "code=01",
    )


def test_rows_are_named_by_number(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", x=[1.0] * 9 + [float("inf")], y=list(range(10)))
    fault = told(lambda: load_dataset(parquet_config(path), SilentReporter()), tmp_path)
    assert fault.startswith("rows.parquet: row 10: column 'x' is infinite")


def test_no_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_text("x,y\n1,2\n")
    fault = told(lambda: load_dataset(parquet_config(path), SilentReporter()), tmp_path)
    assert fault.startswith("rows.parquet: is not a Parquet file or is damaged\nfound: ")
    assert fault.endswith("hint: use `source: csv` for text; else write the file again")


def test_cut_off_file(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", x=[1.0] * 10, y=list(range(10)))
    path.write_bytes(path.read_bytes()[:-20])
    fault = told(lambda: load_dataset(parquet_config(path), SilentReporter()), tmp_path)
    assert fault.startswith("rows.parquet: is not a Parquet file or is damaged")


def test_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", x=pyarrow.array([], pyarrow.float64()), y=[])
    fault = told(lambda: load_dataset(parquet_config(path), SilentReporter()), tmp_path)
    assert fault == "rows.parquet: has columns but no rows"


def test_missing_target(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.parquet", x=[1.0], label=[1.0])
    fault = told(
        lambda: load_dataset(parquet_config(path, target="labels"), SilentReporter()), tmp_path
    )
    assert fault == (
        "rows.parquet: there is no target column 'labels'\n"
        "expected: one of x, label\n"
        "hint: did you mean 'label'?"
    )


@pytest.mark.parametrize("streamed", [False, True])
def test_names_of_columns_that_are_no_text(tmp_path: Path, streamed: bool) -> None:
    path = write(tmp_path / "rows.parquet", **{"é": [1.0] * 10, "y": list(range(10))})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xa9"))
    with tiny_budget() if streamed else nullcontext():
        fault = told(lambda: load_dataset(parquet_config(path), SilentReporter()), tmp_path)
    assert fault.startswith(
        "rows.parquet: is not a Parquet file or is damaged\nfound: 'utf-8' codec"
    )


@pytest.mark.parametrize("streamed", [False, True])
def test_fewer_rows_than_the_file_says(
    tmp_path: Path, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "rows.parquet", x=[1.0] * 10, y=list(range(10)))
    whole = pyarrow.parquet.ParquetFile.iter_batches
    monkeypatch.setattr(
        pyarrow.parquet.ParquetFile,
        "iter_batches",
        lambda self, **options: (batch.slice(1) for batch in whole(self, **options)),
    )
    with tiny_budget() if streamed else nullcontext():
        fault = told(lambda: load_dataset(parquet_config(path), SilentReporter()), tmp_path)
    assert fault == (
        "rows.parquet: is damaged\nexpected: 10 rows, as the file says\nfound: 9\n"
        "hint: write the file again"
    )


def test_index_of_pandas_is_no_column(tmp_path: Path) -> None:
    columns = {"x": [1.0, 2.0] * 5, "y": list(range(10)), "__index_level_0__": list(range(10))}
    path = write(tmp_path / "rows.parquet", **columns)
    fault = told(lambda: load_dataset(parquet_config(path), SilentReporter()), tmp_path)
    assert fault == (
        "rows.parquet: column '__index_level_0__' is the index of a pandas frame, which numbers "
        "the rows\n"
        "expected: columns to learn from\n"
        "hint: add `exclude: [__index_level_0__]` below `data`; pandas leaves it out with "
        "`to_parquet(FILE, index=False)`"
    )
    named = load_dataset(parquet_config(path, features=["x"]), SilentReporter())
    assert named.preprocessing.feature_names == ("x",)
