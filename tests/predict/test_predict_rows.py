"""Predicting, evaluating and summing up a model."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dl.inspect.layers import layer_rows
from dl.predict.evaluate import evaluate, inference_batch, predict
from dl.progress import SilentReporter
from support.training import DENSE, built, config, dataset, inputs, labels, part

HIDDEN = {"type": "Dense", "units": 4, "name": "hidden"}
CHOSEN = config([HIDDEN, "BatchNormalization", DENSE], metrics=("accuracy",))
ROWS = 5000
DATA = dataset(inputs(ROWS, 6), labels(ROWS))


@pytest.fixture(scope="module")
def model() -> keras.Sequential:
    """An untrained model."""
    return built(CHOSEN, DATA)


def test_outputs_are_those_of_keras_whatever_the_chunks(model: keras.Sequential) -> None:
    assert inference_batch(model) == 4096

    outputs = predict(model, DATA.train.x, SilentReporter())

    assert outputs.shape == (ROWS, 3)
    np.testing.assert_allclose(outputs, model.predict(DATA.train.x, verbose=0), atol=1e-6)
    np.testing.assert_allclose(outputs[:7], predict(model, DATA.train.x[:7], SilentReporter()))


def test_no_rows_give_no_outputs(model: keras.Sequential) -> None:
    assert predict(model, DATA.train.x[:0], SilentReporter()).shape == (0, 3)


def test_metrics_are_those_of_keras_with_the_last_batch(model: keras.Sequential) -> None:
    found = evaluate(model, DATA.train, CHOSEN)
    loss, accuracy = model.evaluate(DATA.train.x, DATA.train.y, verbose=0)

    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["accuracy"] == pytest.approx(accuracy)


def test_parts_of_other_sizes_are_measured_on_their_own(model: keras.Sequential) -> None:
    few = part(DATA.train.x[:10], DATA.train.y[:10])

    first = evaluate(model, few, CHOSEN)
    evaluate(model, DATA.train, CHOSEN)

    assert evaluate(model, few, CHOSEN) == pytest.approx(first)


def test_loss_that_is_a_sum_is_measured_in_the_batches_of_the_training() -> None:
    loss = {"type": "SparseCategoricalCrossentropy", "reduction": "sum"}
    chosen, data = config([DENSE], loss=loss), dataset(inputs(10, 6), labels(10))
    summed = built(chosen, data)

    found = evaluate(summed, data.train, chosen)

    expected = summed.evaluate(data.train.x, data.train.y, batch_size=4, verbose=0)
    assert found["loss"] == pytest.approx(expected, rel=1e-5)


def test_wide_outputs_take_smaller_batches() -> None:
    data = dataset(inputs(1, 6), labels(1))
    wide = built(config([{"type": "Dense", "units": 100_000}, DENSE]), data)

    assert inference_batch(wide) == 128


def test_rows_of_the_summary_count_parameters(model: keras.Sequential) -> None:
    rows = layer_rows(model)

    assert [row.output_shape for row in rows] == [(4,), (4,), (3,)]
    assert [row.activation for row in rows] == ["linear", None, "softmax"]
    assert [row.parameters for row in rows] == [28, 16, 15]
    assert [row.trainable for row in rows] == [28, 8, 15]
