"""A training that was stopped ends with the very bits of the one that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.errors import RunError
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.rundir.manifest import list_checkpoints
from dl.rundir.record import read_history
from dl.training import checkpoint as checkpoint_module
from dl.training.checkpoint import Checkpoints, last_checkpoint
from dl.training.fit import fit
from support.training import DENSE, built, config, dataset, inputs, labels, part, ready

HIDDEN = {"type": "Dense", "units": 5, "activation": "relu"}
NOISY = [
    HIDDEN,
    {"type": "BatchNormalization"},
    {"type": "Dropout", "rate": 0.3},
    {"type": "GaussianNoise", "stddev": 0.1},
    DENSE,
]
IMAGES = [
    {"type": "RandomFlip"},
    {"type": "RandomRotation", "factor": 0.1},
    {"type": "Conv2D", "filters": 2, "kernel_size": 3},
    {"type": "Flatten"},
    DENSE,
]
AUGMENTED = [{"type": "AugMix"}, {"type": "Flatten"}, DENSE]
SEQUENCES = [{"type": "LSTM", "units": 3, "dropout": 0.2, "recurrent_dropout": 0.2}, DENSE]
STOP = {
    "type": "EarlyStopping",
    "monitor": "val_loss",
    "patience": 2,
    "min_delta": 0.02,
    "restore_best_weights": True,
}
PLATEAU = {"type": "ReduceLROnPlateau", "monitor": "val_loss", "patience": 1, "min_delta": 0.5}
SCHEDULE = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 3}
DECAY = {"type": "SGD", "learning_rate": {**SCHEDULE, "decay_rate": 0.5}, "momentum": 0.9}
EPOCHS = 6


@pytest.fixture
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a checkpoint written after every epoch, however short."""
    monkeypatch.setattr(checkpoint_module, "LEAST_PAUSE", 0.0)
    monkeypatch.setattr(checkpoint_module, "SHARE", 0)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    with create_run(tmp_path, "case", {"config.yaml": b""}) as created:
        return created


def _data(*shape: int) -> Dataset:
    x, y = inputs(14, *shape), labels(14)
    return dataset(x, y, validation=part(x[:6], y[:6]))


def _after(batches: int) -> Callable[[], bool]:
    """Returns a request to stop that comes after so many looks."""
    left = [batches]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stop


def _train(
    chosen: Config, data: Dataset, run: RunDirectory, stop: Callable[[], bool] = lambda: False
) -> tuple[list[dict[str, float]], list[Array]]:
    """Trains, from the last checkpoint if there is one; returns the history and all variables."""
    model = built(chosen, data)
    checkpoints = Checkpoints(run, {}, last_checkpoint(run, SilentReporter()))
    reporter = SilentReporter()
    history = fit(
        ready(chosen, data, model),
        reporter,
        checkpoints.see,
        folder=run.path,
        should_stop=stop,
        checkpoints=checkpoints,
    )
    checkpoints.write()
    for row in history:
        row["seconds"] = 0
    variables = [*model.variables, *model.optimizer.variables]
    return history, [np.array(variable.numpy()) for variable in variables]


CASES: dict[str, tuple[list[Any], tuple[int, ...], dict[str, Any]]] = {
    "noise": (NOISY, (6,), {}),
    "compiled": (NOISY, (6,), {}),
    "adam": (NOISY, (6,), {"optimizer": {"type": "Adam", "use_ema": True, "ema_momentum": 0.9}}),
    "nadam": (NOISY, (6,), {"optimizer": {"type": "Nadam"}}),
    "schedule": (NOISY, (6,), {"optimizer": DECAY}),
    "stopping": (NOISY, (6,), {"callbacks": (STOP,)}),
    "plateau": (NOISY, (6,), {"callbacks": (PLATEAU,)}),
    "images": (IMAGES, (6, 6, 1), {}),
    "drawn while traced": (AUGMENTED, (6, 6, 3), {}),
    "sequences": (SEQUENCES, (4, 2), {}),
    "mixed_float16": (NOISY, (6,), {"optimizer": DECAY}),
    "mixed_bfloat16": (NOISY, (6,), {"callbacks": (PLATEAU,)}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_stopped_training_ends_with_the_same_bits(
    name: str, run: RunDirectory, tmp_path: Path
) -> None:
    layers, shape, training = CASES[name]
    engine: dict[str, Any] = {"compile": name == "compiled", "steps_per_call": 1}
    if name.startswith("mixed"):
        engine["precision"] = name
    chosen = config(layers, engine, epochs=EPOCHS, **training)
    with create_run(tmp_path, "whole", {}) as whole:
        history, variables = _train(chosen, _data(*shape), whole)

    for looks in (7, 9, 100):
        resumed, after = _train(chosen, _data(*shape), run, _after(looks))

    assert resumed == history
    assert [a.tobytes() for a in after] == [b.tobytes() for b in variables]
    assert len(read_history(run)) == len(history)


def test_checkpoints_are_two_seconds_apart_and_one_ends_the_training(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(checkpoint_module, "time", clock)
    now = 100.0
    checkpoints = Checkpoints(run, {})
    checkpoints.begin({})
    written = []
    for epoch in range(1, 9):
        now += 0.75
        checkpoints.see({"epoch": epoch, "loss": 1.0})
        checkpoints.keep(last=epoch == 8)
        written.append([kept for kept, _ in list_checkpoints(run)][:1])
    assert written == [[], [], [3], [3], [3], [6], [6], [8]]


@pytest.mark.usefixtures("every_epoch")
def test_two_checkpoints_are_kept(run: RunDirectory) -> None:
    _train(config([DENSE], epochs=4), _data(6), run)
    assert [epoch for epoch, _ in list_checkpoints(run)] == [4, 3]


@pytest.mark.usefixtures("every_epoch")
def test_a_torn_checkpoint_is_said_and_the_one_before_serves(run: RunDirectory) -> None:
    _train(config([DENSE], epochs=3), _data(6), run)
    path = list_checkpoints(run)[0][1]
    path.write_bytes(path.read_bytes()[:-7])
    reporter = SilentReporter()
    checkpoint = last_checkpoint(run, reporter)
    assert checkpoint is not None
    assert len(checkpoint.header["history"]) == 2
    assert reporter.warnings == [f"{path} is damaged; the one before it is used"]


def test_every_flipped_bit_of_a_checkpoint_is_found(run: RunDirectory) -> None:
    _train(config([DENSE], epochs=1), _data(6), run)
    path = list_checkpoints(run)[0][1]
    content = path.read_bytes()
    for bit in range(0, 8 * len(content), 97):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(RunError, match="no checkpoint of case/0001 can be used"):
            last_checkpoint(run, SilentReporter())


def test_a_checkpoint_of_another_model_is_refused(run: RunDirectory) -> None:
    _train(config([{**DENSE, "name": "out"}], epochs=1), _data(6), run)
    with pytest.raises(RunError) as caught:
        _train(config([{**HIDDEN, "name": "new"}, DENSE], epochs=2), _data(6), run)
    (problem,) = caught.value.problems
    assert problem.message == "the checkpoint is of another model"
    assert problem.found == "sequential/out/kernel, shape (6, 3), float32"
    assert problem.expected == "sequential/new/kernel, shape (6, 5), float32"
