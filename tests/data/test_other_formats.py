"""Tables of other tools: the same rows in each format are the same data."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import Dl
from dl.data.formats import form_of
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset, load_part
from dl.data.sources import other
from dl.data.sources.other import STREAMED
from dl.progress import SilentReporter
from support.streaming import assert_same, both
from support.tables import config_with, told

SILENT = SilentReporter()
ROWS = pd.DataFrame(
    {
        "a": [i * 1.5 if i != 3 else np.nan for i in range(40)],
        "n": range(40),
        "c": ["red", "blue"] * 20,
        "d": pd.date_range("2024-01-01", periods=40),
        "y": [i % 2 for i in range(40)],
    }
)
FILES = ("rows.csv", "rows.feather", "rows.jsonl", "rows.dta", "rows.xlsx", "rows.sav")


def write(path: Path, rows: pd.DataFrame = ROWS) -> Path:
    match path.suffix:
        case ".csv":
            rows.to_csv(path, index=False)
        case ".feather":
            rows.to_feather(path)
        case ".jsonl":
            rows.to_json(path, orient="records", lines=True, date_format="iso")
        case ".dta":
            rows.to_stata(path, write_index=False)
        case ".xlsx":
            pytest.importorskip("openpyxl")
            rows.to_excel(path, index=False)
        case ".sav":
            pytest.importorskip("pyreadstat").write_sav(rows, path)
    return path


def config(path: Path, **data: Any) -> Any:
    section = {"source": form_of(path, ""), "path": str(path), "target": "y", **data}
    return config_with(section, preprocess={"missing": "median"}, training={"loss": "hinge"})


@pytest.mark.parametrize("name", FILES)
def test_rows_are_those_of_a_csv_file(tmp_path: Path, name: str) -> None:
    simple, path = config(write(tmp_path / "simple.csv")), write(tmp_path / name)
    expected, found = load_dataset(simple, SILENT), load_dataset(config(path), SILENT)
    np.testing.assert_allclose(found.train.x, expected.train.x, atol=1e-6)
    np.testing.assert_array_equal(found.train.y, expected.train.y)
    assert found.target.classes == expected.target.classes
    few = load_dataset(config(path, rows=9, split={"validation": 0, "test": 0}), SILENT)
    assert len(few.train) == 9
    if form_of(path, "") in STREAMED:
        assert_same(*both(config(path))[:2])


@pytest.mark.parametrize("name", FILES)
def test_a_model_of_csv_predicts_and_evaluates_them(tmp_path: Path, name: str) -> None:
    simple = config(write(tmp_path / "simple.csv"), split={"validation": 0, "test": 0})
    fitted = load_dataset(simple, SILENT)
    path = write(tmp_path / name)
    blocks = open_blocks(simple, fitted.preprocessing, path, SILENT).read(lambda size: None)
    found = np.concatenate([block.x for block in blocks])
    np.testing.assert_allclose(found, fitted.train.x, atol=1e-6)
    part = load_part(simple, fitted.preprocessing, path, SILENT)
    np.testing.assert_array_equal(part.y, fitted.train.y)


@pytest.mark.parametrize("name", FILES)
def test_init_names_the_source(
    tmp_path: Path, name: str, dl: Dl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name)
    text = dl("init", name, "--target", "y").out
    assert f"  source: {form_of(Path(name), '')}\n" in text
    (tmp_path / "c.yaml").write_text(text)
    assert dl("validate", "c.yaml").code == 0


@pytest.mark.parametrize("source", ["feather", "stata", "sas"])
def test_damaged_file_is_told(tmp_path: Path, source: str) -> None:
    path = tmp_path / ("rows.sas7bdat" if source == "sas" else f"rows.{source}")
    path.write_bytes(b"no such file" * 90)
    what = {"feather": "a Feather file", "stata": "a Stata file", "sas": "a SAS file"}[source]
    text = told(lambda: load_dataset(config(path, source=source), SILENT), tmp_path)
    assert text.startswith(f"rows.{path.suffix[1:]}: is not {what} or is damaged\nfound: ")
    assert text.endswith("\nhint: write the file again")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{oops}", ": is not JSON: "),
        ("[1, 2]", ": is not a row of a table\n"),
        ('{"a": [1]}', ": is not a row of a table\n"),
        ('{"a": 1, "z": 3}', ": has a new key 'z'\n"),
        ("", ": is empty\n"),
        ('{"a": "x", "y": 1}', ": column 'a' is numeric, but this is text\n"),
    ],
)
def test_line_that_is_no_row_is_refused(
    tmp_path: Path, line: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    good = [f'{{"a": {i}, "y": {i % 2}}}' for i in range(30)]
    path.write_text("\n".join([*good, line, *good]) + "\n")
    if "new key" in fault:  # in the lines that are read first, it would be a column
        monkeypatch.setattr(other, "pieces", partial(other.pieces, size=40))
    text = told(lambda: load_dataset(config(path), SILENT), tmp_path)
    assert text.startswith(f"rows.jsonl:31{fault}"), text


def test_numbers_of_json_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        f'{{"zip": "0{i % 3}", "ok": {"true" if i % 2 else "null"}, "y": {i}.0}}' for i in range(9)
    ]
    path.write_text("\n".join(rows))
    split = {"validation": 0, "test": 0}
    chosen = config_with(
        {"source": "jsonl", "path": str(path), "target": "y", "split": split},
        preprocess={"missing": "median"},
    )
    [zips, ok] = load_dataset(chosen, SILENT).preprocessing.columns
    assert (zips.kind, ok.kind) == ("categorical", "categorical")


def test_package_that_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.xlsx"
    path.write_bytes(b"PK\x03\x04" + b"\0" * 99)
    monkeypatch.setattr(pd, "ExcelFile", _lacks)
    assert told(lambda: load_dataset(config(path), SILENT), tmp_path) == (
        "rows.xlsx: an Excel file is read by openpyxl, which is not installed\n"
        "hint: pip install 'dl-keras[excel]'"
    )


def _lacks(path: Path) -> None:
    raise ImportError("Missing optional dependency 'openpyxl'")


def test_sheet_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.xlsx")
    assert told(lambda: load_dataset(config(path, sheet="May"), SILENT), tmp_path) == (
        "rows.xlsx: there is no sheet 'May'\nexpected: Sheet1"
    )
