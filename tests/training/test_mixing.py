"""MixUp and CutMix: against NumPy, compiled and not, and exact in a resumption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, kstest

import dl
from dl.config.load import load_config
from dl.config.schema import Config, Mixing
from dl.data.target import Target
from dl.data.types import Array
from dl.model import keras, tf
from dl.model.metrics import build_metrics
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_history
from dl.training.mixing import DRAWS, STRIDE, Mixer, draws
from dl.vocabulary.spec import Kind, Spec
from support.streaming import tiny_budget

ROWS = 12


def config(kind: str = "mixup", alpha: float | None = None, seed: int = 3) -> Config:
    shipped = load_config(Path(__file__).parents[2] / "configs" / "iris.yaml").config
    mixing = Mixing(type=kind, alpha=alpha)  # type: ignore[arg-type]
    return replace(shipped, seed=seed, training=replace(shipped.training, mixing=mixing))


def model(step: int) -> Any:
    """Returns a model whose optimizer has taken so many steps."""
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    net.compile(optimizer="sgd", loss="mse")
    net.optimizer.build(net.trainable_variables)
    net.optimizer.iterations.assign(step)
    return net


def batch(shape: tuple[int, ...] = (5, 4, 2)) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    y = np.eye(3, dtype=np.float32)[random.integers(0, 3, ROWS)]
    return random.random((ROWS, *shape)).astype(np.float32), y


def by_hand(settings: Config, step: int, x: Array, y: Array) -> tuple[Array, Array]:
    """Mixes a batch with NumPy, row by row."""
    mixing, size = settings.training.mixing, len(x)
    drawn = draws(settings.seed)
    numbers = [(step % DRAWS * STRIDE + row) % DRAWS for row in range(size)]
    shift = min(1 + int(np.float32(drawn[numbers[0], 1]) * np.float32(size - 1)), max(size - 1, 1))
    mixed_x, mixed_y = x.copy(), y.copy()
    for row in range(size):
        other = (row + shift) % size
        share, top, left = drawn[numbers[row]]
        share = beta.ppf(share, mixing.strength, mixing.strength)
        if mixing.type == "cutmix":
            tall, wide = (np.round(np.sqrt(1 - share) * side) for side in x.shape[1:3])
            top = int(top * (x.shape[1] - tall + 1))
            left = int(left * (x.shape[2] - wide + 1))
            box = slice(top, top + int(tall)), slice(left, left + int(wide))
            mixed_x[row][box] = x[other][box]
            share = 1 - tall * wide / (x.shape[1] * x.shape[2])
        else:
            mixed_x[row] = share * x[row] + (1 - share) * x[other]
        mixed_y[row] = share * y[row] + (1 - share) * y[other]
    return mixed_x, mixed_y


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("kind", "alpha"), [("mixup", None), ("mixup", 3.0), ("cutmix", None)])
def test_rows_are_mixed_as_by_hand(kind: str, alpha: float | None, compiled: bool) -> None:
    settings, (x, y) = config(kind, alpha), batch()
    for step in (0, 7, 200_001):
        net = model(step)
        mix = tf.function(Mixer(settings).__call__, jit_compile=compiled, autograph=False)
        found = mix(net, (tf.constant(x), tf.constant(y)))
        for mixed, expected in zip(found, by_hand(settings, step, x, y), strict=True):
            np.testing.assert_allclose(mixed.numpy(), expected, atol=1e-6)


def test_single_row_stays_as_it_is() -> None:
    x, y = (array[:1] for array in batch())
    for kind in ("mixup", "cutmix"):
        mixed_x, mixed_y = Mixer(config(kind))(model(4), (tf.constant(x), tf.constant(y)))
        np.testing.assert_allclose(mixed_x, x, rtol=1e-6)
        np.testing.assert_allclose(mixed_y, y, rtol=1e-6)


def test_shares_are_those_of_the_distribution() -> None:
    mixer = Mixer(config("mixup", 0.4))
    assert kstest(mixer._draws[:, 0], beta(0.4, 0.4).cdf).pvalue > 0.01


def test_targets_of_one_axis_are_mixed() -> None:
    x, _ = batch((2,))
    y = np.arange(ROWS, dtype=np.float32)
    mixed_x, mixed_y = Mixer(config())(model(1), (tf.constant(x), tf.constant(y)))
    expected_x, expected_y = by_hand(config(), 1, x, y)
    np.testing.assert_allclose(mixed_x, expected_x, atol=1e-6)
    np.testing.assert_allclose(mixed_y, expected_y, atol=1e-5)


def test_metrics_see_the_class_of_the_greater_share() -> None:
    target = Target("multiclass", ("y",), "one_hot", ("a", "b", "c"), ("a", "b", "c"), units=3)
    mixed = np.array([[0.7, 0.3, 0], [0.1, 0, 0.9], [1, 0, 0]], np.float32)
    said = np.array([[0.6, 0.2, 0.2], [0.5, 0.3, 0.2], [0.4, 0.5, 0.1]], np.float32)
    settings = config()
    training = replace(settings.training, metrics=(Spec(Kind.METRIC, "accuracy", {}),))
    (metric,) = build_metrics(replace(settings, training=training), target)
    metric.update_state(mixed, said)
    assert float(metric.result()) == pytest.approx(1 / 3)
    two = Target("binary", ("y",), "single", ("a", "b"), ("0", "1"), units=1)
    (metric,) = build_metrics(replace(settings, training=training), two)
    metric.update_state(np.array([[0.7], [0.2], [1]], np.float32), said[:, :1])
    assert float(metric.result()) == pytest.approx(1 / 3)


@pytest.mark.slow
def test_resumed_and_streamed_runs_have_the_bits_of_a_plain_one(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = pd.DataFrame({"a": random.normal(size=90), "b": random.normal(size=90)})
    rows["y"] = np.where(rows["a"] + rows["b"] > 0, "p", "n")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    hidden = {"type": "Dense", "units": 4, "activation": "relu"}
    written = {
        "data": {"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "y"},
        "model": {"layers": [hidden, {"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        "training": {
            "loss": "binary_crossentropy",
            "metrics": ["accuracy", "AUC"],
            "batch_size": 8,
            "mixing": {"type": "mixup", "alpha": 0.5},
        },
    }

    def run(name: str, epochs: int, **changes: object) -> dl.Run:
        overrides = {"training.epochs": epochs, **changes}
        return dl.train(written, overrides, name=name, runs=tmp_path / "runs", report=False)

    def outcome(run: dl.Run) -> tuple[bytes, list[dict[str, float]]]:
        history = read_history(RunDirectory(run.path))
        return (run.path / "model.h5").read_bytes(), [{**row, "seconds": 0} for row in history]

    whole = run("whole", 4)
    with tiny_budget():
        streamed = run("streamed", 4)
    assert streamed.record.engine["rows"] == "streamed"
    assert outcome(dl.resume(run("half", 2), epochs=4)) == outcome(streamed) == outcome(whole)
