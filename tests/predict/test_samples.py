"""Many predictions of each row with dropout active: their mean and their standard deviation."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml

from conftest import Dl
from dl import Run
from dl.data.target import Target
from dl.model.randomness import derived_seed, random_keep
from dl.predict.evaluate import open_run
from dl.predict.samples import Samples
from dl.progress import SilentReporter
from dl.rundir.directory import RunDirectory

RANDOM = np.random.default_rng(4)
SEED, SAMPLES, RATE, BATCH = 7, 5, 0.4, 128


def trained(dl: Dl, folder: Path, y: Any, units: int, activation: str, **more: Any) -> Path:
    frame = pd.DataFrame(RANDOM.normal(size=(200, 3)).round(3), columns=["a", "b", "c"])
    frame.assign(y=y).to_csv(folder / "rows.csv", index=False)
    layers = [
        {"type": "Dense", "units": 6, "activation": "relu"},
        {"type": "BatchNormalization"},
        {"type": "Dropout", "rate": more.pop("rate", RATE)},
        {"type": "Dense", "units": units, "activation": activation},
    ]
    split = {"validation": 0, "test": 0.25}
    document = {
        "name": "run",
        "seed": SEED,
        "data": {"source": "csv", "path": "rows.csv", "target": "y", "split": split},
        "model": {"layers": layers},
        "training": {"loss": more.pop("loss"), "epochs": 2},
        **more,
    }
    (folder / "case.yaml").write_text(yaml.safe_dump(document))
    done = dl("train", folder / "case.yaml", "--runs", folder / "runs", "--quiet")
    assert done.code == 0, done.err
    return folder / "runs" / "run" / "0001"


def sampled(run: Path, rows: Any) -> Any:
    """Returns the outputs of the samples, with masks put into NumPy's arithmetic by hand."""
    saved = open_run(RunDirectory(run), SilentReporter())
    first, normal, _, last = saved.model.layers
    x = saved.preprocessing.features
    scaled = np.stack([(rows[each.name] - each.center) / each.spread for each in x], axis=1)
    hidden = normal(first(scaled.astype(np.float32)), training=False).numpy()
    found = []
    for sample in range(SAMPLES):
        masks = []
        for batch in range(-(-len(rows) // BATCH)):
            seed = derived_seed(SEED, ("samples", batch, sample, 0))
            masks.append(random_keep((BATCH, 6), RATE, tf.constant([seed, 0])).numpy())
        kept = hidden * np.concatenate(masks)[: len(rows)] / (1 - RATE)
        found.append(last(kept.astype(np.float32)).numpy())
    return np.array(found)


def columns(text: str) -> dict[str, list[str]]:
    header, *rows = csv.reader(io.StringIO(text))
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def numbers(said: dict[str, list[str]], *names: str) -> Any:
    return np.array([said[name] for name in names], float).T


@pytest.mark.slow
def test_probabilities_of_classes(dl: Dl, tmp_path: Path) -> None:
    y = RANDOM.choice(["u", "v", "w"], 200)
    run = trained(dl, tmp_path, y, 3, "softmax", loss="sparse_categorical_crossentropy")
    told = dl("predict", run, tmp_path / "rows.csv", "--samples", SAMPLES)
    assert told.code == 0
    assert "no lite copy of the model (it drops nothing): TensorFlow is loaded" in told.err
    said = columns(told.out)
    names = ["probability_u", "probability_v", "probability_w"]
    spreads = [f"{name}_std" for name in names]
    assert list(said) == ["prediction", *names, *spreads]
    found = sampled(run, pd.read_csv(tmp_path / "rows.csv"))
    np.testing.assert_allclose(numbers(said, *names), found.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(numbers(said, *spreads), found.std(axis=0), rtol=1e-4, atol=1e-6)
    wanted = np.array(["u", "v", "w"])[found.mean(axis=0).argmax(axis=1)]
    assert said["prediction"] == wanted.tolist()

    assert dl("predict", run, tmp_path / "rows.csv", "--samples", SAMPLES).out == told.out
    head = tmp_path / "head.csv"
    head.write_text("".join((tmp_path / "rows.csv").read_text().splitlines(keepends=True)[:3]))
    few = dl("predict", run, head, "--samples", SAMPLES).out
    assert few == "".join(told.out.splitlines(keepends=True)[:3])

    rows = pd.read_csv(tmp_path / "rows.csv", dtype={"y": str}).drop(columns="y")
    frame = Run(RunDirectory(run)).predict(rows, samples=SAMPLES, name="kind")
    assert list(frame) == ["kind", *names, *spreads]
    np.testing.assert_allclose(frame[spreads], numbers(said, *spreads), rtol=1e-6)


@pytest.mark.slow
def test_two_classes_of_one_output_and_errors(dl: Dl, tmp_path: Path) -> None:
    y = RANDOM.choice(["no", "yes"], 200)
    run = trained(dl, tmp_path, y, 1, "sigmoid", loss="binary_crossentropy")
    file = tmp_path / "rows.csv"
    said = columns(dl("predict", run, file, "--samples", SAMPLES, "--threshold", 0.6).out)
    names = ["probability_no", "probability_yes"]
    assert list(said) == ["prediction", *names, *(f"{name}_std" for name in names)]
    found = sampled(run, pd.read_csv(file))[..., 0]
    mean, std = found.mean(axis=0), found.std(axis=0)
    np.testing.assert_allclose(numbers(said, *names).T, [1 - mean, mean], rtol=1e-5)
    spreads = numbers(said, *(f"{name}_std" for name in names)).T
    np.testing.assert_allclose(spreads, [std, std], rtol=1e-4, atol=1e-6)
    assert said["prediction"] == np.where(mean >= 0.6, "yes", "no").tolist()

    few = dl("predict", run, "--samples", 1)
    assert (few.code, few.err) == (
        2,
        "error: --samples 1 is too few\n"
        "expected: at least 2: what is told is how far samples are apart\n"
        "hint: --samples 50\n",
    )
    for option, *value in (["--layer", "dense"], ["--error"], ["--masks", tmp_path / "m"]):
        both = dl("predict", run, "--samples", 5, option, *value)
        assert (both.code, both.err) == (
            2,
            f"error: {option} and --samples exclude each other: samples are taken of predictions\n"
            "hint: leave all but one of them out\n",
        )


@pytest.mark.slow
def test_numbers_in_the_unit_of_the_target(dl: Dl, tmp_path: Path) -> None:
    y, scaled = np.exp(RANDOM.normal(3, 1, 200)).round(2), {"target": "log1p"}
    run = trained(dl, tmp_path, y, 1, "linear", loss="mse", preprocess=scaled)
    file = tmp_path / "rows.csv"
    said = columns(dl("predict", run, file, "--samples", SAMPLES, "--as", "price").out)
    assert list(said) == ["price", "price_std"]
    target = open_run(RunDirectory(run), SilentReporter()).preprocessing.target
    logarithms = sampled(run, pd.read_csv(file))[..., 0].astype(float)
    if target.spread:
        logarithms = logarithms * target.spread[0] + target.center[0]
    found = np.expm1(logarithms)
    np.testing.assert_allclose(numbers(said, "price")[:, 0], found.mean(axis=0), rtol=1e-5)
    spread = numbers(said, "price_std")[:, 0]
    np.testing.assert_allclose(spread, found.std(axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_models_without_samples(dl: Dl, tmp_path: Path) -> None:
    y = RANDOM.choice(["no", "yes"], 200)
    run = trained(dl, tmp_path, y, 1, "tanh", loss="hinge", rate=0.0)
    none = dl("predict", run, "--samples", 5)
    assert (none.code, none.err) == (
        2,
        "error: --samples has no meaning for run/0001: its outputs are not probabilities\n"
        "expected: a model that predicts numbers, or a probability of each class\n"
        "hint: leave --samples out, or train with a loss such as `binary_crossentropy`\n",
    )
    trained(dl, tmp_path, y, 1, "sigmoid", loss="binary_crossentropy", rate=0.0)
    none = dl("predict", run.parent / "0002", "--samples", 5)
    assert none.code == 2
    assert none.err.endswith(
        "error: --samples has no meaning for run/0002: each would be the same\n"
        "expected: a model with a layer such as Dropout, SpatialDropout2D or GaussianNoise, or "
        "dropout in a recurrent layer\n"
        "hint: train one with such a layer, or leave --samples out\n"
    )


KINDS = {
    "recurrent": lambda: keras.layers.LSTM(3, dropout=0.3),
    "state": lambda: keras.layers.Bidirectional(keras.layers.GRU(3, recurrent_dropout=0.3)),
    "cells": lambda: keras.layers.RNN([keras.layers.LSTMCell(3, dropout=0.3)]),
    "inside": lambda: keras.layers.TimeDistributed(keras.layers.Dropout(0.3)),
    "maps": lambda: keras.layers.SpatialDropout1D(0.3),
    "alpha": lambda: keras.layers.AlphaDropout(0.3),
    "factors": lambda: keras.layers.GaussianDropout(0.3),
    "noise": lambda: keras.layers.GaussianNoise(0.3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_draws_the_same_in_any_blocks(kind: str) -> None:
    layers = [keras.Input((4, 2)), KINDS[kind](), keras.layers.Flatten(), keras.layers.Dense(1)]
    model, x = keras.Sequential(layers), RANDOM.normal(size=(150, 4, 2)).astype(np.float32)
    fitted = SimpleNamespace(target=Target("regression", form="numbers", names=("y",)))
    saved: Any = SimpleNamespace(
        model=model, config=SimpleNamespace(seed=SEED), preprocessing=fitted, run=None
    )
    whole, parts = Samples(saved, 3)(x), Samples(saved, 3)
    assert (whole[:, 1] > 0).mean() > 0.5
    blocks = [parts(x[begin:end]) for begin, end in ((0, 1), (1, 70), (70, 140), (140, 150))]
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
