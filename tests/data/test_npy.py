"""The source `npy`: a file of numpy for each row."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.data.types import Array
from dl.progress import SilentReporter
from support.tables import config_with, told

EXPECTED = (
    "expected: an array of integers, floats or truth values, as numpy.save writes it: objects are "
    "never read, they could run code"
)
HINT = "hint: save it again: numpy.save(FILE, array)"


def row(number: int, shape: tuple[int, ...] = (3, 4, 5)) -> Array:
    return np.random.default_rng(number).normal(size=shape).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of each of two classes."""
    for number in range(4):
        home = tmp_path / "volumes" / ("ill" if number % 2 else "healthy")
        home.mkdir(parents=True, exist_ok=True)
        np.save(home / f"{number}.npy", row(number))
    return tmp_path / "volumes"


def load(folder: Path, first: object = "Flatten", memory: object = "auto", **data: Any) -> Dataset:
    settings = {"source": "npy", "path": str(folder), "split": {"validation": 0, "test": 0}, **data}
    last = {"type": "Dense", "units": 1, "activation": "sigmoid"}
    config = config_with(
        settings,
        model={"layers": [first, "Flatten", last]},
        training={"loss": "binary_crossentropy"},
        engine={"memory": memory},
    )
    return load_dataset(config, SilentReporter())


def test_each_file_is_a_row(folder: Path) -> None:
    dataset = load(folder)
    np.testing.assert_array_equal(dataset.train.x[:], [row(0), row(2), row(1), row(3)])
    assert dataset.train.y[:].reshape(-1).tolist() == [0, 0, 1, 1]


def test_orders_of_axes_and_bytes_are_those_of_this_machine(folder: Path) -> None:
    np.save(folder / "healthy" / "0.npy", np.asfortranarray(row(0)))
    np.save(folder / "healthy" / "2.npy", row(2).astype(">f4"))
    np.testing.assert_array_equal(load(folder).train.x[:2], [row(0), row(2)])


def test_volumes_get_an_axis_of_channels(folder: Path) -> None:
    convolution = {"type": "Conv3D", "filters": 2, "kernel_size": 2}
    assert load(folder, convolution).train.x.shape == (4, 3, 4, 5, 1)


def test_streamed_rows_are_those_in_memory(folder: Path) -> None:
    for number, file in enumerate(sorted(folder.rglob("*.npy"))):
        np.save(file, row(number, (300, 300)))
    kept, streamed = load(folder), load(folder, memory=1)
    assert streamed.storage.streamed
    np.testing.assert_array_equal(streamed.train.x[:], kept.train.x[:])


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("values", "message", "found"),
    [
        (np.array("a"), "does not hold numbers", "the type <U1"),
        (np.zeros(3, complex), "does not hold numbers", "the type complex128"),
        (np.float32(3), "is a single number", "the shape ()"),
    ],
)
def test_other_arrays_are_refused(folder: Path, values: Array, message: str, found: str) -> None:
    np.save(folder / "healthy" / "2.npy", values)
    assert told(lambda: load(folder), folder) == (
        f"healthy/2.npy: {message}\n{EXPECTED}\nfound: {found}\n{HINT}"
    )


def test_objects_are_never_unpickled(folder: Path) -> None:
    sprung = folder.parent / "sprung"
    file = folder / "healthy" / "2.npy"
    np.save(file, np.array([Trap(sprung)], object), allow_pickle=True)
    assert told(lambda: load(folder), folder) == (
        f"healthy/2.npy: holds Python objects\n{EXPECTED}\nfound: the type object\n{HINT}"
    )
    file.write_bytes(pickle.dumps(Trap(sprung)))
    assert told(lambda: load(folder), folder).startswith("healthy/2.npy: is not a complete .npy")
    assert not sprung.exists()


def test_files_that_are_cut_off_are_refused(folder: Path) -> None:
    file = folder / "healthy" / "2.npy"
    whole = file.read_bytes()
    for end in range(0, len(whole), 29):
        file.write_bytes(whole[:end])
        assert told(lambda: load(folder), folder).startswith("healthy/2.npy: is not a complete")


def test_other_shapes_and_types_name_both_files(folder: Path) -> None:
    np.save(folder / "ill" / "1.npy", row(1, (3, 4, 6)))
    assert told(lambda: load(folder), folder) == (
        "ill/1.npy: has another shape than the other files\n"
        "expected: (3, 4, 5), as in healthy/0.npy\n"
        "found: (3, 4, 6)\n"
        "hint: save all files alike"
    )
    np.save(folder / "ill" / "1.npy", row(1).astype(np.float64))
    assert told(lambda: load(folder), folder).startswith(
        "ill/1.npy: has another type of numbers than the other files"
    )


def test_value_that_is_no_number_names_its_file(folder: Path) -> None:
    values = row(3)
    values[1, 2, 3] = np.nan
    np.save(folder / "ill" / "3.npy", values)
    assert told(lambda: load(folder), folder).startswith(
        "ill/3.npy: an input is not a finite number"
    )
