"""The front: a config to parts, and what was learned applied to other rows."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.data import CsvData, Split
from dl.config.schema import Config
from dl.data.dataset import Dataset, Preprocessing
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset, load_part, load_split
from dl.data.resolve import resolve_config
from dl.data.types import Array, Part
from dl.errors import RunError
from dl.progress import SilentReporter
from dl.rundir.typed import read_as
from support.tables import config_with, told

HEADER = "id,color,day,x,y\n"
SILENT = SilentReporter()


def rows(count: int, start: int = 0) -> str:
    lines = (
        f"{i},{'red' if i % 3 else 'blue'},2024-01-{i % 28 + 1:02},{i / 4},{i * 2}\n"
        for i in range(start, start + count)
    )
    return "".join(lines)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(HEADER + rows(40))
    return path


def csv_config(path: Path, preprocess: Mapping[str, object] | None = None, **data: Any) -> Config:
    section = {"source": "csv", "path": str(path), "target": "y", **data}
    return config_with(section, preprocess=dict(preprocess or {}))


def load(config: Config) -> tuple[Dataset, Preprocessing]:
    """Loads, and passes what was fitted through JSON."""
    dataset = load_dataset(config, SILENT)
    return dataset, read_as(Preprocessing, json.loads(dataset.preprocessing.text()))


def inputs(
    config: Config,
    fitted: Preprocessing,
    source: Path | io.BytesIO,
    reporter: SilentReporter = SILENT,
) -> Array:
    """Returns all rows to predict of a table."""
    chunks = open_blocks(config, fitted, source, reporter)
    return np.concatenate([chunk.x for chunk in chunks.read(lambda done: None)])


def same(first: Part | None, second: Part | None) -> bool:
    assert first is not None
    assert second is not None
    return (
        np.array_equal(first.x, second.x)
        and np.array_equal(first.y, second.y)
        and np.array_equal(first.rows, second.rows)
    )


def test_parts_have_their_shares(path: Path) -> None:
    dataset, _ = load(csv_config(path))
    assert dataset.validation is not None
    assert dataset.test is not None
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [28, 4, 8]


def test_rows_are_positions_in_the_file(path: Path) -> None:
    dataset, _ = load(csv_config(path))
    assert np.array_equal(dataset.train.y[:, 0], dataset.train.rows * 2)


def test_info_names_features_and_target(path: Path) -> None:
    dataset, fitted = load(csv_config(path, features=["x", "color"]))
    assert dataset.preprocessing.feature_names == ("x", "color=blue", "color=red")
    assert dataset.target.names == ("y",)
    assert dataset.preprocessing.input_shape == (3,)
    assert fitted == dataset.preprocessing


def test_preprocessing_is_learned_from_the_training_rows_only(path: Path) -> None:
    dataset, fitted = load(csv_config(path, features=["x"]))
    assert fitted.features[0].center == pytest.approx(dataset.train.rows.mean() / 4)
    assert dataset.train.x.mean() == pytest.approx(0, abs=1e-6)


def test_given_parts_take_no_share(path: Path, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("y,x,day,color,id\n7,1,2024-01-05,red,3\n")
    config = csv_config(path, test_path=str(tmp_path / "test.csv"))
    dataset, _ = load(config)
    assert dataset.test is not None
    assert dataset.test.y.tolist() == [[7]]
    assert len(dataset.train) == 36
    assert resolve_config(config, dataset).data.split.test == 0


def test_given_part_without_a_column(path: Path, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("y,x,day,id\n7,1,2024-01-05,3\n")
    config = csv_config(path, test_path=str(tmp_path / "test.csv"))
    assert told(lambda: load(config), tmp_path) == (
        "test.csv: there is no column 'color'\nexpected: one of y, x, day, id"
    )


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("missing", ["error", "drop"])
def test_a_part_is_read_again_as_it_was(path: Path, split: str, missing: str) -> None:
    if missing == "drop":
        path.write_text(HEADER + rows(20) + ",,,,\n" + rows(20, 20))
    config = csv_config(path, {"missing": missing})
    dataset, fitted = load(config)
    assert same(load_split(config, fitted, split, SILENT), getattr(dataset, split))


def test_a_part_that_there_is_not(path: Path) -> None:
    config = csv_config(path, split={"validation": 0, "test": 0})
    _, fitted = load(config)
    assert told(lambda: load_split(config, fitted, "test", SILENT)) == (
        "the run has no test part\n"
        "hint: train with `data.split.test` above 0, or name rows with `--data FILE`"
    )


def test_a_part_of_a_file_that_has_changed(path: Path) -> None:
    config = csv_config(path)
    _, fitted = load(config)
    path.write_text(HEADER + rows(41))
    with pytest.raises(RunError) as caught:
        load_split(config, fitted, "test", SILENT)
    assert caught.value.problems[0].message == f"{path}: has changed since the run"


def test_another_labelled_file(path: Path, tmp_path: Path) -> None:
    config = csv_config(path)
    dataset, fitted = load(config)
    other = tmp_path / "other.csv"
    other.write_text(path.read_text())
    part = load_part(config, fitted, other, SILENT)
    assert np.array_equal(part.x[dataset.train.rows], dataset.train.x)
    assert np.array_equal(part.y[dataset.train.rows], dataset.train.y)


def test_another_file_without_the_target(path: Path, tmp_path: Path) -> None:
    config = csv_config(path)
    _, fitted = load(config)
    (tmp_path / "other.csv").write_text("id,color,day,x\n1,red,2024-01-01,2\n")
    assert (
        told(lambda: load_part(config, fitted, tmp_path / "other.csv", SILENT), tmp_path)
        == "other.csv: there is no target column 'y'\nexpected: one of id, color, day, x"
    )


def test_inputs_ignore_order_target_and_other_columns(path: Path, tmp_path: Path) -> None:
    config = csv_config(path)
    dataset, fitted = load(config)
    other = tmp_path / "other.csv"
    other.write_text("y,x,note,day,color,id\nno number,0.25,hello,2024-01-02,red,1\n")
    part = load_part(config, fitted, path, SILENT)
    assert np.array_equal(inputs(config, fitted, other), part.x[1:2])
    assert dataset.preprocessing.input_shape == part.x.shape[1:]


def test_inputs_from_a_stream(path: Path) -> None:
    config = csv_config(path)
    _, fitted = load(config)
    stream = io.BytesIO(path.read_bytes())
    from_file = inputs(config, fitted, path)
    assert np.array_equal(inputs(config, fitted, stream), from_file)


def test_fault_in_a_stream(path: Path) -> None:
    config = csv_config(path)
    _, fitted = load(config)
    stream = io.BytesIO(b"id,color,day,x\n1,red,soon,2\n")
    assert told(lambda: inputs(config, fitted, stream)).startswith(
        "standard input:2: column 'day' is a date, but this is not one that can be read"
    )


def test_missing_inputs_are_filled_if_training_rows_were_dropped(path: Path) -> None:
    path.write_text(HEADER + rows(20) + "20,red,,5,40\n" + rows(20, 21))
    config = csv_config(path, {"missing": "drop"})
    _, fitted = load(config)
    stream = io.BytesIO(b"id,color,day,x\n,,,\n1,red,2024-01-05,2\n")
    assert len(inputs(config, fitted, stream)) == 2


def test_numbers_at_prediction_may_be_written_in_another_way(path: Path) -> None:
    config = csv_config(path, features=["x"])
    _, fitted = load(config)
    written = [b"x\n2\n", b"x\n2.0\n", b"x\n002\n", b'x\n" 2e0"\n']
    found = {float(inputs(config, fitted, io.BytesIO(text))[0, 0]) for text in written}
    assert len(found) == 1


def test_unseen_category_in_a_part_warns(path: Path) -> None:
    config = csv_config(path)
    _, fitted = load(config)
    reporter = SilentReporter()
    stream = io.BytesIO(b"id,color,day,x\n1,green,2024-01-05,2\n")
    inputs(config, fitted, stream, reporter)
    assert reporter.warnings == [
        "standard input:2: column 'color': 1 row has a category that is not in the training part, "
        "such as 'green'; encoded as zeros"
    ]


def test_training_from_the_complete_config_repeats_the_run(path: Path) -> None:
    config = csv_config(path)
    dataset, _ = load(config)
    completed = resolve_config(config, dataset)
    again, _ = load(completed)
    assert same(dataset.train, again.train)
    assert same(dataset.validation, again.validation)
    assert same(dataset.test, again.test)
    assert resolve_config(completed, again) == completed


def test_the_complete_config_is_explicit(path: Path) -> None:
    config = csv_config(path)
    data = resolve_config(config, load_dataset(config, SILENT))
    assert isinstance(data.data, CsvData)
    assert data.data.features == ("id", "color", "day", "x")
    assert data.data.columns == {
        "id": "numeric",
        "color": "categorical",
        "day": "date",
        "x": "numeric",
    }
    assert (data.data.task, data.data.classes) == ("regression", None)
    assert data.preprocess.numeric == "standardize"
    assert data.data.split.stratify is False
    assert data.model.input_shape == (9,)


def test_classes_are_kept_in_proportion(path: Path) -> None:
    config = config_with(
        {"source": "csv", "path": str(path), "target": "color"},
        model={"layers": [{"type": "Dense", "units": 2, "activation": "softmax"}]},
        training={"loss": "sparse_categorical_crossentropy"},
    )
    dataset, fitted = load(config)
    assert dataset.test is not None
    assert np.bincount(dataset.test.y).tolist() == [3, 5]
    assert dataset.target.classes == ("blue", "red")
    assert fitted.split == Split(validation=0.1, test=0.2, stratify=True)


def test_fingerprint_is_of_all_files(path: Path, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(HEADER + rows(1))
    alone = load_dataset(csv_config(path), SILENT).preprocessing.fingerprint
    both = load_dataset(
        csv_config(path, test_path=str(tmp_path / "test.csv")), SILENT
    ).preprocessing.fingerprint
    assert len(alone) == 64
    assert alone != both


def test_synthetic_gates_are_not_split() -> None:
    config = config_with({"source": "synthetic", "dataset": "xor"})
    dataset, _ = load(config)
    assert (len(dataset.train), dataset.validation, dataset.test) == (4, None, None)
    assert resolve_config(config, dataset).data.split.test == 0


class _Stages(SilentReporter):
    def __init__(self) -> None:
        super().__init__()
        self.titles: list[str] = []

    def stage(self, title: str, total: int | None = None) -> Any:
        self.titles.append(title)
        return super().stage(title, total)


def test_stages_are_told(path: Path) -> None:
    stages = _Stages()
    load_dataset(csv_config(path), stages)
    assert stages.titles == [f"Reading {path}", "Preparing the rows"]


def test_the_reading_of_an_npz_file_is_told_once(tmp_path: Path) -> None:
    path, stages = tmp_path / "rows.npz", _Stages()
    np.savez(path, x_train=np.zeros((8, 2), np.float32), y_train=np.arange(8) % 2)
    load_dataset(config_with({"source": "npz", "path": str(path)}), stages)
    assert stages.titles == [f"Reading {path}", "Preparing the rows"]


def test_arrays_from_standard_input() -> None:
    config = config_with({"source": "synthetic", "dataset": "xor"})
    _, fitted = load(config)
    assert told(lambda: open_blocks(config, fitted, io.BytesIO(b""), SILENT)) == (
        "standard input: can hold CSV rows only, but this model takes arrays or images\n"
        "hint: name a file or folder instead of `-`"
    )


def test_config_document_round_trips(path: Path) -> None:
    dataset, fitted = load(csv_config(path))
    assert fitted == dataset.preprocessing
