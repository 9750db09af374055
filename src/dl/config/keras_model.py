"""The settings of a model that plain Keras saved, read as data and checked by the vocabulary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dl.vocabulary.catalog import left_out
from dl.vocabulary.check import check_object
from dl.vocabulary.keras_form import from_keras
from dl.vocabulary.spec import Finding, Findings, Kind, Path, Spec
from dl.vocabulary.words import cut, found_text

MOST_LAYERS = 10_000
_MOST_KEYS = 200
_CONTAINER = {"Functional": "Functional", "Model": "Functional"}


@dataclass(frozen=True, slots=True)
class KerasModel:
    """A checked `Sequential` model, and how it was compiled.

    Attributes:
        name: The model's name, which is in the names of its weights.
        layers: Its layers, the input first.
        loss: Its loss; None if it was not compiled.
        metrics: Its metrics.
    """

    name: str
    layers: tuple[Spec, ...]
    loss: Spec | None
    metrics: tuple[Spec, ...]


def read_keras_model(architecture: str, training: str | None) -> KerasModel:
    """Reads the texts that a `.h5` file has in `model_config` and `training_config`.

    Raises:
        Findings: The texts are no such settings, or name what the vocabulary has not.
    """
    model = _mapping(_json(architecture, "model_config"), ())
    name, settings = model.get("class_name"), model.get("config")
    if name != "Sequential":
        raise _one((), f"is a {_CONTAINER.get(str(name), found_text(name))} model", "Sequential")
    inside = _mapping(settings, ("model",))
    layers = inside.get("layers")
    if not isinstance(layers, list) or not 0 < len(layers) <= MOST_LAYERS:
        raise _one(("model", "layers"), "are no layers", f"a list of 1 to {MOST_LAYERS} layers")
    compiled = _mapping(_json(training, "training_config"), ()) if training else {}
    return KerasModel(
        name=_model_name(inside.get("name")),
        layers=_layers(layers, inside.get("build_input_shape")),
        loss=_loss(compiled.get("loss")),
        metrics=_metrics(compiled.get("metrics")),
    )


def _json(text: str, what: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise _one((), f"has no {what} that can be read", "JSON", cut(str(error))) from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) > _MOST_KEYS:
        raise ValueError(f"an object has more than {_MOST_KEYS} keys")
    if len(values) < len(pairs):
        raise ValueError("a key stands twice in an object")
    if not all(key.isprintable() and len(key) <= 100 for key in values):
        raise ValueError("a key is too long or holds characters that cannot be shown")
    return values


def _layers(layers: list[object], built_shape: object) -> tuple[Spec, ...]:
    specs: list[Spec] = []
    findings: list[Finding] = []
    for position, layer in enumerate(layers):
        path = ("model", "layers", position)
        try:
            specs.append(_checked(Kind.LAYER, _layer(_mapping(layer, path), path), path))
        except Findings as error:
            findings += error.findings
    if findings:
        raise Findings(findings)
    if specs[0].type != "Input":
        shape = {"type": "Input", "shape": _row_shape(built_shape, ("model",))}
        specs.insert(0, _checked(Kind.LAYER, shape, ("model", "layers", 0)))
    return tuple(specs)


def _layer(layer: Mapping[str, Any], path: Path) -> object:
    name = layer.get("class_name")
    if isinstance(name, str) and left_out(Kind.LAYER, name):
        _checked(Kind.LAYER, name, path)  # refuses it by its name, before its settings are read
    if name != "InputLayer":
        return _without_old_shape(from_keras(layer, path))
    settings = dict(_mapping(layer.get("config"), path))
    shape = _row_shape(settings.pop("batch_shape", settings.pop("batch_input_shape", None)), path)
    settings.pop("batch_input_shape", None)
    return from_keras({"class_name": "Input", "config": {**settings, "shape": shape}}, path)


def _without_old_shape(layer: object) -> object:
    """Leaves out the shape of the rows that Keras 2 wrote into the first layer as well."""
    if not isinstance(layer, dict):
        return layer
    return {key: value for key, value in layer.items() if key != "batch_input_shape"}


def _row_shape(shape: object, path: Path) -> list[Any]:
    if not isinstance(shape, list) or not shape:
        raise _one(path, "does not say the shape of its input", "a list: batch, then the row")
    return shape[1:]


def _loss(loss: object) -> Spec | None:
    loss = loss[0] if isinstance(loss, list) and len(loss) == 1 else loss
    path = ("training", "loss")
    return None if loss is None else _checked(Kind.LOSS, from_keras(loss, path), path)


def _metrics(metrics: object) -> tuple[Spec, ...]:
    path: Path = ("training", "metrics")
    if metrics is None:
        return ()
    if not isinstance(metrics, list):
        raise _one(path, "are no metrics of a single output", "a list", found_text(metrics))
    whole = metrics[0] if len(metrics) == 1 and isinstance(metrics[0], list) else metrics
    return tuple(
        _checked(Kind.METRIC, from_keras(metric, (*path, i)), (*path, i))
        for i, metric in enumerate(whole)
    )


def _checked(kind: Kind, value: object, path: Path) -> Spec:
    spec, findings = check_object(kind, value)
    if spec is None:
        raise Findings([_untyped(finding).below(path) for finding in findings])
    return spec


def _untyped(finding: Finding) -> Finding:
    """Returns a finding on `type`, which is no key of a Keras file, as one on what is named."""
    at_type = finding.path[-1:] == ("type",)
    return replace(finding, path=finding.path[:-1]) if at_type else finding


def _model_name(name: object) -> str:
    if not isinstance(name, str) or "/" in name or not name.isprintable() or not name:
        raise _one(("model", "name"), "is no name of a model", "a short text", found_text(name))
    return name


def _mapping(value: object, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _one(path, "is no setting as Keras writes it", "a mapping", found_text(value))
    return value


def _one(path: Path, message: str, expected: str, found: str | None = None) -> Findings:
    return Findings([Finding(path, message, expected, found)])
