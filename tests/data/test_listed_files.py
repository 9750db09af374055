"""Files that hold a row each: listed in a table, and those that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset, load_part
from dl.errors import UsageError
from dl.progress import SilentReporter
from support.tables import config_with, told

SHADES = tuple(range(0, 240, 20))
"""The shade of each picture, by which a row is known."""


class Notes(SilentReporter):
    """Keeps what is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures `a0.png`, `a1.png`, … and a table of them with several targets."""
    (tmp_path / "photos").mkdir()
    for place, shade in enumerate(SHADES):
        Image.new("L", (3, 2), shade).save(tmp_path / "photos" / f"a{place}.png")
    rows = pd.DataFrame({"file": [f"a{place}.png" for place in range(len(SHADES))]})
    rows["kind"] = ["day" if shade > 100 else "night" for shade in SHADES]
    rows["shade"] = np.array(SHADES) / 2
    rows["dark"] = [int(shade < 100) for shade in SHADES]
    rows["even"] = [int(place % 2 == 0) for place in range(len(SHADES))]
    rows["patient"] = [f"p{place // 2}" for place in range(len(SHADES))]
    rows["part"] = ["train", "train", "validation", "test"] * 3
    rows["id"] = [f"a{place}" for place in range(len(SHADES))]
    rows.to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


def config(folder: Path, loss: str = "mse", memory: object = "auto", **data: object) -> Config:
    settings: dict[str, object] = {
        "source": "images",
        "path": str(folder / "photos"),
        "table": str(folder / "labels.csv"),
        "column": "file",
        "target": "shade",
        "image_size": [2, 3],
        "color": "grayscale",
        "split": {"validation": 0.25, "test": 0.25},
        **data,
    }
    if settings["table"] is None:
        settings = {k: v for k, v in settings.items() if k not in ("table", "column", "target")}
    layer = {"type": "Dense", "units": 1 if isinstance(settings.get("target", ""), str) else 2}
    activation = "linear" if loss == "mse" else "sigmoid"
    return config_with(
        settings,
        model={"layers": ["Flatten", {**layer, "activation": activation}]},
        training={"loss": loss},
        engine={"memory": memory},
    )


def load(folder: Path, **data: Any) -> Dataset:
    return load_dataset(config(folder, **data), SilentReporter())


def edit(folder: Path, column: str, row: int, value: object) -> None:
    rows = pd.read_csv(folder / "labels.csv", dtype=object)
    rows.loc[row, column] = value
    rows.to_csv(folder / "labels.csv", index=False)


def test_targets_are_those_of_the_rows(folder: Path) -> None:
    dataset = load(folder)
    for part in dataset.parts.values():
        assert part.y.reshape(-1).tolist() == [SHADES[row] / 2 for row in part.rows]
        shades = np.round(part.x[:, 0, 0, 0] * 255).astype(int)
        assert shades.tolist() == [SHADES[row] for row in part.rows]
    assert dataset.target.names == ("shade",)


def test_words_are_classes_and_several_columns_labels(folder: Path) -> None:
    one = load(folder, target="kind", loss="binary_crossentropy")
    assert (one.target.names, one.target.classes) == (("kind",), ("day", "night"))
    several = load(folder, target=["dark", "even"], loss="binary_crossentropy")
    assert several.target.task == "multilabel"
    assert several.target.classes == ("dark", "even")
    rows = several.train.rows
    expected = [[int(SHADES[row] < 100), int(row % 2 == 0)] for row in rows]
    assert several.train.y.tolist() == expected


def test_parts_are_as_a_column_says(folder: Path) -> None:
    by_column = load(folder, split={"column": "part"})
    assert by_column.train.rows.tolist() == [0, 1, 4, 5, 8, 9]
    by_group = load(folder, split={"by": "patient", "validation": 0.25, "test": 0.25})
    groups = [{row // 2 for row in part.rows.tolist()} for part in by_group.parts.values()]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 6


def test_other_parts_have_tables_of_their_own(folder: Path) -> None:
    rows = pd.read_csv(folder / "labels.csv")
    rows[:8].to_csv(folder / "train.csv", index=False)
    rows[8:].to_csv(folder / "test.csv", index=False)
    tables = {"table": str(folder / "train.csv"), "test_path": str(folder / "test.csv")}
    dataset = load(folder, **tables)
    assert dataset.test is not None
    assert dataset.test.y.reshape(-1).tolist() == [80, 90, 100, 110]
    rows[7:].to_csv(folder / "test.csv", index=False)
    assert told(lambda: load(folder, **tables), folder) == (
        "test.csv:2: names a file for the second time: photos/a7.png\n"
        "expected: one row for each file: its copies in several parts would be known by heart\n"
        "found: the same file at train.csv:9\n"
        "hint: delete one of the rows"
    )


def test_streamed_rows_are_those_in_memory(folder: Path) -> None:
    kept, streamed = load(folder), load(folder, memory=1, image_size=[300, 300])
    assert streamed.storage.streamed
    assert streamed.train.rows.tolist() == kept.train.rows.tolist()
    shades = np.round(streamed.train.x[:][:, 0, 0, 0] * 255).astype(int)
    assert shades.tolist() == [SHADES[row] for row in kept.train.rows]


def test_endings_are_added(folder: Path) -> None:
    assert load(folder, column="id", ending=".png").train.rows.tolist()
    assert told(lambda: load(folder, column="id"), folder) == (
        "labels.csv:2: photos/a0: there is no such file\n"
        "hint: where the names lack the endings of the files, write `ending: .jpg` below `data`"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "../labels.csv",
            "labels.csv:4: names a file outside of the folder of the data: "
            "photos/../labels.csv\n"
            "expected: a file inside photos: a data set is one folder\n"
            "found: '../labels.csv'\n"
            "hint: write its path from that folder on, or name a folder above it in `data.path`",
        ),
        (
            "/etc/passwd",
            "labels.csv:4: names a file outside of the folder of the data: /etc/passwd\n"
            "expected: a file inside photos: a data set is one folder\n"
            "found: '/etc/passwd'\n"
            "hint: write its path from that folder on, or name a folder above it in `data.path`",
        ),
        (
            "",
            "labels.csv:4: column 'file' has no value\n"
            "expected: the name of a file in each row\n"
            "hint: fill it in, or delete the row",
        ),
        (
            "a0.png",
            "labels.csv:4: names a file for the second time: photos/a0.png\n"
            "expected: one row for each file: its copies in several parts would be known by "
            "heart\n"
            "found: the same file at labels.csv:2\n"
            "hint: delete one of the rows",
        ),
        (
            "b",
            "labels.csv:4: photos/b: there is no such file\n"
            "hint: where the names lack the endings of the files, write `ending: .jpg` below "
            "`data`",
        ),
        (".", "labels.csv:4: photos: is a folder\nexpected: a file\nhint: name a file inside it"),
    ],
)
def test_rows_without_a_file_are_refused(folder: Path, value: str, expected: str) -> None:
    edit(folder, "file", 2, value)
    said = told(lambda: load(folder), folder).replace(f"{folder}", "")
    assert said == expected


def test_link_out_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "photos" / "a3.png").rename(folder / "elsewhere.png")
    os.symlink(folder / "elsewhere.png", folder / "photos" / "a3.png")
    assert told(lambda: load(folder), folder).startswith(
        "labels.csv:5: names a file outside of the folder of the data: photos/a3.png"
    )


def test_missing_target_names_its_row(folder: Path) -> None:
    edit(folder, "shade", 5, "")
    assert told(lambda: load(folder), folder) == (
        "labels.csv:7: the target `shade` has no value\n"
        "expected: a finite number\n"
        "found: a missing value\n"
        "hint: give the value or delete the row: the model cannot learn from it"
    )


def test_missing_column_is_refused(folder: Path) -> None:
    assert told(lambda: load(folder, column="image"), folder).startswith(
        "labels.csv: there is no column 'image'"
    )


def test_corrupt_file_names_its_row(folder: Path) -> None:
    (folder / "photos" / "a4.png").write_bytes(b"no picture")
    assert told(lambda: load(folder), folder) == (
        "labels.csv:6: photos/a4.png: is not a picture\n"
        "expected: a complete picture: BMP, GIF, JPEG, PNG, TIFF, WEBP\n"
        "found: a file of another kind\n"
        "hint: replace or delete the file"
    )


@pytest.mark.parametrize("memory", ["auto", 1])
def test_corrupt_files_are_left_out_and_told(folder: Path, memory: object) -> None:
    for place in (4, 7):
        (folder / "photos" / f"a{place}.png").write_bytes(b"no picture")
    reporter = Notes()
    size = [300, 300] if memory == 1 else [2, 3]
    dataset = load_dataset(config(folder, memory=memory, corrupt="skip", image_size=size), reporter)
    kept = sorted(row for part in dataset.parts.values() for row in part.rows.tolist())
    assert kept == [row for row in range(len(SHADES)) if row not in (4, 7)]
    for part in dataset.parts.values():
        shades = np.round(part.x[:][:, 0, 0, 0] * 255).astype(int)
        assert shades.tolist() == [SHADES[row] for row in part.rows]
        assert part.y.reshape(-1).tolist() == [SHADES[row] / 2 for row in part.rows]
    told_of = f"{folder}/labels.csv:6: {folder}/photos/a4.png: is not a picture, "
    told_of += f"{folder}/labels.csv:9: {folder}/photos/a7.png: is not a picture"
    assert f"left out: 2 of 12 pictures (data.corrupt: skip): {told_of}" in reporter.notes


def class_folders(folder: Path) -> Path:
    for place in range(len(SHADES)):
        home = folder / "photos" / ("day" if place % 2 else "night")
        home.mkdir(exist_ok=True)
        (folder / "photos" / f"a{place}.png").rename(home / f"a{place}.png")
    return folder / "photos"


def test_corrupt_files_of_class_folders_are_left_out(folder: Path) -> None:
    photos = class_folders(folder)
    (photos / "day" / "a1.png").write_bytes(b"")
    reporter = Notes()
    split = {"validation": 0, "test": 0}
    settings: dict[str, Any] = {"table": None, "loss": "binary_crossentropy", "split": split}
    dataset = load_dataset(config(folder, corrupt="skip", **settings), reporter)
    assert np.bincount(dataset.train.y.reshape(-1).astype(int)).tolist() == [5, 6]
    assert (
        f"left out: 1 of 12 pictures (data.corrupt: skip): {photos}/day/a1.png: is not a picture"
        in (reporter.notes)
    )
    assert told(lambda: load(folder, **settings), folder).startswith("photos/day/a1.png: is not a")
    for file in (photos / "day").iterdir():
        file.write_bytes(b"")
    assert told(lambda: load(folder, corrupt="skip", **settings), folder) == (
        "photos/day: no picture of the class can be read\n"
        "expected: one or more\n"
        "found: 6 that are left out (`corrupt: skip`)\n"
        "hint: replace them, or delete or move the folder"
    )


def test_other_tables_are_labelled_and_predicted(folder: Path) -> None:
    settings = config(folder, target="kind", loss="binary_crossentropy")
    fitted = load_dataset(settings, SilentReporter()).preprocessing
    other = folder / "other"
    other.mkdir()
    for place in (1, 9):
        (folder / "photos" / f"a{place}.png").rename(other / f"a{place}.png")
    rows = pd.read_csv(folder / "labels.csv").iloc[[1, 9]]
    rows.to_csv(other / "labels.csv", index=False)
    part = load_part(settings, fitted, other / "labels.csv", SilentReporter())
    assert part.y.reshape(-1).tolist() == [1, 0]
    rows[["file", "id"]].to_csv(other / "unlabelled.csv", index=False)
    found = open_blocks(settings, fitted, other / "unlabelled.csv", SilentReporter(), ["id"])
    (block,) = found.read(lambda done: None)
    assert block.kept["id"].to_pylist() == ["a1", "a9"]
    assert np.round(block.x[:, 0, 0, 0] * 255).tolist() == [20, 180]
    rows[["file"]].to_csv(folder / "nowhere.csv", index=False)
    assert told(
        lambda: open_blocks(settings, fitted, folder / "nowhere.csv", SilentReporter()), folder
    ) == ("nowhere.csv:2: photos/a1.png: there is no such file")
    with pytest.raises(UsageError):
        open_blocks(settings, fitted, other, SilentReporter(), ["id"])
