"""Training on rows that lie on the disk, against the same rows in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Dl
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.storage import ScratchFile
from dl.data.types import Array, Part, Storage
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.training import steps
from dl.training.checkpoint import Checkpoints, last_checkpoint
from dl.training.fit import fit
from support.streaming import tiny_budget
from support.training import DENSE, built, config, dataset, inputs, labels, part, ready, trained

ROWS = 43
BATCH = 4


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three batches of five numbers."""
    monkeypatch.setattr(steps, "BLOCK_BYTES", 3 * BATCH * 5 * 4)


def stored(rows: Part) -> Part:
    return Part(ScratchFile().stored(rows.x[:]), rows.y, rows.rows)


def on_disk(data: Dataset) -> Dataset:
    validation = None if data.validation is None else stored(data.validation)
    storage = Storage(True, "for the test")
    return replace(data, train=stored(data.train), validation=validation, storage=storage)


def without_seconds(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def both(
    chosen: Config, x: Array | None = None, validation: Part | None = None
) -> tuple[list[dict[str, float]], list[dict[str, float]], list[Array], list[Array]]:
    """Returns history and weights, of rows in memory and of those on the disk."""
    data = dataset(inputs(ROWS, 5) if x is None else x, labels(ROWS), validation=validation)
    model, history = trained(chosen, data)
    other, streamed_history = trained(chosen, on_disk(data))
    return (
        without_seconds(history),
        without_seconds(streamed_history),
        model.get_weights(),
        other.get_weights(),
    )


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"shuffle": False},
        {"sampling": "with_replacement"},
        {"class_weight": "balanced", "metrics": ("accuracy",)},
        {"batch_size": 40},
    ],
    ids=str,
)
def test_history_and_weights_are_those_in_memory(training: dict[str, Any]) -> None:
    validation = part(inputs(11, 5), labels(11))
    first, second, weights, others = both(config([DENSE], **training), validation=validation)
    assert second == first
    for weight, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(other, weight)


def test_compiled_steps_are_those_in_memory() -> None:
    engine = {"compile": True, "steps_per_call": 5}
    first, second, weights, others = both(config([DENSE], engine))
    assert second == first
    for weight, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(other, weight)


def test_token_numbers_are_trained_as_in_memory() -> None:
    layers = [{"type": "Embedding", "input_dim": 9, "output_dim": 2}, "Flatten", DENSE]
    tokens = np.random.default_rng(0).integers(0, 9, (ROWS, 5)).astype(np.int32)
    first, second, _, _ = both(config(layers), tokens)
    assert second == first


def test_evaluation_and_prediction_are_those_in_memory() -> None:
    chosen = config([DENSE])
    rows = part(inputs(ROWS, 5), labels(ROWS))
    model = built(chosen, dataset(inputs(ROWS, 5), labels(ROWS)))
    assert evaluate(model, stored(rows), chosen) == evaluate(model, rows, chosen)
    np.testing.assert_array_equal(
        predict(model, stored(rows).x, SilentReporter()), predict(model, rows.x, SilentReporter())
    )


def test_a_training_that_is_stopped_keeps_its_whole_epochs() -> None:
    data = on_disk(dataset(inputs(ROWS, 5), labels(ROWS)))
    asked = iter([False] * 5 + [True] * 100)
    _, history = trained(config([DENSE]), data, should_stop=lambda: next(asked))
    assert [row["epoch"] for row in history] == [1]


def test_a_stopped_training_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    chosen = config([DENSE], {"compile": False, "steps_per_call": 2}, epochs=4)
    whole = with_checkpoints(chosen, tmp_path / "whole", lambda: False)
    asked = iter([False] * 9 + [True] * 100)
    stopped = with_checkpoints(chosen, tmp_path / "stopped", lambda: next(asked))
    assert len(stopped[0]) == 1
    assert with_checkpoints(chosen, tmp_path / "stopped", lambda: False) == whole


def with_checkpoints(
    chosen: Config, root: Path, stop: Callable[[], bool]
) -> tuple[list[dict[str, float]], list[bytes]]:
    """Trains rows on the disk, from the last checkpoint if there is one."""
    if not root.exists():
        with create_run(root, "case", {}):
            pass
    run = RunDirectory(root / "case" / "0001")
    checkpoints = Checkpoints(run, {}, last_checkpoint(run, SilentReporter()))
    data = on_disk(dataset(inputs(ROWS, 5), labels(ROWS)))
    model = built(chosen, data)
    history = fit(
        ready(chosen, data, model),
        SilentReporter(),
        checkpoints.see,
        should_stop=stop,
        checkpoints=checkpoints,
    )
    checkpoints.write()
    weights = [*model.variables, *model.optimizer.variables]
    return without_seconds(history), [variable.numpy().tobytes() for variable in weights]


TABLE = """\
seed: 3
data: {source: csv, path: rows.csv, target: kind, split: {validation: 0.2, test: 0.2}}
model: {layers: [{type: Dense, units: 1, activation: sigmoid}]}
training: {loss: binary_crossentropy, metrics: [accuracy], batch_size: 8, epochs: 2}
"""


@pytest.mark.slow
def test_a_whole_run_is_that_in_memory(dl: Dl, drawn: None, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'yes' if a > b else 'no'}" for a, b in random.random((90, 2))]
    (tmp_path / "rows.csv").write_text("a,b,kind\n" + "\n".join(rows))
    (tmp_path / "case.yaml").write_text(TABLE)
    resident = Path(dl("train", tmp_path / "case.yaml", "--runs", tmp_path).out.split()[-1])
    with tiny_budget():
        outcome = dl("train", tmp_path / "case.yaml", "--runs", tmp_path)
        other = Path(outcome.out.split()[-1])
        predictions = [dl("predict", run, "--split", "test").out for run in (resident, other)]
        metrics = [dl("evaluate", run, "--json").out for run in (resident, other)]
    assert "streamed from the disk: " in outcome.err
    assert json.loads((other / "run.json").read_text())["engine"]["rows"] == "streamed"
    assert (other / "model.h5").read_bytes() == (resident / "model.h5").read_bytes()
    for name in ("metrics.json", "preprocess.json", "resolved.yaml"):
        assert (other / name).read_text() == (resident / name).read_text()
    assert predictions[1] == predictions[0]
    assert metrics[1].replace(str(other), "") == metrics[0].replace(str(resident), "")
    assert sorted(path.name for path in (other / "plots").iterdir()) == sorted(
        path.name for path in (resident / "plots").iterdir()
    )
