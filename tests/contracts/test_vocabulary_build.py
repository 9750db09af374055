"""Every entry of the vocabulary builds in Keras and is used for a step on tiny arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from campaigns.samples import ROWS, layer_sample, loss_sample, metric_sample, sample_spec
from dl.model.build import build_model
from dl.model.objects import build_object
from dl.vocabulary.catalog import Entry, entries
from dl.vocabulary.spec import Kind, document
from support.training import config
from support.vocabulary import check_object

pytestmark = pytest.mark.slow

EVERY_ENTRY = [entry for kind in Kind for entry in entries(kind).values()]


def built(kind: Kind, name: str, **parameters: object) -> Any:
    """Returns the Keras object of an entry with the least parameters."""
    return build_object(sample_spec(kind, name, **parameters), seed=0, path=(), fast=False)


def names(kind: Kind) -> list[str]:
    return [entry.name for entry in entries(kind).values() if not entry.own]


def fit_once(*, optimizer: Any = "sgd", callbacks: Any = (), **dense: Any) -> keras.Sequential:
    """Trains a tiny model for one step and returns it."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, **dense)])
    model.compile(optimizer, "mean_squared_error", run_eagerly=True)
    x, y = np.ones((ROWS, 3), "float32"), np.ones((ROWS, 2), "float32")
    history = model.fit(x, y, verbose=0, callbacks=list(callbacks), validation_data=(x, y))
    assert np.isfinite(history.history["loss"]).all()
    return model


@pytest.mark.parametrize("entry", EVERY_ENTRY, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_document_of_a_spec_gives_the_spec(entry: Entry) -> None:
    spec = sample_spec(entry.kind, entry.name)

    assert check_object(entry.kind, document(spec)) == (spec, [])


@pytest.mark.parametrize("name", names(Kind.LAYER))
def test_layer_trains_a_step(name: str) -> None:
    sample = layer_sample(name)
    x = sample.rows()
    layers = [] if name == "Input" else [built(Kind.LAYER, name)]
    # Rescaling turns whole numbers, as Hashing gives them, into numbers that Dense takes.
    head = [keras.layers.Rescaling(1.0), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(sample.shape, dtype=x.dtype), *layers, *head])
    model.compile("sgd", "mean_squared_error", run_eagerly=True)

    loss = model.train_on_batch(x, np.zeros((ROWS, *model.output_shape[1:])))

    assert np.isfinite(loss)


@pytest.mark.parametrize("name", names(Kind.LAYER))
def test_layer_begins_with_the_same_values_each_time(name: str) -> None:
    sample = layer_sample(name)
    layers = [] if name == "Input" else [sample.parameters]
    chosen = config([*layers, {"type": "Rescaling", "scale": 1.0}])
    shape = sample.rows().shape[1:]

    first, second = (build_model(chosen, shape) for _ in range(2))

    for one, other in zip(first.variables, second.variables, strict=True):
        assert np.array_equal(np.asarray(one), np.asarray(other)), one.path


@pytest.mark.parametrize("name", names(Kind.CELL))
def test_cell_trains_a_step_in_a_recurrent_layer(name: str) -> None:
    cell = sample_spec(Kind.CELL, name)
    layer = built(Kind.LAYER, "RNN", cell=document(cell))
    model = keras.Sequential([keras.Input((3, 2)), layer])
    model.compile("sgd", "mean_squared_error", run_eagerly=True)

    loss = model.train_on_batch(np.ones((ROWS, 3, 2)), np.zeros((ROWS, 2)))

    assert np.isfinite(loss)


@pytest.mark.parametrize("name", names(Kind.LOSS))
def test_loss_trains_a_step(name: str) -> None:
    sample = loss_sample(name)
    shape = sample.predictions.shape[1:]
    activation = "softmax" if shape[-1] > 1 else "sigmoid"
    layers = [keras.layers.Dense(int(np.prod(shape)), activation), keras.layers.Reshape(shape)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", built(Kind.LOSS, name), run_eagerly=True)

    loss = model.train_on_batch(np.ones((ROWS, 3)), sample.targets)

    assert np.isfinite(loss)


@pytest.mark.parametrize("name", names(Kind.METRIC))
def test_metric_measures_one_number(name: str) -> None:
    sample = metric_sample(name)
    metric = built(Kind.METRIC, name)

    metric.update_state(sample.targets, sample.predictions)

    value = np.asarray(metric.result())
    assert value.shape == ()
    assert np.isfinite(value)
    assert metric.name == entries(Kind.METRIC)[name].default_name


@pytest.mark.parametrize("name", ["mae", "AUC", "accuracy", "acc", "cosine_similarity"])
def test_metric_given_by_name_is_called_as_keras_calls_it(name: str) -> None:
    spec, _ = check_object(Kind.METRIC, name)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "mean_squared_error", metrics=[name], run_eagerly=True)

    measured = model.evaluate(np.ones((2, 3)), np.ones((2, 1)), verbose=0, return_dict=True)

    assert spec is not None
    assert set(measured) == {"loss", spec.parameters["name"]}


@pytest.mark.parametrize("name", names(Kind.OPTIMIZER))
def test_optimizer_trains_a_step(name: str) -> None:
    optimizer = built(Kind.OPTIMIZER, name)

    model = fit_once(optimizer=optimizer, kernel_initializer="zeros")

    assert int(optimizer.iterations.numpy()) == 1
    assert any(np.asarray(weight).any() for weight in model.trainable_weights)


@pytest.mark.parametrize("name", names(Kind.SCHEDULE))
def test_schedule_trains_a_step(name: str) -> None:
    schedule = document(sample_spec(Kind.SCHEDULE, name))

    model = fit_once(optimizer=built(Kind.OPTIMIZER, "SGD", learning_rate=schedule))

    rate = built(Kind.SCHEDULE, name)(1)
    assert float(model.optimizer.learning_rate) == pytest.approx(float(rate))


@pytest.mark.parametrize("name", names(Kind.ACTIVATION))
def test_activation_trains_a_step(name: str) -> None:
    model = fit_once(activation=built(Kind.ACTIVATION, name))

    kernel, bias = model.get_weights()
    x = np.ones((ROWS, 3), "float32")
    expected = getattr(keras.activations, name)(keras.ops.convert_to_tensor(x @ kernel + bias))
    assert np.allclose(model(x), expected, atol=1e-6)


@pytest.mark.parametrize("name", names(Kind.INITIALIZER))
def test_initializer_trains_a_step(name: str) -> None:
    fit_once(kernel_initializer=built(Kind.INITIALIZER, name))

    first, second = (np.asarray(built(Kind.INITIALIZER, name)((3, 2))) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", names(Kind.REGULARIZER))
def test_regularizer_trains_a_step(name: str) -> None:
    regularizer = built(Kind.REGULARIZER, name)

    model = fit_once(kernel_regularizer=regularizer)

    expected = float(regularizer(model.layers[0].kernel))
    assert [float(loss) for loss in model.losses] == [pytest.approx(expected)]


@pytest.mark.parametrize("name", names(Kind.CONSTRAINT))
def test_constraint_trains_a_step(name: str) -> None:
    constraint = built(Kind.CONSTRAINT, name)

    kernel = fit_once(kernel_constraint=constraint).layers[0].kernel

    assert np.allclose(constraint(kernel), kernel, atol=1e-5)


# Keras' variables are not ready for NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", names(Kind.CALLBACK))
def test_callback_follows_a_step(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    averaging = keras.optimizers.SGD(use_ema=True)

    callback = built(Kind.CALLBACK, name)

    model = fit_once(optimizer=averaging, callbacks=[callback])

    assert callback.model is model
