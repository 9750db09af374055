"""The settings of a model of plain Keras are read as data, and refused where they are more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dl.config.keras_model import read_keras_model
from dl.vocabulary.spec import Findings

INPUT = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "input_layer"}}
DENSE: dict[str, Any] = {"class_name": "Dense", "config": {"name": "dense", "units": 3}}


def sequential(*layers: object) -> str:
    """Returns the settings of a model with these layers below the input."""
    return json.dumps(
        {"class_name": "Sequential", "config": {"name": "mine", "layers": [INPUT, *layers]}}
    )


def changed(**values: object) -> str:
    """Returns the settings of a model whose Dense layer has these values instead of its own."""
    return sequential({**DENSE, **values})


def refused(architecture: str, training: str | None = None) -> str:
    """Returns the first finding in words."""
    with pytest.raises(Findings) as caught:
        read_keras_model(architecture, training)
    finding = caught.value.findings[0]
    place = ".".join(map(str, finding.path))
    return f"{place} {finding.message}".strip()


def test_sequential_model_is_read() -> None:
    training = json.dumps({"loss": "mse", "metrics": [["mae"]], "optimizer_config": {"x": 1}})
    model = read_keras_model(sequential(DENSE), training)

    assert model.models == {"mine"}
    assert [spec.type for spec in model.layers] == ["Input", "Dense"]
    assert model.layers[0].parameters["shape"] == (4,)
    assert model.loss is not None
    assert model.loss.type == "MeanSquaredError"
    assert [spec.type for spec in model.metrics] == ["MeanAbsoluteError"]


def test_model_of_keras_2_is_read() -> None:
    config = {"name": "d", "units": 3, "dtype": "float32", "batch_input_shape": [None, 4]}
    layers = [{"class_name": "Dense", "config": config}]
    text = json.dumps(
        {
            "class_name": "Sequential",
            "config": {"name": "old", "layers": layers, "build_input_shape": [None, 4]},
        }
    )

    assert [spec.type for spec in read_keras_model(text, None).layers] == ["Input", "Dense"]


LAMBDA = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}
REFUSED = {
    "lambda": (
        sequential(LAMBDA),
        "model.layers.1 names Lambda, which is left out: a config must not run code",
    ),
    "savedmodel": (
        sequential({"class_name": "TFSMLayer", "config": {"filepath": "/x"}}),
        "model.layers.1 names TFSMLayer, which is left out: ",
    ),
    "module": (
        changed(module="os", class_name="system"),
        "model.layers.1 names 'system', which is code of its maker's own",
    ),
    "module-like-keras": (
        changed(module="keras_evil.layers"),
        "model.layers.1 names 'Dense', which is code of its maker's own",
    ),
    "registered": (
        changed(registered_name="pkg>Dense"),
        "model.layers.1 names 'Dense', which is code of its maker's own",
    ),
    "function": (
        changed(
            config={
                "units": 3,
                "activation": {"module": "builtins", "class_name": "function", "config": "evil"},
            }
        ),
        "model.layers.1.activation names 'function', which is code of its maker's own",
    ),
    "lambda-with-code": (
        changed(class_name="Lambda", config={"function": {"config": {"code": "4wE\n"}}}),
        "model.layers.1 names Lambda",
    ),
    "unknown-key": (changed(fn="x"), "model.layers.1 is no setting as Keras writes it"),
    "type-in-config": (
        changed(config={"type": "Lambda"}),
        "model.layers.1.type is not a parameter of Dense",
    ),
    "functional": ('{"class_name": "Functional"}', "is a Functional model"),
    "deep": (
        changed(config={"units": json.loads("[" * 60 + "]" * 60)}),
        "model.layers.1.units.0.0 is nested more than 32 deep",
    ),
    "escape": (
        changed(config={"name": "\x1b[2J", "units": 3}),
        "model.layers.1.name holds characters that cannot be shown",
    ),
    "twice": (
        '{"class_name": "Sequential", "class_name": "Lambda"}',
        "has no model_config that can be read",
    ),
    "not-json": ("{", "has no model_config that can be read"),
    "number": ("1", "is no setting as Keras writes it"),
    "huge-units": (changed(config={"units": 10**30}), "model.layers.1.units must be at most"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_settings_are_refused(name: str) -> None:
    text, expected = REFUSED[name]

    assert refused(text).startswith(expected)


def test_json_nested_without_end_is_refused() -> None:
    assert refused("[" * 100_000) == "has no model_config that can be read"


def test_own_loss_is_refused() -> None:
    training = json.dumps({"loss": {"class_name": "function", "module": "m", "config": "f"}})

    assert refused(sequential(DENSE), training) == (
        "training.loss names 'function', which is code of its maker's own"
    )
