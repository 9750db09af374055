"""Mixed precision: what is computed in what, and that it comes near to float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dl.data.dataset import Dataset
from dl.inspect.trace import trace
from dl.model.saving import save_model
from dl.predict.convert import lite_copy
from dl.predict.evaluate import evaluate, predict
from dl.predict.lite import UnusableError
from dl.progress import SilentReporter
from dl.rundir.manifest import Checkpoint
from dl.training.checkpoint import Variables, _bytes, with_rate
from support.training import DENSE, built, config, dataset, inputs, labels, ready, trained

HIDDEN = {"type": "Dense", "units": 8, "activation": "relu"}
LAYERS = [HIDDEN, {"type": "BatchNormalization"}, {"type": "Dropout", "rate": 0.2}, DENSE]
SHORT = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


def _data() -> Dataset:
    return dataset(inputs(64, 6), labels(64))


def _config(precision: str, layers: list[Any] = LAYERS, **training: Any) -> Any:
    engine = {"compile": False, "precision": precision}
    return config(layers, engine, metrics=["accuracy"], epochs=5, **training)


@pytest.mark.parametrize("precision", SHORT)
def test_layers_are_short_and_the_end_is_not(precision: str, tmp_path: Path) -> None:
    chosen, data = _config(precision), _data()
    model = built(chosen, data)
    types = [layer.compute_dtype for layer in model.layers]
    assert types == [SHORT[precision]] * 3 + ["float32"]
    assert {weight.dtype for weight in model.weights[:6]} == {"float32"}
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled is (precision == "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"  # for what others build
    save_model(model, tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5")
    assert [layer.compute_dtype for layer in loaded.layers] == types
    rows = data.train.x[:]
    found = predict(model, rows, SilentReporter())
    np.testing.assert_array_equal(found, loaded(rows, training=False).numpy())
    with pytest.raises(UnusableError, match=f"its layers compute in {SHORT[precision]}, those of"):
        lite_copy(model, rows)


@pytest.mark.parametrize(
    ("layers", "types"),
    [
        ([{**HIDDEN, "units": 3}, "Softmax"], ["float16", "float32"]),
        ([HIDDEN, {**DENSE, "dtype": "float16"}], ["float16", "float16"]),
        ([{**HIDDEN, "dtype": "float32"}, DENSE], ["float32", "float32"]),
    ],
)
def test_last_layers_are_of_float32_unless_they_say_other(
    layers: list[Any], types: list[str]
) -> None:
    model = built(_config("mixed_float16", layers), _data())
    assert [layer.compute_dtype for layer in model.layers] == types


@pytest.mark.slow
def test_metrics_come_near_to_those_of_float32() -> None:
    whole, data = _config("float32"), _data()
    reference, history = trained(whole, data)
    for precision, digits in (("mixed_float16", 2e-3), ("mixed_bfloat16", 2e-2)):
        chosen = _config(precision)
        model, short = trained(chosen, data)
        # The same weights measure the same; those that were learned are near: under float16 the
        # first steps are left out, until the scale of the loss fits.
        found = evaluate(model, data.train, chosen)["loss"]
        same = built(whole, data)
        same.set_weights(model.get_weights())
        assert found == pytest.approx(evaluate(same, data.train, whole)["loss"], rel=digits)
        assert short[-1]["loss"] == pytest.approx(history[-1]["loss"], rel=0.1)
    assert reference.layers[0].compute_dtype == "float32"


def test_a_traced_step_is_the_step_of_the_gradient() -> None:
    chosen = _config("mixed_float16", [HIDDEN, DENSE])
    found = trace(built(chosen, _data()), _data(), chosen, rows=4)
    assert {layer.output.dtype.name for layer in found.layers} == {"float32"}
    for weight in found.weights:
        assert weight.gradient is not None
        expected = weight.before - 0.1 * weight.gradient
        np.testing.assert_allclose(weight.after, expected, rtol=1e-5, atol=1e-7)


def test_another_rate_is_that_of_the_optimizer_within() -> None:
    model = ready(_config("mixed_float16"), _data()).model
    variables = Variables(lambda: model.optimizer.variables)
    state = variables.state()
    header = {
        "parts": {"optimizer": dict(state.values)},
        "arrays": {"optimizer": [[a.dtype.name, *a.shape] for a in state.arrays]},
    }
    blobs = [_bytes(array) for array in state.arrays]
    changed = with_rate(Checkpoint(header, blobs), 0.25)
    names = [str(name) for name in state.values["names"]]
    place = next(i for i, name in enumerate(names) if name.lower() == "sgd/learning_rate")
    assert np.frombuffer(changed.blobs[place], "float32") == [0.25]
