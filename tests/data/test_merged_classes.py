"""Classes that are made of several values of the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dl.config.schema import Config
from dl.data.load import load_dataset, load_part
from dl.progress import SilentReporter
from support.tables import config_with, told

SPEED = [0, 3, 1, 4, 2, 3, 0, 4, 1, 3]
LATE = [value >= 3 for value in SPEED]
CLASSES = {"soon": ["0", "1", "2"], "late": ["3", "4"]}


def _config(folder: Path, source: str = "csv", speeds: list[int] = SPEED, **engine: int) -> Config:
    frame = pd.DataFrame({"x": np.arange(10.0), "speed": speeds})
    path = folder / f"rows.{source}"
    (frame.to_csv if source == "csv" else frame.to_parquet)(path, index=False)
    data = {"source": source, "path": str(path), "target": "speed", "merge_classes": CLASSES}
    return config_with(
        {**data, "split": {"validation": 0, "test": 0}},
        model={"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        training={"loss": "binary_crossentropy"},
        engine=engine,
    )


@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_each_value_is_of_its_class_in_text_and_in_numbers(source: str, tmp_path: Path) -> None:
    dataset = load_dataset(_config(tmp_path, source), SilentReporter())
    assert dataset.target.classes == ("late", "soon")
    assert (dataset.train.y.reshape(-1) == 0).tolist() == LATE


def test_other_labelled_rows_are_merged_alike(tmp_path: Path) -> None:
    config = _config(tmp_path)
    dataset = load_dataset(config, SilentReporter())
    part = load_part(config, dataset.preprocessing, tmp_path / "rows.csv", SilentReporter())
    assert (part.y.reshape(-1) == 0).tolist() == LATE


def test_a_value_without_a_class_is_told_with_its_row(tmp_path: Path) -> None:
    config = _config(tmp_path, speeds=[*SPEED[:4], 7, *SPEED[5:]])
    assert told(lambda: load_dataset(config, SilentReporter()), tmp_path) == (
        "rows.csv:6: column 'speed' has a value that no class of `data.merge_classes` has\n"
        "expected: one of '3', '4', '0', '1', '2'\n"
        "found: '7'\n"
        "hint: add it to one of them, or correct it"
    )
