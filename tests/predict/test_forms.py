"""Other forms of predictions: outputs of a layer, errors of rows, masks as pictures, steps."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml
from PIL import Image

from conftest import Dl
from dl.data.row_errors import read_errors, row_errors, write_errors
from dl.data.target import Target
from dl.predict.evaluate import SavedRun, load_labelled, open_run
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory

pytestmark = pytest.mark.slow
RANDOM = np.random.default_rng(8)
SPLIT = {"validation": 0, "test": 0.25}


def trained(dl: Dl, folder: Path, data: dict[str, Any], layers: list[Any], **training: Any) -> Path:
    section = {"split": SPLIT, **data}
    document = {"name": "run", "data": section, "model": {"layers": layers}, "training": training}
    (folder / "case.yaml").write_text(yaml.safe_dump(document))
    done = dl("train", folder / "case.yaml", "--runs", folder / "runs", "--quiet")
    assert done.code == 0, done.err
    return folder / "runs" / "run" / "0001"


def columns(text: str) -> dict[str, list[str]]:
    header, *rows = csv.reader(io.StringIO(text))
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def saved(run: Path) -> SavedRun:
    return open_run(RunDirectory(run), SilentReporter())


def test_errors_and_layers_of_an_autoencoder(dl: Dl, tmp_path: Path) -> None:
    layers = [
        {"type": "Dropout", "rate": 0.2},
        {"type": "Dense", "units": 3, "activation": "relu", "name": "code"},
        {"type": "Dense", "units": 4},
    ]
    data = {"source": "builtin", "dataset": "iris", "target": "inputs"}
    run = trained(dl, tmp_path, data, layers, loss="mse", epochs=2)
    opened = saved(run)
    train = load_labelled(opened, None, "train", SilentReporter()).x[:]
    test = load_labelled(opened, None, "test", SilentReporter()).x[:]

    def errors(x: Any) -> Any:
        return ((opened.model(x, training=False).numpy() - x) ** 2).mean(axis=1)

    kept = read_errors(RunDirectory(run))
    assert kept is not None
    np.testing.assert_allclose(kept, np.sort(errors(train)), rtol=1e-4)
    told = dl("predict", run, "--error")
    said = columns(told.out)
    assert list(said)[-2:] == ["error", "unusual"]
    assert len(said) == 6
    np.testing.assert_allclose(np.array(said["error"], float), errors(test), rtol=1e-4)
    assert "error: the mean squared error of a row; unusual: above" in told.err
    for quantile in (0.99, 0.5):
        said = columns(dl("predict", run, "--error", "--quantile", quantile).out)
        above = np.array(said["error"], float) > np.quantile(kept, quantile)
        assert np.array(said["unusual"], int).tolist() == above.astype(int).tolist()

    part = keras.Model(opened.model.inputs[0], opened.model.get_layer("code").output)
    said = columns(dl("predict", run, "--layer", "code").out)
    assert list(said) == ["code_1", "code_2", "code_3"]
    found = np.array(list(said.values()), np.float32).T
    np.testing.assert_array_equal(found, part(test, training=False).numpy())

    unknown = dl("predict", run, "--layer", "cod")
    assert unknown.code != 0
    assert unknown.err.endswith(
        "error: there is no layer 'cod'\n"
        "expected: one of 3 layers: dropout, code, dense\n"
        "hint: name a layer by `name` in the config\n"
    )
    assert dl("predict", run, "--layer", "code", "--error").err == (
        "error: --layer and --error exclude each other\nhint: leave all but one of them out\n"
    )


def test_masks_are_written_as_pictures_of_the_values(dl: Dl, tmp_path: Path) -> None:
    for number in range(8):
        mask = RANDOM.integers(0, 2, (9, 6)).astype(np.uint8)
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        pixels = RANDOM.integers(0, 256, (9, 6, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(mask * 255).save(tmp_path / "masks" / f"{number}.png")
    data = {"source": "images", "path": "images", "masks": "masks", "image_size": [6, 4]}
    data |= {"classes": ["ground", "pet"], "mask_values": [0, 255]}
    layers = [{"type": "Conv2D", "filters": 1, "kernel_size": 1, "activation": "sigmoid"}]
    run = trained(dl, tmp_path, data, layers, loss="binary_crossentropy", epochs=1)
    told = dl("predict", run, tmp_path / "images", "--masks", tmp_path / "out")
    said = columns(told.out)
    assert list(said) == ["file", "mask", "fraction_ground", "fraction_pet"]
    opened = saved(run)
    part = Path(said["file"][0])
    from dl.data.sources.images import read_picture

    x = read_picture(part, (6, 4, 3))[np.newaxis] / np.float32(255)
    guess = opened.model(x, training=False).numpy()[0, ..., 0] >= 0.5
    assert float(said["fraction_pet"][0]) == pytest.approx(guess.mean())
    written = np.asarray(Image.open(said["mask"][0]))
    assert Path(said["mask"][0]) == tmp_path / "out" / "0.png"
    assert written.shape == (9, 6)
    rows = ((np.arange(9) + 0.5) * 6 / 9).astype(int)
    across = ((np.arange(6) + 0.5) * 4 / 6).astype(int)
    np.testing.assert_array_equal(written, 255 * guess[np.ix_(rows, across)])
    refused = dl("predict", run, tmp_path / "images", "--masks", tmp_path / "masks")
    assert refused.err == (
        f"error: {tmp_path / 'masks'} is a folder of the data\n"
        "hint: name another file: nothing was written\n"
    )
    measured = dl("evaluate", run, "--data", tmp_path)
    assert measured.code == 0


def test_steps_are_joined(dl: Dl, tmp_path: Path) -> None:
    x = RANDOM.normal(size=(24, 3, 2)).astype(np.float32)
    y = np.array(["a", "b"])[(x[..., 0] > 0).astype(int)]
    np.savez(tmp_path / "rows.npz", x_train=x, y_train=y)
    layers = [{"type": "Dense", "units": 2, "activation": "softmax"}]
    data = {"source": "npz", "path": "rows.npz"}
    loss = "sparse_categorical_crossentropy"
    run = trained(dl, tmp_path, data, layers, loss=loss, epochs=1)
    separate = columns(dl("predict", run).out)
    joined = columns(dl("predict", run, "--join", "-").out)
    steps = [separate[f"prediction_{step}"] for step in range(3)]
    assert joined == {"prediction": ["-".join(row) for row in zip(*steps, strict=True)]}
    refused = dl("predict", run, "--masks", tmp_path / "out")
    assert refused.err == (
        "error: --masks has no meaning for run/0001\n"
        "expected: a model that predicts a class at each pixel\n"
        "hint: leave --masks out\n"
    )
    assert dl("predict", run, "--error").err.startswith(
        "error: --error has no meaning for run/0001"
    )


@pytest.mark.parametrize(
    ("loss", "own"),
    [
        ("MeanSquaredError", keras.losses.mean_squared_error),
        ("MeanAbsoluteError", keras.losses.mean_absolute_error),
        ("BinaryCrossentropy", keras.losses.binary_crossentropy),
        ("Huber", keras.losses.mean_squared_error),
    ],
)
def test_the_error_of_a_row_is_its_loss(loss: str, own: Any, tmp_path: Path) -> None:
    x, outputs = RANDOM.random((2, 5, 3, 2)).astype(np.float32)
    target = Target("regression", ("inputs",), "numbers", units=1)
    found = row_errors(loss, x, outputs, target)
    expected = np.asarray(own(x.reshape(5, -1), outputs.reshape(5, -1)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_of_very_many_errors_the_quantiles_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dl.rundir.folders import create_run

    monkeypatch.setattr("dl.data.row_errors.MOST_ERRORS", 1000)
    errors = RANDOM.random(3001)
    with create_run(tmp_path, "run", {}) as run:
        write_errors(run, errors)
        kept = read_errors(run)
    assert kept is not None
    np.testing.assert_allclose(kept, np.quantile(errors, np.linspace(0, 1, 1000)))
