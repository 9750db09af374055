"""Data larger than the budget: the same rows, held on the disk."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image

from dl.config.schema import Config
from dl.data.inputs import read_inputs
from dl.data.load import load_dataset, load_part, load_split
from dl.data.read import memory_budget, storage_of
from dl.data.requirements import requirements_of
from dl.progress import SilentReporter
from support.streaming import Notes, assert_same, both, tiny_budget
from support.tables import config_with

ROWS = 120


def write_table(path: Path, rows: int = ROWS, seed: int = 0) -> Path:
    """Writes numbers with gaps, categories of which some are rare, dates and a class."""
    random = np.random.default_rng(seed)
    numbers = [None if i % 17 == 5 else float(value) for i, value in enumerate(random.random(rows))]
    colors = [f"color {int(value)}" for value in random.geometric(0.4, rows)]
    days = [
        datetime.date(2024, 1, 1) + datetime.timedelta(int(i))
        for i in random.integers(0, 900, rows)
    ]
    table = pyarrow.table(
        {
            "width": numbers,
            "height": random.normal(50, 9, rows),
            "color": colors,
            "day": days,
            "kind": ["x" if value < 0.3 else "y" for value in random.random(rows)],
        }
    )
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, row_group_size=50)
    else:
        pyarrow.csv.write_csv(table, path)
    return path


def table_config(path: Path, missing: str = "median", **data: object) -> Config:
    source = path.suffix.removeprefix(".")
    return config_with(
        {"source": source, "path": str(path), "target": "kind", **data},
        preprocess={"missing": missing},
        training={"loss": "binary_crossentropy"},
        model={"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]},
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("missing", ["median", "drop"])
def test_a_streamed_table_is_that_in_memory(tmp_path: Path, suffix: str, missing: str) -> None:
    path = write_table(tmp_path / f"rows.{suffix}")
    split = {"validation": 0.2, "test": 0.2, "stratify": True}
    resident, streamed, warned, warned_streamed = both(table_config(path, missing, split=split))
    assert_same(resident, streamed)
    assert warned_streamed == warned


def test_a_warning_counts_the_rows_of_all_blocks(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("color,y\n" + "red,1\n" * 40)
    other = tmp_path / "other.csv"
    other.write_text("color,y\n" + "red,1\n" * 200 + "blue,2\n" * 500)
    config = config_with(
        {"source": "csv", "path": str(path), "target": "y", "test_path": str(other)}
    )
    _, _, warned, warned_streamed = both(config)
    assert warned_streamed == warned
    assert [text.replace(f"{tmp_path}/", "") for text in warned] == [
        "other.csv:202: column 'color': 500 rows have a category that is not in the training part, "
        "such as 'blue'; encoded as zeros"
    ]


def test_parts_in_files_of_their_own_are_streamed(tmp_path: Path) -> None:
    config = table_config(
        write_table(tmp_path / "rows.csv"),
        validation_path=str(write_table(tmp_path / "more.csv", 40, seed=1)),
        test_path=str(write_table(tmp_path / "other.csv", 30, seed=2)),
    )
    resident, streamed, _, _ = both(config)
    assert_same(resident, streamed)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("x,color,y\n" + '1,"a\nb",2\n3,"c ""d""",4\n' * 20, "utf-8"),
        ("\ufeffx,color,y\n" + "1,a,2\n3,b,4\n" * 20, "utf-8"),
        ("x,color,y\n" + "1,é,2\n3,ü,4\n" * 20, "latin-1"),
        ("x,color,y\n" + "1,é,2\n3,ü,4\n" * 20, "utf-16"),
    ],
)
def test_csv_is_read_as_in_memory(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode(encoding))
    data = {"source": "csv", "path": str(path), "target": "y", "encoding": encoding}
    resident, streamed, _, _ = both(config_with(data))
    assert_same(resident, streamed)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(0, 256, (7, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
    return tmp_path / "pictures"


def picture_config(folder: Path, **preprocess: object) -> Config:
    return config_with(
        {"source": "images", "path": str(folder), "image_size": [6, 4]},
        preprocess=preprocess,
        training={"loss": "binary_crossentropy"},
        model={"layers": ["Flatten", {"type": "Dense", "units": 1, "activation": "sigmoid"}]},
    )


@pytest.mark.parametrize("numeric", ["none", "standardize", "minmax"])
def test_streamed_pictures_are_those_in_memory(pictures: Path, numeric: str) -> None:
    resident, streamed, _, _ = both(picture_config(pictures, numeric=numeric))
    assert_same(resident, streamed)


def test_a_part_and_another_file_are_streamed_for_a_saved_run(tmp_path: Path) -> None:
    config = table_config(write_table(tmp_path / "rows.parquet"))
    other = write_table(tmp_path / "other.parquet", 30, seed=3)
    resident = load_dataset(config, SilentReporter())
    with tiny_budget():
        part = load_split(config, resident.preprocessing, "test", SilentReporter())
        labelled = load_part(config, resident.preprocessing, other, SilentReporter())
    assert resident.test is not None
    np.testing.assert_array_equal(part.x[:], resident.test.x[:])
    in_memory = load_part(config, resident.preprocessing, other, SilentReporter())
    assert not isinstance(labelled.x, np.ndarray)
    np.testing.assert_array_equal(labelled.x[:], in_memory.x[:])


def test_pictures_to_predict_are_streamed(pictures: Path) -> None:
    config = picture_config(pictures)
    fitted = load_dataset(config, SilentReporter()).preprocessing
    with tiny_budget():
        streamed = read_inputs(config, fitted, pictures / "cat", SilentReporter())
    resident = read_inputs(config, fitted, pictures / "cat", SilentReporter())
    assert not isinstance(streamed.x, np.ndarray)
    assert streamed.files == resident.files
    np.testing.assert_array_equal(streamed.x[:], resident.x[:])


def test_streaming_is_said_with_its_reason(tmp_path: Path) -> None:
    config = table_config(write_table(tmp_path / "rows.parquet"))
    reporter = Notes()
    with tiny_budget():
        reason = load_dataset(config, reporter).storage.reason
    assert reason == "less than 1 MB as numbers, beyond the budget of 0.0 MB (engine.memory: auto)"
    assert reporter.notes == [f"streamed from the disk: {reason}"]


def test_rows_within_the_budget_stay_in_memory(tmp_path: Path) -> None:
    config = table_config(write_table(tmp_path / "rows.parquet"))
    where = storage_of(requirements_of(config))
    assert not where.streamed
    assert where.reason.startswith("less than 1 MB as numbers, within the budget of ")
    assert where.reason.endswith(" (engine.memory: auto)")


def test_steps_that_need_all_rows_keep_them_in_memory(tmp_path: Path) -> None:
    config = table_config(write_table(tmp_path / "rows.parquet"))
    training = replace(config.training, batch_size="full")
    with tiny_budget():
        where = storage_of(requirements_of(replace(config, training=training)))
    assert not where.streamed
    assert where.reason.endswith("but each step needs all rows at once")


def test_a_budget_is_given_in_megabytes() -> None:
    assert memory_budget(20) == 20_000_000
    assert memory_budget("auto") > 20_000_000
