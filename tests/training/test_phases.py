"""Phases of a training: what learns in each, with which optimizer, and how they follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.schema import Config, schedule_of, with_steps
from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.model import keras
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.training import checkpoint as checkpoint_module
from dl.training.checkpoint import Checkpoints, last_checkpoint
from dl.training.fit import fit
from dl.training.setup import enter
from support.training import DENSE, built, config, dataset, inputs, labels, part, ready, trained

FRONT = {"type": "Dense", "units": 5, "activation": "relu", "name": "front"}
HEAD = {**DENSE, "name": "head"}
LAYERS = [FRONT, {"type": "BatchNormalization", "name": "norm"}, HEAD]
NOISY = [*LAYERS[:2], {"type": "Dropout", "rate": 0.3}, HEAD]
SGD = {"type": "SGD", "learning_rate": 0.1, "momentum": 0.9}
ADAM = {"type": "Adam", "learning_rate": 0.01}
AVERAGED = {**ADAM, "use_ema": True, "ema_momentum": 0.9}
STOP = {
    "type": "EarlyStopping",
    "monitor": "val_loss",
    "patience": 1,
    "min_delta": 9.0,
    "restore_best_weights": True,
}
PLATEAU = {"type": "ReduceLROnPlateau", "monitor": "val_loss", "patience": 1, "min_delta": 0.5}


def _config(*phases: dict[str, Any], layers: Any = LAYERS, **training: Any) -> Config:
    return config(layers, {"steps_per_call": 1}, phases=phases, **training)


def _data() -> Dataset:
    x, y = inputs(14, 6), labels(14)
    return dataset(x, y, validation=part(x[:6], y[:6]))


def test_each_phase_trains_as_keras_does_with_these_layers_frozen() -> None:
    chosen = _config(
        {"epochs": 2, "freeze": ["front", "norm"]},
        {"epochs": 3, "optimizer": ADAM},
        {"epochs": 2, "train_only": ["h*"], "learning_rate": 0.003},
        batch_size="full",
        shuffle=False,
        optimizer=SGD,
    )
    data = _data()
    plain = built(chosen, data)
    weights = plain.get_weights()

    model, history = trained(chosen, data)

    losses: list[float] = []
    plain.set_weights(weights)
    adam = keras.optimizers.Adam(0.01)
    for epochs, frozen, optimizer in (
        (2, ("front", "norm"), keras.optimizers.SGD(0.1, 0.9)),
        (3, (), adam),
        (2, ("front", "norm"), adam),
    ):
        for layer in plain.layers:
            layer.trainable = layer.name not in frozen
        plain.compile(optimizer, chosen.training.loss.parameters["name"])
        if epochs == 2 and optimizer is adam:
            adam.learning_rate = 0.003
        x, y = data.train.x[:], data.train.y
        losses += plain.fit(x, y, 14, epochs, verbose=0, shuffle=False).history["loss"]
    assert [row["loss"] for row in history] == pytest.approx(losses, rel=1e-4)
    for own, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-3, atol=1e-5)
    assert [row["phase"] for row in history] == [1, 1, 2, 2, 2, 3, 3]


def test_a_frozen_layer_keeps_its_weights_and_its_statistics() -> None:
    chosen = _config({"epochs": 2, "freeze": ["norm", "fr*"]})
    before = {layer.name: layer.get_weights() for layer in built(chosen, _data()).layers}

    model, _ = trained(chosen, _data())

    for layer in model.layers:
        same = [
            np.array_equal(old, new)
            for old, new in zip(before[layer.name], layer.get_weights(), strict=True)
        ]
        assert all(same) == (layer.name != "head")


def test_a_layer_that_the_config_fixes_learns_in_no_phase() -> None:
    layers = [{**FRONT, "trainable": False}, *LAYERS[1:]]
    chosen = _config({"epochs": 1, "freeze": ["norm"]}, {"epochs": 1}, layers=layers)
    data = _data()
    prepared = ready(chosen, data)

    enter(prepared, chosen.phases[1])

    learning = [weight.path for weight in prepared.model.trainable_weights]
    assert [plan.frozen for plan in chosen.phases] == [{"front", "norm"}, {"front"}]
    assert sorted(path.split("/")[1] for path in learning) == ["head", "head", "norm", "norm"]


@pytest.mark.parametrize(
    ("second", "goes_on"),
    [
        ({}, True),
        ({"freeze": ["front", "norm"], "learning_rate": 0.5}, True),
        ({"freeze": ["norm"]}, False),
        ({"freeze": ["front"], "optimizer": SGD}, False),
    ],
)
def test_an_optimizer_goes_on_where_it_knows_all_that_learns(
    second: dict[str, Any], goes_on: bool
) -> None:
    first = {"epochs": 2, "freeze": ["front"]} if second else {"epochs": 2}
    chosen = _config(first, {"epochs": 1, **second}, optimizer=ADAM, batch_size="full")

    model, history = trained(chosen, _data())

    assert chosen.phases[1].goes_on is goes_on
    assert int(model.optimizer.iterations) == (3 if goes_on else 1)
    rate = second.get("learning_rate", 0.1 if "optimizer" in second else 0.01)
    assert history[-1]["learning_rate"] == pytest.approx(rate)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"optimizer": AVERAGED}, {"freeze": ["front"]}),
        ({"optimizer": {**SGD, "learning_rate": "decay"}}, {"learning_rate": 0.1}),
    ],
)
def test_an_optimizer_that_cannot_go_on_begins_anew(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    decay = {"type": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 3}
    if first["optimizer"]["learning_rate"] == "decay":
        first = {"optimizer": {**SGD, "learning_rate": decay}}
    chosen = _config({"epochs": 1, **first}, {"epochs": 1, **second}, batch_size="full")

    model, _ = trained(chosen, _data())

    assert int(model.optimizer.iterations) == 1


def test_early_stopping_ends_its_phase_and_begins_anew_in_the_next() -> None:
    chosen = _config({"epochs": 5}, {"epochs": 3, "callbacks": []}, callbacks=[STOP])

    _, history = trained(chosen, _data())

    assert [row["phase"] for row in history] == [1, 1, 2, 2, 2]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5]


def test_a_saved_best_model_is_the_best_of_all_phases(tmp_path: Path) -> None:
    saved = {
        "type": "ModelCheckpoint",
        "filepath": "best.keras",
        "monitor": "loss",
        "save_best_only": True,
    }
    worse = {**SGD, "learning_rate": 50.0}
    chosen = _config({"epochs": 2}, {"epochs": 2, "optimizer": worse}, callbacks=[saved])

    _, history = trained(chosen, _data(), folder=tmp_path)

    losses = [row["loss"] for row in history]
    assert min(losses[:2]) < min(losses[2:])
    best = keras.saving.load_model(tmp_path / "best.keras")
    kept, _ = trained(_config({"epochs": 1 + losses.index(min(losses))}), _data())
    for own, theirs in zip(best.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_the_schedule_of_a_phase_is_counted_in_its_epochs_and_batches() -> None:
    decay = {"type": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": "50 %"}
    own = {"epochs": 4, "batch_size": 5, "optimizer": {**SGD, "learning_rate": decay}}
    chosen = with_steps(_config({"epochs": 2}, own), rows=10)

    schedule = schedule_of(chosen.phases[1].training)

    assert schedule is not None
    assert schedule.parameters["decay_steps"] == 4


PHASES: dict[str, tuple[Any, ...]] = {
    "goes on": (
        {"epochs": 2, "optimizer": ADAM},
        {"epochs": 2, "train_only": ["head"], "learning_rate": 0.5, "batch_size": 3},
    ),
    "stopped": (
        {"epochs": 4, "callbacks": [STOP], "optimizer": AVERAGED},
        {"epochs": 3, "freeze": ["norm"], "callbacks": [PLATEAU]},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PHASES)
def test_a_training_stopped_in_any_phase_ends_with_the_same_bits(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = _config(*PHASES[name], layers=NOISY)
    with create_run(tmp_path, "whole", {}) as run:
        history, variables = _stopped(chosen, run, 99)
    monkeypatch.setattr(checkpoint_module, "LEAST_PAUSE", 0.0)

    with create_run(tmp_path, "cut", {}) as run:
        for epoch in (1, 2, 3, len(history)):
            resumed, after = _stopped(chosen, run, epoch)
            assert resumed == history[:epoch]

    assert [a.tobytes() for a in after] == [b.tobytes() for b in variables]


def _stopped(
    chosen: Config, run: RunDirectory, last: int
) -> tuple[list[dict[str, float]], list[Array]]:
    """Trains on from the last checkpoint up to an epoch; returns the history, all variables."""
    model = built(chosen, _data())
    checkpoints = Checkpoints(run, {}, last_checkpoint(run, SilentReporter()))
    history = fit(
        ready(chosen, _data(), model),
        SilentReporter(),
        checkpoints.see,
        folder=run.path,
        should_stop=lambda: len(checkpoints.rows) >= last,
        checkpoints=checkpoints,
    )
    checkpoints.write()
    variables = [*model.variables, *model.optimizer.variables]
    kept = [np.array(variable.numpy()) for variable in variables]
    return [{**row, "seconds": 0} for row in history], kept
