"""`data.missing_values` and `data.missing_target`: as if nothing stood there, in all readers."""

from __future__ import annotations

import contextlib
import datetime
import io
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest
import yaml

from dl.config.load import load_config
from dl.config.rules.probe import probe
from dl.config.schema import Config, resolved_text
from dl.data.dataset import Dataset, Preprocessing
from dl.data.features import CategoricalFeature
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset, load_part
from dl.data.read import read_parts
from dl.data.types import Array, RawTable
from dl.progress import SilentReporter
from support.streaming import Notes, assert_same, tiny_budget
from support.tables import config_with, told

WORDS = ["NA", "?", "-999", "null"]
BY_COLUMN = {"width": ["NA", "-999"], "day": ["?"], "color": ["null"], "y": ["NA", "?"]}


def table(word: dict[str, str], rows: int = 90) -> dict[str, list[str]]:
    """Returns columns of text, of which some rows have this word, or nothing."""
    chance = random.Random(3)

    def some(name: str, values: list[str]) -> list[str]:
        lacking = chance.sample(range(rows), rows // 5)
        return [word.get(name, "") if i in lacking else value for i, value in enumerate(values)]

    return {
        "width": some("width", [str(chance.randint(0, 99)) for _ in range(rows)]),
        "color": some("color", [chance.choice(["red", "NA", "?"]) for _ in range(rows)]),
        "day": some("day", [f"2024-01-{chance.randint(1, 28):02}" for _ in range(rows)]),
        "y": some("y", [str(chance.random()) for _ in range(rows)]),
    }


def written(path: Path, columns: dict[str, list[str]]) -> Path:
    """Writes the columns as CSV or Parquet; nothing is null there."""
    nothing = [[value or None for value in values] for values in columns.values()]
    texts = [pyarrow.array(values, pyarrow.string()) for values in nothing]
    made = pyarrow.table(texts, list(columns))
    write = pyarrow.csv.write_csv if path.suffix == ".csv" else pyarrow.parquet.write_table
    write(made, path)
    return path


def config_of(path: Path, **data: object) -> Config:
    source = path.suffix.removeprefix(".")
    return config_with(
        {"source": source, "path": str(path), "target": "y", "missing_target": "drop", **data},
        preprocess={"missing": "median"},
    )


def loaded(config: Config, streamed: bool) -> Dataset:
    if not streamed:
        return load_dataset(config, SilentReporter())
    with tiny_budget():
        return load_dataset(config, SilentReporter())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("word", "texts"),
    [
        ({"width": "-999", "day": "?", "color": "null", "y": "NA"}, BY_COLUMN),
        ({"width": " NA ", "day": " ?", "color": "null ", "y": "?"}, BY_COLUMN),
        ({"width": "-999", "day": "n/a", "y": "n/a"}, ["-999", "n/a"]),
    ],
)
def test_named_text_is_read_as_an_empty_field_is(
    tmp_path: Path, suffix: str, word: dict[str, str], texts: object, streamed: bool
) -> None:
    empty = config_of(written(tmp_path / f"empty.{suffix}", table({})))
    named = config_of(written(tmp_path / f"named.{suffix}", table(word)), missing_values=texts)
    expected, found = loaded(empty, streamed), loaded(named, streamed)
    for name, part in expected.parts.items():
        np.testing.assert_array_equal(part.x[:], found.parts[name].x[:])
        np.testing.assert_array_equal(part.y, found.parts[name].y)
    fitted = replace(expected.preprocessing, fingerprint=found.preprocessing.fingerprint)
    assert found.preprocessing == fitted
    color = next(f for f in fitted.columns if f.name == "color")
    assert isinstance(color, CategoricalFeature)
    assert color.categories == ("?", "NA", "red")


def predicted(config: Config, fitted: Preprocessing, path: Path, stdin: bool) -> Array:
    source = io.BytesIO(path.read_bytes()) if stdin else path
    chunks = open_blocks(config, fitted, source, SilentReporter())
    return np.concatenate([np.asarray(part.x[:]) for part in chunks.read(lambda done: None)])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("texts", [BY_COLUMN, WORDS])
