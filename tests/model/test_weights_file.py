"""The reader of `model.h5` takes arrays of the model and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from dl.errors import ExitCode, RunError
from dl.model.h5 import load_weights
from dl.model.saving import save_model
from support.training import DENSE, built, config, dataset, inputs, labels

CHOSEN = config([{"type": "Dense", "units": 4}, DENSE])
DATA = dataset(inputs(10, 6), labels(10))
KERNEL = "model_weights/dense/sequential/dense/kernel"


@pytest.fixture(scope="module")
def model() -> keras.Sequential:
    """A model of two Dense layers."""
    return built(CHOSEN, DATA)


@pytest.fixture
def saved(model: keras.Sequential, tmp_path: Path) -> Path:
    """The model's file."""
    path = tmp_path / "model.h5"
    save_model(model, path)
    return path


def refused(model: keras.Sequential, path: Path) -> str:
    """Returns why the file is refused; the model must not change."""
    before = model.get_weights()
    with pytest.raises(RunError) as caught:
        load_weights(model, path)
    assert caught.value.exit_code is ExitCode.RUN
    assert all(map(np.array_equal, before, model.get_weights()))
    return str(caught.value)


def external_link(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/model_weights/dense_1/sequential/dense_1/kernel")


def linked_group(file: Any) -> None:
    del file["model_weights/dense"]
    file["model_weights/dense"] = h5py.ExternalLink("other.h5", "/")


def external_storage(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (6, 4), "float32", external=[("/etc/passwd", 0, 96)])


def virtual(file: Any) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout((6, 4), "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (6, 4))
    file.create_virtual_dataset(KERNEL, layout)


def compressed(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, data=np.zeros((6, 4), "float32"), compression="gzip")


@pytest.mark.parametrize(
    "change", [external_link, soft_link, linked_group, external_storage, virtual, compressed]
)
def test_what_leads_elsewhere_is_refused(
    change: Callable[[Any], None], model: keras.Sequential, saved: Path
) -> None:
    with h5py.File(saved, "r+") as file:
        change(file)

    assert f"{saved} holds at /model_weights/dense" in refused(model, saved)


def reshaped(file: Any) -> None:
    del file[KERNEL]
    file[KERNEL] = np.zeros((4, 6), "float32")


def retyped(file: Any) -> None:
    values = file[KERNEL][()]
    del file[KERNEL]
    file[KERNEL] = values.astype("float64")


def renamed(file: Any) -> None:
    file.move("model_weights/dense", "model_weights/other")


def without_a_weight(file: Any) -> None:
    del file[KERNEL]


def with_another_weight(file: Any) -> None:
    file["model_weights/dense/extra"] = 1.0


def without_weights(file: Any) -> None:
    del file["model_weights"]


MISMATCHES: dict[Callable[[Any], None], str] = {
    reshaped: "{} does not fit the model: the shape of sequential/dense/kernel",
    retyped: "{} does not fit the model: the type of sequential/dense/kernel",
    renamed: "{} does not fit the model: its layers",
    without_a_weight: "{} does not fit the model: its weights",
    with_another_weight: "{} does not fit the model: its weights",
    without_weights: "{} is not a model: it has no 'model_weights'",
}


@pytest.mark.parametrize("change", MISMATCHES, ids=lambda change: change.__name__)
def test_first_mismatch_is_named(
    change: Callable[[Any], None], model: keras.Sequential, saved: Path
) -> None:
    with h5py.File(saved, "r+") as file:
        change(file)

    assert refused(model, saved) == MISMATCHES[change].format(saved)


@pytest.mark.parametrize("share", [0, 1, 10, 50, 90, 99])
def test_truncated_file_is_refused(share: int, model: keras.Sequential, saved: Path) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: len(content) * share // 100])

    assert refused(model, saved) == f"{saved} is damaged: it is not a readable HDF5 file"


def test_missing_file_is_refused(model: keras.Sequential, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"

    assert refused(model, path) == f"{path} is missing"


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "bfloat16", "mixed_float16", "mixed_bfloat16"]
)
def test_weights_of_every_type_come_back(dtype: str, tmp_path: Path) -> None:
    """HDF5 knows no bfloat16, and keeps two bytes of no type."""
    chosen = config([{"type": "Dense", "units": 4, "dtype": dtype}, DENSE])
    model, other = built(chosen, DATA), built(chosen, DATA)
    for weight in other.weights:
        weight.assign(weight * 0)
    save_model(model, tmp_path / "model.h5")
    load_weights(other, tmp_path / "model.h5")

    for one, two in zip(model.weights, other.weights, strict=True):
        assert one.dtype == two.dtype
        assert np.array_equal(np.asarray(one), np.asarray(two))
