"""A training on rows that lie on the disk, killed in the middle of an epoch, goes on exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.rundir.record import read_history
from dl.training import checkpoint, steps
from dl.training.checkpoint import Checkpoints, last_checkpoint
from dl.training.fit import fit
from support.streaming import tiny_budget
from support.tables import config_with
from support.training import built, ready

pytestmark = pytest.mark.slow

ROWS = 48
EPOCHS = 3
LAYERS = [
    "Flatten",
    {"type": "Dense", "units": 5, "activation": "relu"},
    "BatchNormalization",
    {"type": "Dropout", "rate": 0.3},
    {"type": "Dense", "units": 2, "activation": "softmax"},
]
STEPS = [{"type": "GRU", "units": 5, "return_sequences": True}, *LAYERS[2:]]


class _KilledError(Exception):
    """Ends a training at once, as SIGKILL does: nothing more is written."""


def _table(folder: Path, suffix: str) -> dict[str, object]:
    random = np.random.default_rng(0)
    kinds = ["x" if i % 3 else "y" for i in range(ROWS)]
    table = pyarrow.table({"a": random.random(ROWS), "b": random.random(ROWS), "kind": kinds})
    path = folder / f"rows.{suffix}"
    if suffix == "csv":
        pyarrow.csv.write_csv(table, path)
    else:
        pyarrow.parquet.write_table(table, path, row_group_size=20)
    return {"source": suffix, "path": str(path), "target": "kind"}


def _texts(folder: Path) -> dict[str, object]:
    words = np.random.default_rng(0).choice(["good", "bad", "dull", "long"], (ROWS, 5))
    rows = {"text": [" ".join(row) for row in words], "a": np.arange(ROWS), "kind": ["x", "y"] * 24}
    path = folder / "texts.csv"
    pyarrow.csv.write_csv(pyarrow.table(rows), path)
    return {"source": "csv", "path": str(path), "target": "kind", "columns": {"text": "text"}}


def _characters(folder: Path) -> dict[str, object]:
    path = folder / "text.txt"
    path.write_text("ab" * 32)  # 36 windows train, and 12 validate
    window = {"length": 12, "outputs": "each"}
    split = {"validation": 0.25, "test": 0, "order": "rows"}
    return {"source": "characters", "path": str(path), "window": window, "split": split}


def _pictures(folder: Path) -> dict[str, object]:
    random = np.random.default_rng(0)
    for i in range(ROWS):
        path = folder / "pictures" / ("cat" if i % 3 else "dog") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (4, 3, 3), dtype=np.uint8)).save(path)
    return {"source": "images", "path": str(folder / "pictures"), "image_size": [4, 3]}


def _config(data: dict[str, object], batch_size: int) -> Config:
    return config_with(
        {"split": {"validation": 0.25, "test": 0}, **data},
        model={"layers": STEPS if "window" in data else LAYERS},
        training={
            "loss": "sparse_categorical_crossentropy",
            "batch_size": batch_size,
            "epochs": EPOCHS,
        },
        engine={"compile": False, "steps_per_call": 2},
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


def _kill_after(looks: int) -> Callable[[], bool]:
    left = iter(range(looks))

    def killed() -> bool:
        if next(left, None) is None:
            raise _KilledError
        return False

    return killed


@pytest.mark.parametrize(
    ("source", "batch_size"),
    [("csv", 5), ("csv", 6), ("parquet", 5), ("images", 5), ("texts", 5), ("characters", 5)],
    ids=[
        "csv, last batch of 1",
        "csv, last batch whole",
        "parquet",
        "images",
        "texts",
        "characters",
    ],
)
def test_a_killed_training_goes_on_with_the_same_bits(
    source: str, batch_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "LEAST_PAUSE", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 0)
    makers = {"images": _pictures, "texts": _texts, "characters": _characters}
    made = makers[source](tmp_path) if source in makers else _table(tmp_path, source)
    config = _config(made, batch_size)
    with tiny_budget():
        data = load_dataset(config, SilentReporter())
    batch_bytes = batch_size * int(np.prod(data.train.x.shape[1:])) * 4
    monkeypatch.setattr(steps, "BLOCK_BYTES", 3 * batch_bytes)
    assert data.storage.streamed
    assert len(data.train) == 36
    with create_run(tmp_path, "whole", {}) as whole, create_run(tmp_path, "killed", {}) as killed:
        undisturbed = _train(config, data, whole)
        for looks, epochs in ((7, 1), (7, 2)):
            with pytest.raises(_KilledError):
                _train(config, data, killed, _kill_after(looks))
            assert len(read_history(killed)) == epochs
        assert _train(config, data, killed) == undisturbed