def test_saved_run_reads_rows_to_predict_and_to_evaluate_alike(
    tmp_path: Path, suffix: str, texts: object
) -> None:
    word = {"width": "-999", "day": "?", "color": "null", "y": "NA"}
    path = written(tmp_path / f"named.{suffix}", table(word))
    config = config_of(path, missing_values=texts, split={"validation": 0, "test": 0})
    fitted = load_dataset(config, SilentReporter()).preprocessing
    saved = tmp_path / "resolved.yaml"
    saved.write_text(resolved_text(config))
    again = load_config(saved).config
    whole = load_part(again, fitted, path, SilentReporter())
    rows = predicted(again, fitted, path, stdin=False)
    assert len(rows) == 90
    np.testing.assert_array_equal(rows[whole.rows], whole.x)
    if suffix == "csv":
        np.testing.assert_array_equal(predicted(again, fitted, path, stdin=True), rows)


@pytest.mark.parametrize("streamed", [False, True])
def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path, streamed: bool) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n" + "".join(f"{i},{'NA' if i % 4 == 1 else i}\n" for i in range(40)))
    config = config_of(path, missing_values=["NA"], split={"validation": 0, "test": 0})
    notes = Notes()
    if streamed:
        with tiny_budget():
            dataset = load_dataset(config, notes)
    else:
        dataset = load_dataset(config, notes)
    assert notes.notes[-1] == f"{path}: 10 of 40 rows left out: lack a target"
    assert dataset.train.rows.tolist() == [i for i in range(40) if i % 4 != 1]


def test_missing_target_is_an_error_unless_it_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,2\n2,NA\n3,3\n")
    config = config_of(path, missing_values=["NA"], missing_target="error")
    assert told(lambda: load_dataset(config, SilentReporter()), tmp_path) == (
        "rows.csv:3: the target 'y' is missing\n"
        "found: 1 row without it\n"
        "hint: fill it in, or write `data.missing_target: drop` to leave such rows out"
    )


def test_column_that_the_table_has_not_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,2\n2,3\n")
    config = config_of(path, missing_values={"b": ["NA"]})
    assert told(lambda: load_dataset(config, SilentReporter()), tmp_path) == (
        "rows.csv: there is no column 'b'\nexpected: one of a, y"
    )


def test_look_at_the_target_knows_what_stands_for_a_missing_value(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,0\n2,1\n3,NA\n")
    assert probe(config_of(path, missing_values=["NA"]).data, tmp_path).labels == ("0", "1")
    assert yaml.safe_load(resolved_text(config_of(path)))["data"]["missing_values"] is None


def test_streamed_rows_are_those_in_memory(tmp_path: Path) -> None:
    word = {"width": "-999", "day": "?", "color": "null", "y": "NA"}
    config = config_of(written(tmp_path / "rows.csv", table(word)), missing_values=BY_COLUMN)
    assert_same(loaded(config, streamed=False), loaded(config, streamed=True))


def test_text_means_a_value_of_the_type_in_parquet(tmp_path: Path) -> None:
    day = datetime.date
    columns = {
        "whole": pyarrow.array([1, -999, 3, 4], pyarrow.int32()),
        "broken": pyarrow.array([0.5, 1.5, -999.0, None], pyarrow.float32()),
        "day": pyarrow.array([day(2024, 1, 1), day(9999, 12, 31), None, day(2024, 1, 2)]),
        "time": pyarrow.array([1, 2, 3, 4], pyarrow.timestamp("s")),
        "truth": pyarrow.array([True, False, None, True]),
        "y": pyarrow.array([1.0, 2.0, 3.0, 4.0]),
    }
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    named = {"missing_values": ["NA", "-999", "9999-12-31"]}
    for budget in (contextlib.nullcontext(), tiny_budget()):
        with budget:
            part = read_parts(config_of(path, **named), SilentReporter()).train
        assert isinstance(part, RawTable)
        lacking = {
            name: np.flatnonzero(part.columns[name].missing()).tolist() for name in part.columns
        }
        assert lacking == {"whole": [1], "broken": [2, 3], "day": [1, 2], "time": [], "truth": [2]}


def test_text_that_is_not_named_yet_is_told_beside_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,1\n?,2\nNA,3\n4,4\n")
    config = config_of(path, missing_values=["?"])
    assert told(lambda: load_dataset(config, SilentReporter()), tmp_path) == (
        "rows.csv:4: column 'a' has 'NA' in 1 of 4 rows, among numbers\n"
        "expected: numbers, and empty fields where a value is missing\n"
        'hint: if it stands for a missing value, write `missing_values: ["?", NA]` below `data`; '
        "else add `data.columns: {a: categorical}`"
    )
