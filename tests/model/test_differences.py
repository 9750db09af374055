"""Networks whose layers say a change: `data.window.difference`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml

from dl.config.load import Loaded, load_config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.data.resolve import resolve_config
from dl.data.target import own_numbers, unscale
from dl.errors import ConfigError
from dl.inspect.trace import record_step
from dl.model.build import build_model, compile_model
from dl.model.differences import onto_last
from dl.model.saving import plain_copy, save_model
from dl.predict.evaluate import Forward, evaluate
from dl.progress import SilentReporter
from support.training import built, trained

DENSE = {"type": "Dense", "units": 1, "kernel_initializer": "zeros"}
STEPS = {"type": "SimpleRNN", "units": 3, "return_sequences": True}
ROWS = 60
KINDS: dict[str, tuple[dict[str, Any], object, list[object]]] = {
    "one step": ({}, "y", ["Flatten", DENSE]),
    "ahead": ({"ahead": 3, "every": 2}, "y", ["Flatten", DENSE]),
    "several steps": ({"outputs": 3}, "y", ["Flatten", {**DENSE, "units": 3}]),
    "each step": ({"outputs": "each", "ahead": 2}, "y", [STEPS, DENSE]),
    "several targets": ({}, ["z", "y"], ["Flatten", {**DENSE, "units": 2}]),
    "several targets at several steps": (
        {"outputs": 3},
        ["z", "y"],
        ["Flatten", {**DENSE, "units": 6}, {"type": "Reshape", "target_shape": [3, 2]}],
    ),
    "several targets at each step": (
        {"outputs": "each"},
        ["z", "y"],
        [STEPS, {**DENSE, "units": 2}],
    ),
}


def loaded(folder: Path, kind: str = "one step", **changed: Any) -> Loaded:
    random = np.random.default_rng(0)
    y, z = np.cumsum(random.normal(2, 1, ROWS)), 1000 + np.cumsum(random.normal(0, 9, ROWS))
    frame = pd.DataFrame({"t": np.arange(ROWS), "a": random.normal(size=ROWS), "y": y, "z": z})
    frame.to_csv(folder / "rows.csv", index=False)
    window, target, layers = KINDS[kind]
    own = changed.pop("window", {})
    document: dict[str, Any] = {
        "data": {
            "source": "csv",
            "path": str(folder / "rows.csv"),
            "target": target,
            "split": {"by": "t", "order": "time", "validation": 0.2, "test": 0.2},
            "window": {"length": 4, "difference": True, **window, **own},
        },
        "preprocess": {"numeric": "standardize", "target": "standardize"},
        "model": {"layers": layers},
        "training": {"loss": "mse", "metrics": ["mean_absolute_error"], "epochs": 3},
        "engine": {"compile": False},
    }
    for section, keys in changed.items():
        document[section] = {**document.get(section, {}), **keys}
    (folder / "case.yaml").write_text(yaml.safe_dump(document))
    return load_config(folder / "case.yaml")


def read(case: Loaded) -> Dataset:
    return read_dataset(case, SilentReporter())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scaling", ["standardize", "none"])
def test_layers_that_say_the_mean_change_are_the_last_value_and_it(
    kind: str, scaling: str, tmp_path: Path
) -> None:
    case = loaded(tmp_path, kind, preprocess={"target": scaling})
    data = read(case)
    model = built(resolve_config(case.config, data), data)

    for part in data.parts.values():
        said = own_numbers(Forward(model)(part.x), data.target)
        last = unscale(part.forecasts["the last value"], data.target)
        moved = np.zeros(len(data.target.names))
        if scaling != "none":
            train = data.train
            ends = unscale(train.y[:], data.target)
            moved = ends - unscale(train.forecasts["the last value"], data.target)
            moved = moved.reshape(-1, len(data.target.names)).mean(axis=0)
        np.testing.assert_allclose(said, last + moved, rtol=1e-5)


def test_the_target_is_divided_by_the_spread_of_the_changes_of_the_training_part(
    tmp_path: Path,
) -> None:
    case = loaded(tmp_path, "several targets")
    data, whole = read(case), pd.read_csv(tmp_path / "rows.csv")[["z", "y"]].to_numpy()

    changes = np.diff(whole[:36], axis=0)[3:]  # the first window is four rows

    np.testing.assert_allclose(data.target.spread, changes.std(axis=0))
    np.testing.assert_allclose(data.target.center, whole[:36].mean(axis=0))


def test_the_loss_is_that_of_a_network_trained_on_scaled_changes(tmp_path: Path) -> None:
    case = loaded(tmp_path)
    data = read(case)
    chosen = resolve_config(case.config, data)
    model, history = trained(chosen, data)

    def of_changes(part: Any) -> Any:
        still = onto_last(part.x[:], np.zeros_like(part.y), data.target)
        return replace(part, y=part.y - np.asarray(still), forecasts={})

    plain = replace(data.target, last=None, scaling="none", center=(), spread=())
    changes = replace(
        data,
        train=of_changes(data.train),
        validation=of_changes(data.validation),
        preprocessing=replace(data.preprocessing, target=plain),
    )
    other, expected = trained(chosen, changes)

    for row, wanted in zip(history, expected, strict=True):
        assert row["loss"] == pytest.approx(wanted["loss"], rel=1e-4)
        assert row["val_loss"] == pytest.approx(wanted["val_loss"], rel=1e-4)
        spread = data.target.spread[0]
        assert row["mean_absolute_error"] == pytest.approx(
            wanted["mean_absolute_error"] * spread, rel=1e-4
        )
    np.testing.assert_allclose(model.get_weights()[0], other.get_weights()[0], atol=1e-5)


@pytest.mark.parametrize("kind", ["several steps", "several targets at each step"])
def test_plain_keras_opens_the_model_with_the_same_outputs(kind: str, tmp_path: Path) -> None:
    case = loaded(tmp_path, kind)
    data = read(case)
    model = built(resolve_config(case.config, data), data)
    model.set_weights([np.full_like(weight, 0.1) for weight in model.get_weights()])
    x = data.train.x[:5]
    expected = Forward(model)(x)

    save_model(model, tmp_path / "model.h5")

    opened = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_allclose(opened(x).numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(plain_copy(model)(x).numpy(), expected, rtol=1e-6)


def test_a_step_by_hand_has_the_loss_of_values(tmp_path: Path) -> None:
    case = loaded(tmp_path, "each step")
    data = read(case)
    chosen = resolve_config(case.config, data)
    model, train = built(chosen, data), data.train

    step = record_step(model, train.x[:], train.y[:][..., np.newaxis], None, training=False)

    assert float(step.loss) == pytest.approx(evaluate(model, train, chosen)["loss"], rel=1e-5)


def test_known_values_keep_their_digits_in_half_precision(tmp_path: Path) -> None:
    case = loaded(tmp_path, engine={"precision": "mixed_bfloat16"})
    data = read(case)
    chosen = resolve_config(case.config, data)
    model = build_model(chosen, data.preprocessing.input_shape, data.target)
    compile_model(model, chosen, data.target)

    said = Forward(model)(data.train.x)

    still = onto_last(data.train.x[:], np.zeros_like(data.train.y), data.target)
    np.testing.assert_allclose(said, still, rtol=1e-6)


def test_each_row_of_several_quantiles_stands_on_its_last_value(tmp_path: Path) -> None:
    loss = {"type": "Quantile", "quantiles": [0.1, 0.5, 0.9]}
    layers = ["Flatten", {**DENSE, "units": 3}]
    case = loaded(tmp_path, model={"layers": layers}, training={"loss": loss, "metrics": []})
    data = read(case)
    model = built(resolve_config(case.config, data), data)

    said = own_numbers(Forward(model)(data.train.x), data.target)

    assert said.shape == (len(data.train), 3)
    assert (said == said[:, :1]).all()


def test_a_last_value_that_its_input_does_not_tell_is_refused(tmp_path: Path) -> None:
    case = loaded(tmp_path, preprocess={"numeric": "quantile"})

    with pytest.raises(ConfigError) as caught:
        read(case)

    (problem,) = caught.value.problems
    assert problem.message == (
        "data.window.difference adds what the network says to the last value of y, which its "
        "input does not tell"
    )


def test_runs_of_windows_without_differences_keep_their_preprocess_json(tmp_path: Path) -> None:
    text = read(loaded(tmp_path, window={"difference": False})).preprocessing.text()

    assert '"difference"' not in text
    assert '"last"' not in text
