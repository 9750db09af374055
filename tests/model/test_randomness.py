"""Random bits: their distribution, and that they are a function of seed, draw and position."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dl.model.build import build_model
from dl.model.objects import FAST_LAYERS
from dl.model.randomness import random_bits, random_keep, random_normal
from support.training import DENSE, config, dataset, inputs, labels

SEED = tf.constant([7, 3], tf.int64)
ROWS = tf.ones((40, 500))


def test_bits_are_a_function_of_seed_and_draw() -> None:
    first = random_bits((8,), SEED).numpy()

    assert np.array_equal(first, random_bits((8,), SEED).numpy())
    assert not np.array_equal(first, random_bits((8,), tf.constant([7, 4])).numpy())
    assert not np.array_equal(first, random_bits((8,), tf.constant([8, 3])).numpy())


def test_bits_are_the_same_when_compiled() -> None:
    compiled = tf.function(lambda: random_bits((100,), SEED), jit_compile=True)

    assert np.array_equal(compiled().numpy(), random_bits((100,), SEED).numpy())


def test_every_bit_is_set_half_the_time() -> None:
    bits = np.unpackbits(random_bits((50_000,), SEED).numpy().view(np.uint8).reshape(-1, 4), axis=1)

    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.015


def test_draws_are_not_correlated() -> None:
    draws = [random_normal((20_000,), tf.constant([7, draw])).numpy() for draw in range(6)]

    correlations = np.corrcoef(draws) - np.eye(6)
    assert np.abs(correlations).max() < 0.04


def test_neighbours_are_not_correlated() -> None:
    values = random_normal((50_000,), SEED).numpy()

    for lag in (1, 2, 32, 256):
        assert abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 0.025


def test_normal_values_are_finite_and_standard() -> None:
    values = random_normal((100_000,), SEED).numpy()

    assert np.isfinite(values).all()
    assert values.mean() == pytest.approx(0, abs=0.02)
    assert values.std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_share_kept_is_one_minus_the_rate(rate: float) -> None:
    kept = random_keep((100_000,), rate, SEED).numpy()

    assert kept.mean() == pytest.approx(1 - rate, abs=0.01)


def test_dropout_scales_what_it_keeps() -> None:
    values = FAST_LAYERS["Dropout"](0.25, seed=1)(ROWS, training=True).numpy()

    assert set(np.unique(values)) == {0.0, np.float32(1 / 0.75)}
    assert values.mean() == pytest.approx(1, abs=0.03)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    rows = tf.random.stateless_normal((1000, 100), seed=(0, 1))

    values = FAST_LAYERS["AlphaDropout"](0.2, seed=1)(rows, training=True).numpy()

    assert values.mean() == pytest.approx(0, abs=0.02)
    assert values.std() == pytest.approx(1, abs=0.02)
    assert np.unique(values, return_counts=True)[1].max() / values.size == pytest.approx(
        0.2, abs=0.01
    )


def test_spatial_dropout_drops_whole_maps() -> None:
    values = FAST_LAYERS["SpatialDropout2D"](0.5, seed=1)(tf.ones((9, 4, 4, 20)), training=True)

    assert np.array_equal(np.ptp(values.numpy(), axis=(1, 2)), np.zeros((9, 20)))


@pytest.mark.parametrize(
    ("name", "amount", "deviation"),
    [("GaussianNoise", 0.3, 0.3), ("GaussianDropout", 0.2, 0.5)],
)
def test_noise_has_the_deviation_that_it_says(name: str, amount: float, deviation: float) -> None:
    values = FAST_LAYERS[name](amount, seed=1)(ROWS, training=True).numpy()

    assert values.mean() == pytest.approx(1, abs=0.02)
    assert values.std() == pytest.approx(deviation, abs=0.02)


@pytest.mark.parametrize("name", FAST_LAYERS)
def test_nothing_is_random_at_inference(name: str) -> None:
    layer: Any = FAST_LAYERS[name](0.5, seed=1)
    shape = {"1D": (2, 3, 4), "2D": (2, 3, 3, 4), "3D": (2, 3, 3, 3, 4)}.get(name[-2:], (2, 3))

    assert np.array_equal(layer(tf.ones(shape), training=False), np.ones(shape))


@pytest.mark.parametrize("name", FAST_LAYERS)
def test_settings_are_those_of_the_layer_in_keras(name: str) -> None:
    fast, plain = (
        maker(0.5, seed=1, name="x") for maker in (FAST_LAYERS[name], getattr(keras.layers, name))
    )

    settings = {key: value for key, value in fast.get_config().items() if key != "dtype"}
    assert settings == {key: value for key, value in plain.get_config().items() if key != "dtype"}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent_layers_draw_masks_with_the_hash(name: str, wrapped: bool) -> None:
    own = {"type": name, "units": 2, "dropout": 0.25, "recurrent_dropout": 0.5}
    layer = {"type": "Bidirectional", "layer": own} if wrapped else own
    model = build_model(
        config([layer, DENSE]), dataset(inputs(2, 4, 3), labels(2)).preprocessing.input_shape
    )
    cell = (model.layers[0].forward_layer if wrapped else model.layers[0]).cell
    seed = np.asarray(cell.seed_generator.state)

    mask = cell.get_dropout_mask(tf.ones((500, 40)))
    first = mask[0] if isinstance(mask, list) else mask

    assert np.array_equal(first.numpy() > 0, random_keep((500, 40), 0.25, tf.constant(seed)))
    assert set(np.unique(first.numpy())) == {0.0, np.float32(1 / 0.75)}
    assert len(mask) == getattr(cell, "dropout_mask_count", 500)
