"""Resident training gives what Keras' `train_on_batch` gives on the same rows."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.training.steps import Batches
from support.training import DENSE, built, class_target, config, dataset, inputs, labels, trained

ROWS = 10
"""Not a multiple of the batch of 4: the last batch has 2 rows."""

NETWORKS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "mlp": ([{"type": "Dense", "units": 5, "activation": "relu"}, DENSE], (6,)),
    "batch-normalization": ([{"type": "Dense", "units": 5}, "BatchNormalization", DENSE], (6,)),
    "dropout": ([{"type": "Dense", "units": 8}, {"type": "Dropout", "rate": 0.5}, DENSE], (6,)),
    "noise": ([{"type": "GaussianNoise", "stddev": 0.5}, DENSE], (6,)),
    "cnn": (
        [
            {"type": "Conv2D", "filters": 2, "kernel_size": 2},
            {"type": "SpatialDropout2D", "rate": 0.5},
            "Flatten",
            DENSE,
        ],
        (4, 4, 1),
    ),
    "lstm": ([{"type": "LSTM", "units": 3, "dropout": 0.3}, DENSE], (4, 2)),
    "augmentation": ([{"type": "RandomFlip"}, "Flatten", DENSE], (4, 4, 1)),
}


def one_by_one(chosen: Config, data: Dataset, epochs: int = 2) -> keras.Sequential:
    """Trains with Keras' `train_on_batch` on the same rows in the same order."""
    model = built(chosen, data)
    size = chosen.training.batch_size
    rows = len(data.train)
    batch = rows if size == "full" else size
    batches = Batches(rows, batch, chosen.seed, chosen.training.shuffle)
    for epoch in range(1, epochs + 1):
        order = batches.order(epoch)
        for begin in range(0, rows, batch):
            numbers = order[begin : begin + batch]
            model.train_on_batch(data.train.x[numbers], data.train.y[numbers])
    return model


def assert_same_weights(first: keras.Sequential, second: keras.Sequential) -> None:
    """Compares the weights of two models within 1e-5."""
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_those_of_train_on_batch(name: str) -> None:
    layers, shape = NETWORKS[name]
    chosen = config(layers, metrics=("accuracy",))
    data = dataset(inputs(ROWS, *shape), labels(ROWS))

    model, _ = trained(chosen, data)

    assert_same_weights(model, one_by_one(chosen, data))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp", "batch-normalization", "dropout"])
def test_compiled_weights_are_those_of_train_on_batch(name: str) -> None:
    layers, shape = NETWORKS[name]
    data = dataset(inputs(ROWS, *shape), labels(ROWS))
    chosen = config(layers, engine={"compile": True}, metrics=("accuracy",))

    model, _ = trained(chosen, data)

    assert_same_weights(model, one_by_one(chosen, data))


DECAY = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 2}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "momentum": {"type": "SGD", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    "schedule": {"type": "Adam", "learning_rate": {**DECAY, "decay_rate": 0.5}},
    "decay-of-weights": {"type": "AdamW", "learning_rate": 0.01, "weight_decay": 0.1},
    "clipping": {"type": "RMSprop", "learning_rate": 0.01, "global_clipnorm": 0.1},
    "accumulation": {"type": "Adam", "learning_rate": 0.01, "gradient_accumulation_steps": 2},
    "ftrl": {"type": "Ftrl", "learning_rate": 0.1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_step_as_in_train_on_batch(name: str) -> None:
    regularized = {"type": "Dense", "units": 4, "kernel_regularizer": "l2"}
    layers = [{**regularized, "kernel_constraint": "max_norm"}, DENSE]
    engine = {"compile": name == "schedule"}
    chosen = config(layers, engine=engine, optimizer=OPTIMIZERS[name], metrics=("accuracy",))
    data = dataset(inputs(ROWS, 6), labels(ROWS))

    model, _ = trained(chosen, data)

    assert_same_weights(model, one_by_one(chosen, data))


def test_loss_and_metrics_of_an_epoch_are_those_of_fit() -> None:
    data = dataset(inputs(ROWS, 6), labels(ROWS))
    chosen = config([DENSE], epochs=1, metrics=("accuracy", "sparse_top_k_categorical_accuracy"))
    order = Batches(ROWS, 4, chosen.seed, shuffle=True).order(1)
    rows, targets = data.train.x[order], data.train.y[order]

    _, history = trained(chosen, data)
    expected = built(chosen, data).fit(rows, targets, 4, shuffle=False, verbose=0).history

    measured = {name: history[0][name] for name in expected}
    assert measured == pytest.approx({name: values[0] for name, values in expected.items()})


@pytest.mark.parametrize("training", [{"batch_size": "full"}, {"shuffle": False}], ids=str)
def test_batches_are_cut_as_the_config_says(training: dict[str, Any]) -> None:
    chosen = config([DENSE], **training)
    data = dataset(inputs(ROWS, 6), labels(ROWS))

    model, _ = trained(chosen, data)

    assert_same_weights(model, one_by_one(chosen, data))


def test_number_of_steps_in_a_call_changes_nothing() -> None:
    data = dataset(inputs(ROWS, 6), labels(ROWS))
    several = config([DENSE], engine={"compile": False, "steps_per_call": 2})
    single = config([DENSE], engine={"compile": False, "steps_per_call": 1})

    first, _ = trained(several, data)
    second, _ = trained(single, data)

    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_weights_are_those_of_keras() -> None:
    x, y = inputs(ROWS, 6), labels(ROWS)
    data = dataset(x, y)
    chosen = config(
        [DENSE], class_weight={"a": 3.0, "c": 0.5}, shuffle=False, epochs=1, metrics=("accuracy",)
    )
    plain = built(chosen, data)

    _, history = trained(chosen, data)
    expected = plain.fit(
        x, y, 4, shuffle=False, verbose=0, class_weight={0: 3.0, 1: 1.0, 2: 0.5}
    ).history

    assert history[0]["loss"] == pytest.approx(expected["loss"][0], rel=1e-5)
    assert history[0]["accuracy"] == pytest.approx(expected["accuracy"][0])


def test_class_weights_of_one_hot_targets_are_those_of_their_classes() -> None:
    x, y = inputs(ROWS, 6), labels(ROWS)
    one_hot = dataset(x, np.eye(3, dtype="float32")[y], class_target("one_hot"))
    training = {"class_weight": {"a": 3.0}, "epochs": 1}

    _, sparse = trained(config([DENSE], **training), dataset(x, y))
    _, dense = trained(config([DENSE], loss="categorical_crossentropy", **training), one_hot)

    assert dense[0]["loss"] == pytest.approx(sparse[0]["loss"], rel=1e-5)
