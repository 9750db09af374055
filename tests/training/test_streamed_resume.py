"""Every kind of data: streamed and killed in the middle of an epoch, it ends with the same bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.csv
import pytest
from PIL import Image
from scipy.io import wavfile

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.rundir.record import read_history
from dl.training import checkpoint, front, steps
from dl.training.checkpoint import Checkpoints, last_checkpoint
from dl.training.fit import fit
from support.streaming import tiny_budget
from support.tables import config_with
from support.training import built, ready

pytestmark = pytest.mark.slow

ROWS = 24
EPOCHS = 2
HIDDEN = {"type": "Dense", "units": 5, "activation": "relu"}
DROPOUT = {"type": "Dropout", "rate": 0.3}
NOISE = {"type": "GaussianNoise", "stddev": 0.2}
LAYERS = ["Flatten", HIDDEN, "BatchNormalization", DROPOUT]
CLASSES = [*LAYERS, {"type": "Dense", "units": 2, "activation": "softmax"}]
STEPS = [{"type": "GRU", "units": 5, "return_sequences": True}, *CLASSES[2:]]
PLACES = {"type": "Conv2D", "filters": 2, "kernel_size": 3, "padding": "same"}
MEL = {"type": "MelSpectrogram", "fft_length": 64, "sequence_stride": 32, "num_mel_bins": 8}
Case = tuple[dict[str, object], list[Any], dict[str, object]]


class _KilledError(Exception):
    """Ends a training at once, as SIGKILL does: nothing more is written."""


def _numbers(*shape: int) -> Any:
    return np.random.default_rng(0).random(shape)


def _table(folder: Path) -> dict[str, object]:
    kinds = ["x" if i % 3 else "y" for i in range(ROWS)]
    a, b, c = _numbers(3, ROWS)
    path = folder / "rows.csv"
    pyarrow.csv.write_csv(pyarrow.table({"a": a, "b": b, "c": c, "kind": kinds}), path)
    return {"source": "csv", "path": str(path), "target": "kind"}


def _texts(folder: Path) -> dict[str, object]:
    words = np.random.default_rng(0).choice(["good", "bad", "dull", "long"], (ROWS, 5))
    rows = {"text": [" ".join(row) for row in words], "a": np.arange(ROWS), "kind": ["x", "y"] * 12}
    path = folder / "texts.csv"
    pyarrow.csv.write_csv(pyarrow.table(rows), path)
    return {"source": "csv", "path": str(path), "target": "kind", "columns": {"text": "text"}}


def _characters(folder: Path) -> dict[str, object]:
    path = folder / "text.txt"
    path.write_text("ab" * 26)  # of 52 characters the windows of 39 train
    window = {"length": 12, "outputs": "each"}
    return {"source": "characters", "path": str(path), "window": window, **_in_order("rows")}


def _series(folder: Path) -> dict[str, object]:
    path = folder / "series.csv"
    pyarrow.csv.write_csv(pyarrow.table({"day": np.arange(40), "y": np.sin(np.arange(40))}), path)
    window = {"length": 6, "outputs": 2}
    place = {"source": "csv", "path": str(path), "target": "y"}
    return {**place, "window": window, **_in_order("time", "day")}


def _in_order(order: str, by: str | None = None) -> dict[str, object]:
    return {"split": {"validation": 0.25, "test": 0, "order": order, **({"by": by} if by else {})}}


def _pictures(folder: Path) -> dict[str, object]:
    random = np.random.default_rng(0)
    for i in range(ROWS):
        _save(folder / "pictures" / _class(i) / f"{i}.png", random.integers(0, 256, (4, 3, 3)))
    return {"source": "images", "path": str(folder / "pictures"), "image_size": [4, 3]}


def _masks(folder: Path) -> dict[str, object]:
    random = np.random.default_rng(0)
    for i in range(ROWS):
        _save(folder / "images" / f"{i}.png", random.integers(0, 256, (4, 3, 3)))
        _save(folder / "masks" / f"{i}.png", random.integers(0, 2, (4, 3)))
    paths = {"path": str(folder / "images"), "masks": str(folder / "masks")}
    return {"source": "images", **paths, "image_size": [4, 3]}


def _sounds(folder: Path) -> dict[str, object]:
    for i, samples in enumerate(_numbers(ROWS, 300).astype(np.float32)):
        path = folder / "sounds" / _class(i) / f"{i}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(path, 8000, samples)
    return {"source": "audio", "path": str(folder / "sounds"), "rate": 8000, "seconds": 0.03}


def _class(i: int) -> str:
    return "cat" if i % 3 else "dog"


def _save(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


SPARSE: dict[str, object] = {"loss": "sparse_categorical_crossentropy"}
CUTMIX: dict[str, object] = {"loss": "categorical_crossentropy", "mixing": {"type": "cutmix"}}
QUANTILES: dict[str, object] = {"loss": {"type": "Quantile", "quantiles": [0.1, 0.5, 0.9]}}
CASES: dict[str, Callable[[Path], Case]] = {
    "csv": lambda folder: (_table(folder), CLASSES, SPARSE),
    "csv, last batch whole": lambda folder: (_table(folder), CLASSES, {**SPARSE, "batch_size": 6}),
    "images": lambda folder: (_pictures(folder), CLASSES, SPARSE),
    "cutmix": lambda folder: (_pictures(folder), CLASSES, CUTMIX),
    "masks": lambda folder: (
        _masks(folder),
        [PLACES, DROPOUT, {**PLACES, "activation": "softmax"}],
        SPARSE,
    ),
    "sounds": lambda folder: (_sounds(folder), [{**MEL, "sampling_rate": 8000}, *CLASSES], SPARSE),
    "autoencoder": lambda folder: (
        {**_table(folder), "target": "inputs", "exclude": ["kind"]},
        [NOISE, HIDDEN, {"type": "Dense", "units": 3}],
        {"loss": "mse"},
    ),
    "autoencoder of pictures": lambda folder: (
        {**_pictures(folder), "target": "inputs"},
        [NOISE, {**PLACES, "filters": 3}],
        {"loss": "mse"},
    ),
    "autoencoder of windows": lambda folder: (
        {**_series(folder), "target": "inputs", "window": {"length": 6}},
        [
            {"type": "Conv1D", "filters": 3, "kernel_size": 3, "padding": "same"},
            DROPOUT,
            {"type": "Dense", "units": 1},
        ],
        {"loss": "mse"},
    ),
    "tokens": lambda folder: (
        {**_texts(folder), "features": ["text"]},
        [
            {"type": "Embedding", "input_dim": 6, "output_dim": 3, "mask_zero": True},
            {"type": "LSTM", "units": 3},
            *CLASSES[-2:],
        ],
        SPARSE,
    ),
    "counted tokens": lambda folder: (_texts(folder), CLASSES, SPARSE),
    "windows": lambda folder: (
        _series(folder),
        [*LAYERS, {"type": "Dense", "units": 2}],
        {"loss": "mse"},
    ),
    "changes": lambda folder: (
        {**_series(folder), "window": {"length": 6, "outputs": 2, "difference": True}},
        [*LAYERS, {"type": "Dense", "units": 2}],
        {"loss": "mse"},
    ),
    "characters": lambda folder: (_characters(folder), STEPS, SPARSE),
    "quantiles": lambda folder: (
        {**_table(folder), "target": "c", "features": ["a", "b"]},
        [*LAYERS, {"type": "Dense", "units": 3}],
        QUANTILES,
    ),
    "phases": lambda folder: (
        _table(folder),
        [{**HIDDEN, "name": "front"}, *CLASSES],
        {**SPARSE, "phases": [{"epochs": 1, "freeze": ["front"]}, {"epochs": 1}]},
    ),
    "frozen front": lambda folder: (
        _table(folder),
        [{**HIDDEN, "trainable": False}, *CLASSES],
        {**SPARSE, "front": "once"},
    ),
}


def _config(case: Case) -> Config:
    data, layers, training = case
    engine = {"compile": False, "steps_per_call": 2, "front": training.get("front", "auto")}
    chosen = {"batch_size": 5, **training}
    chosen.pop("front", None)
    if "phases" not in training:
        chosen["epochs"] = EPOCHS
    output = "tf_idf" if "Embedding" not in str(layers) else "int"
    return config_with(
        {"split": {"validation": 0.25, "test": 0}, **data},
        preprocess={"text": {"output": output}} if "columns" in data else {},
        model={"layers": layers},
        training=chosen,
        engine=engine,
    )


def _train(
    config: Config, data: Dataset, run: RunDirectory, stop: Callable[[], bool] = lambda: False
) -> tuple[list[dict[str, float]], list[bytes]]:
    """Trains, from the last checkpoint if there is one; returns the history and all variables."""
    model = built(config, data)
    checkpoints = Checkpoints(run, {}, last_checkpoint(run, SilentReporter()))
    prepared, see = ready(config, data, model), checkpoints.see
    history = fit(prepared, SilentReporter(), see, should_stop=stop, checkpoints=checkpoints)
    rows = [{name: row[name] for name in row if name != "seconds"} for row in history]
    variables = [*model.variables, *model.optimizer.variables]
    return rows, [variable.numpy().tobytes() for variable in variables]


def _kill_in_epoch_2(run: RunDirectory) -> Callable[[], bool]:
    seen = iter(range(2))

    def killed() -> bool:
        if run.history.exists() and next(seen, None) is None:
            raise _KilledError
        return False

    return killed


@pytest.mark.parametrize("name", CASES)
def test_a_killed_training_on_streamed_rows_ends_with_the_bits_of_one_in_memory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "LEAST_PAUSE", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 0)
    config = _config(CASES[name](tmp_path))
    resident = load_dataset(config, SilentReporter())
    with tiny_budget():
        data = load_dataset(config, SilentReporter())
    assert data.storage.streamed
    with create_run(tmp_path, "whole", {}) as whole:
        undisturbed = _train(config, resident, whole)
    monkeypatch.setattr(front, "memory_budget", lambda setting: 0)
    row_bytes = int(np.prod(data.train.x.shape[1:])) * 4
    monkeypatch.setattr(steps, "BLOCK_BYTES", 3 * 5 * row_bytes)  # some calls an epoch
    with create_run(tmp_path, "killed", {}) as killed:
        with pytest.raises(_KilledError):
            _train(config, data, killed, _kill_in_epoch_2(killed))
        assert len(read_history(killed)) == 1
        assert _train(config, data, killed) == undisturbed
