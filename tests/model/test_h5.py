"""Saving and loading a model."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import h5py
import numpy as np
import pytest

from dl.errors import DiskError
from dl.model.build import build_model
from dl.model.h5 import load_weights
from dl.model.saving import plain_copy, save_model
from dl.predict.evaluate import predict
from dl.progress import SilentReporter
from support.training import DENSE, config, dataset, inputs, labels, number_target, trained

LAYERS = [{"type": "Dense", "units": 4}, "BatchNormalization", {"type": "Dropout", "rate": 0.5}]
DATA = dataset(inputs(10, 6), labels(10))

PLAIN = """
import json, sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", message="__array__", category=DeprecationWarning)
import keras, numpy as np
assert "dl" not in sys.modules
model = keras.models.load_model(sys.argv[1])
rows = np.load(sys.argv[2])
outputs = model.predict(rows["x"], verbose=0)
history = model.fit(rows["x"], rows["y"], verbose=0, epochs=2).history
names = [type(layer).__name__ for layer in model.layers]
print(json.dumps({"outputs": outputs.tolist(), "history": history, "layers": names}))
"""


def opened_by_plain_keras(model: Any, x: Any, y: Any, folder: Path) -> dict[str, Any]:
    """Returns what a process without dl makes of the saved model."""
    save_model(model, folder / "model.h5")
    np.savez(folder / "rows.npz", x=x, y=y)
    command = [sys.executable, "-c", PLAIN, str(folder / "model.h5"), str(folder / "rows.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_plain_keras_opens_predicts_and_trains_on(tmp_path: Path) -> None:
    chosen = config([*LAYERS, DENSE], metrics=("accuracy",), optimizer="adam")
    model, _ = trained(chosen, DATA)
    x, y = DATA.train.x, DATA.train.y

    found = opened_by_plain_keras(model, x, y, tmp_path)

    np.testing.assert_allclose(found["outputs"], predict(model, x, SilentReporter()), atol=1e-6)
    assert found["layers"] == ["Dense", "BatchNormalization", "Dropout", "Dense"]
    assert set(found["history"]) == {"loss", "sparse_categorical_accuracy"} or set(
        found["history"]
    ) == {"loss", "accuracy"}


@pytest.mark.slow
def test_metric_of_a_scaled_target_is_saved_as_the_metric_itself(tmp_path: Path) -> None:
    target = number_target(scaling="standardize", center=(5.0,), spread=(2.0,))
    data = dataset(inputs(10, 6), np.ones((10, 1), np.float32), target)
    model, _ = trained(config([{"type": "Dense", "units": 1}], loss="mse", metrics=("mae",)), data)

    found = opened_by_plain_keras(model, data.train.x, data.train.y, tmp_path)

    assert set(found["history"]) == {"loss", "mae"}


def test_weights_come_back(tmp_path: Path) -> None:
    chosen = config([*LAYERS, DENSE])
    model, _ = trained(chosen, DATA)
    save_model(model, tmp_path / "model.h5")
    fresh = build_model(chosen, DATA.preprocessing.input_shape)

    load_weights(fresh, tmp_path / "model.h5")

    assert all(map(np.array_equal, fresh.get_weights(), model.get_weights()))


def test_same_training_gives_the_same_bytes(tmp_path: Path) -> None:
    chosen = config([*LAYERS, DENSE])
    digests = set()

    for number in range(2):
        model, _ = trained(chosen, DATA)
        path = tmp_path / f"{number}.h5"
        save_model(model, path)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())

    assert len(digests) == 1


def test_saving_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    chosen = config([*LAYERS, DENSE])
    model, _ = trained(chosen, DATA)
    before = model.get_compile_config()

    save_model(model, tmp_path / "model.h5")

    assert model.get_compile_config() == before
    model.train_on_batch(DATA.train.x, DATA.train.y)


def test_a_plain_copy_can_begin_with_a_layer_that_keras_cannot_add_alone() -> None:
    data = dataset(inputs(6, 8, 8, 3), labels(6))
    model = build_model(config(["Equalization", "Flatten", DENSE]), data.preprocessing.input_shape)

    copy = plain_copy(model)

    np.testing.assert_array_equal(copy(data.train.x), model(data.train.x))


def test_optimizer_that_keras_cannot_read_back_is_left_out(tmp_path: Path) -> None:
    chosen = config([DENSE], optimizer="Lamb")
    model, _ = trained(chosen, DATA)

    save_model(model, tmp_path / "model.h5")

    with h5py.File(tmp_path / "model.h5") as file:
        assert "model_config" in file.attrs
        assert "training_config" not in file.attrs


def test_a_disk_that_is_full_is_a_disk_error_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config([DENSE])
    model, _ = trained(chosen, DATA)
    path = tmp_path / "model.h5"
    path.write_bytes(b"old")
    full = Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(DiskError) as caught:
        save_model(model, path)

    assert str(caught.value) == f"{path} cannot be written: No space left on device"
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_folder_that_is_not_there_is_a_disk_error(tmp_path: Path) -> None:
    chosen = config([DENSE])
    model, _ = trained(chosen, DATA)
    path = tmp_path / "no" / "model.h5"

    with pytest.raises(DiskError) as caught:
        save_model(model, path)

    assert str(caught.value).startswith(f"{path} cannot be written: ")
