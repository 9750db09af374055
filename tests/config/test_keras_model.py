"""The settings of a model of plain Keras are read as data, and refused where they are more."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from dl.config.keras_model import Statistics, read_keras_model
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
        "model.layers.1 names 'system', which is custom code",
    ),
    "module-like-keras": (
        changed(module="keras_evil.layers"),
        "model.layers.1 names 'Dense', which is custom code",
    ),
    "registered": (
        changed(registered_name="pkg>Dense"),
        "model.layers.1 names 'Dense', which is custom code",
    ),
    "function": (
        changed(
            config={
                "units": 3,
                "activation": {"module": "builtins", "class_name": "function", "config": "evil"},
            }
        ),
        "model.layers.1.activation names 'function', which is custom code",
    ),
    "lambda-with-code": (
        changed(class_name="Lambda", config={"function": {"config": {"code": "4wE\n"}}}),
        "model.layers.1 names Lambda",
    ),
    "unknown-key": (changed(fn="x"), "model.layers.1 is not a setting as Keras writes it"),
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
    "number": ("1", "is not a setting as Keras writes it"),
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
        "training.loss names 'function', which is custom code"
    )


def compiled(**settings: object) -> list[Any]:
    """Returns the loss and the metrics of a model that was compiled so."""
    model = read_keras_model(sequential(DENSE), json.dumps(settings))
    return [model.loss, *model.metrics]


def wrapped(name: str, function: str, **config: object) -> dict[str, Any]:
    """Returns a metric as TensorFlow 2 writes one that was given by its name."""
    settings = {"name": name, "dtype": "float32", "fn": function, **config}
    return {"class_name": "MeanMetricWrapper", "config": settings}


@pytest.mark.parametrize(
    ("name", "function", "meant"),
    [
        ("accuracy", "binary_accuracy", "BinaryAccuracy"),
        ("accuracy", "categorical_accuracy", "CategoricalAccuracy"),
        ("acc", "sparse_categorical_accuracy", "SparseCategoricalAccuracy"),
        ("mae", "mean_absolute_error", "MeanAbsoluteError"),
        ("mse", "mean_squared_error", "MeanSquaredError"),
        ("mape", "mean_absolute_percentage_error", "MeanAbsolutePercentageError"),
        ("cosine_similarity", "cosine_similarity", "CosineSimilarity"),
    ],
)
def test_metric_of_keras_2_is_the_one_that_it_wraps(name: str, function: str, meant: str) -> None:
    _, metric = compiled(loss="mse", metrics=[[wrapped(name, function)]])

    assert (metric.type, metric.parameters["name"]) == (meant, name)


def test_loss_of_keras_2_is_read() -> None:
    settings = {"reduction": "auto", "name": "huber_loss", "delta": 2.0, "fn": "huber"}
    (loss,) = compiled(loss={"class_name": "Huber", "config": settings})

    assert (loss.type, loss.parameters["delta"]) == ("Huber", 2.0)
    assert loss.parameters["reduction"] == "sum_over_batch_size"


def test_weighted_metrics_are_metrics() -> None:
    _, *metrics = compiled(loss="mse", metrics=["mae"], weighted_metrics=["mse"])

    assert [metric.type for metric in metrics] == ["MeanAbsoluteError", "MeanSquaredError"]


@pytest.mark.parametrize("weights", [2.0, [0.5], {"a": 1.0}])
def test_weight_of_the_loss_is_refused(weights: object) -> None:
    training = json.dumps({"loss": "mse", "loss_weights": weights})

    assert refused(sequential(DENSE), training) == "training.loss has a weight, which is not read"


def test_what_the_user_names_is_not_asked_of_the_file() -> None:
    training = json.dumps({"loss": "own", "metrics": ["own"]})
    with pytest.raises(Findings) as caught:
        read_keras_model(sequential(DENSE), training, given={"training.loss"})
    assert caught.value.findings[0].hint == (
        "say which to take instead: --set training.metrics=[NAME]"
    )
    given = {"training.loss", "training.metrics"}
    model = read_keras_model(sequential(DENSE), training, given=given)
    assert (model.loss, model.metrics) == (None, ())


def layer(name: str, **config: object) -> dict[str, Any]:
    return {"class_name": name, "config": {"name": name.lower(), **config}}


@pytest.mark.parametrize(
    ("written", "key", "value"),
    [
        (layer("Conv1D", filters=2, kernel_size=[3], strides=[2], groups=1), "kernel_size", 3),
        (layer("MaxPooling1D", pool_size=[2], strides=[2]), "strides", 2),
        (layer("BatchNormalization", axis=[3]), "axis", 3),
        (layer("LeakyReLU", alpha=0.25), "negative_slope", 0.25),
        (layer("LSTM", units=2, time_major=False, implementation=2), "units", 2),
        (layer("Embedding", input_dim=5, output_dim=2, input_length=7), "input_dim", 5),
        (layer("RandomFlip", mode="horizontal", rng_type=None), "mode", "horizontal"),
        (
            layer("SeparableConv1D", filters=2, kernel_size=[3], kernel_regularizer="l2"),
            "filters",
            2,
        ),
        (layer("Conv2DTranspose", filters=2, kernel_size=[3, 3], groups=1), "filters", 2),
        (layer("Discretization", bin_boundaries=[0.5], num_bins=2), "bin_boundaries", (0.5,)),
        (layer("SpatialDropout1D", rate=0.5, noise_shape=None, trainable=True), "rate", 0.5),
        (
            layer("Dense", units=2, dtype={"class_name": "Policy", "config": {"name": "float16"}}),
            "dtype",
            "float16",
        ),
    ],
)
def test_layer_is_read_as_keras_writes_it(written: Any, key: str, value: object) -> None:
    spec = read_keras_model(sequential(written), None).layers[1]

    assert spec.parameters[key] == value


def test_hard_sigmoid_of_keras_2_is_refused() -> None:
    written = sequential(layer("LSTM", units=2, recurrent_activation="hard_sigmoid"))
    with pytest.raises(Findings) as caught:
        read_keras_model(written, None, version="2.15.0")

    finding = caught.value.findings[0]
    assert finding.path == ("model", "layers", 1, "recurrent_activation")
    assert finding.message == (
        "is hard_sigmoid, which Keras 2 computed in another way than Keras 3"
    )
    assert read_keras_model(written, None, version="3.15.1").layers[1].type == "LSTM"


def model_of(name: str, *layers: object) -> dict[str, Any]:
    """Returns a model that stands as a layer in another."""
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def test_layers_of_a_model_inside_stand_in_its_place() -> None:
    inner = model_of("inner", INPUT, DENSE, model_of("deep", DENSE))
    model = read_keras_model(sequential(inner, layer("ReLU")), None)

    assert [spec.type for spec in model.layers] == ["Input", "Dense", "Dense", "ReLU"]
    assert model.models == {"mine", "inner", "deep"}
    assert model.places == {
        "input_layer": ("input_layer", "input_layer"),
        "dense": ("inner", "dense"),
        "inner_dense": ("inner", "dense"),
        "relu": ("relu", "relu"),
    }


def test_models_without_end_are_refused() -> None:
    inner = model_of("inner", DENSE)
    for _ in range(40):
        inner = model_of("inner", inner)

    assert refused(sequential(inner)) == (
        "model.layers.1.layers.0.layers is inside of more than 16 models"
    )


def test_own_function_is_refused_by_its_name() -> None:
    function = {"module": "builtins", "class_name": "function", "config": "mine"}
    with pytest.raises(Findings) as caught:
        read_keras_model(changed(config={"units": 3, "activation": function}), None)

    assert caught.value.findings[0].found == "'mine'"


ODD: list[Any] = [
    *(None, True, -1, 1e308, "", "\x1b", [], [[1]], {}, {"value": [1]}, {"class_name": ["a"]}),
    *({"class_name": None}, {"class_name": {}}, {"class_name": "Sequential", "config": {}}),
    {"class_name": "MeanMetricWrapper", "config": {"fn": {}}},
    *("Sequential", "Bidirectional", "Normalization", "IntegerLookup", "InputLayer", "Policy"),
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields every holder in a JSON value with a key or a position in it."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


@pytest.mark.parametrize("seed", range(5))
def test_odd_settings_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    inner = model_of("inner", INPUT, layer("Normalization", axis=[-1], mean=None), DENSE)
    two_way = layer("Bidirectional", layer=layer("LSTM", units=2, return_sequences=True))
    text = sequential(inner, two_way, layer("LeakyReLU", alpha=0.2))
    training = json.dumps({"loss": ["mse"], "metrics": [[wrapped("mae", "mean_absolute_error")]]})
    adapted: Statistics = lambda group, name: {"mean": [0.0], "variance": [1.0]}  # noqa: E731
    assert read_keras_model(text, training, adapted, version="2.15.0").loss is not None
    refused = 0
    for _ in range(400):
        documents = [json.loads(text), json.loads(training)]
        for _ in range(chance.randint(1, 3)):
            holder, key = chance.choice(list(places(documents))[2:])
            holder[key] = json.loads(json.dumps(chance.choice(ODD)))
        architecture, compiled_as = map(json.dumps, documents)
        try:
            read_keras_model(architecture, compiled_as, adapted, version="2.15.0")
        except Findings:
            refused += 1
    assert 0 < refused < 400
