"""The settings of a model that plain Keras saved, read as data and checked by the vocabulary.

The layers of models inside the model stand in one row with its own. `{"class_name": "Dense",
"config": {"units": 3}}` becomes `{type: Dense, units: 3}`: the form is translated, and then checked
as in every config. Nothing is looked up in Keras, and nothing is imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dl.config.keras_settings import CONTAINERS, MOST_NESTED, MOST_SHOWN, from_keras, wrong
from dl.text import cut
from dl.vocabulary.catalog import checked_object, left_out
from dl.vocabulary.spec import Finding, Findings, Kind, Path, Spec, found_text

MOST_LAYERS = 10_000
MOST_DEPTH = 16
"""Layers of a model, and models inside each other: far more than a network that trains has."""
_MOST_KEYS = 200
"""Keys of an object; a layer of Keras has about 30 settings."""
_MOST_ADAPTED = 100
"""Layers whose numbers are looked for in the file: a hostile one could name thousands."""


Statistics = Callable[[str, str], Mapping[str, object]]
"""Given a group of weights and a layer's name: the mean and the variance that it was adapted to."""
Placed = tuple[Path, str, Mapping[str, Any]]
"""A layer as the file has it: where it stands, for findings; the group in which its weights lie,
its own or that of a model that it is inside of; its class and settings."""


def sequential(model: Mapping[str, Any], path: Path = (), where: str = "") -> Mapping[str, Any]:
    """Returns the settings of a `Sequential` model; raises `Findings` for any other."""
    name = model.get("class_name")
    if name != "Sequential":
        shown = CONTAINERS.get(str(name), found_text(name))
        raise wrong(path, f"is a {shown} model{where}", "Sequential")
    return mapping(model.get("config"), path or ("model",))


def placed_layers(
    settings: Mapping[str, Any],
    path: Path,
    bases: Collection[str] = (),
    group: str = "",
    depth: int = 0,
) -> tuple[list[Placed], list[str]]:
    """Returns the layers of a model in their order, and the names of it and the models inside it.

    A pretrained base, whose name is in `bases`, is a layer.

    Raises:
        Findings: A model has no layers, too many or no name, or one inside it is not `Sequential`.
    """
    layers = settings.get("layers")
    if not isinstance(layers, list) or not 0 < len(layers) <= MOST_LAYERS:
        many = f"a list of 1 to {MOST_LAYERS} layers"
        raise wrong((*path, "layers"), "are not a list of layers", many)
    if depth > MOST_DEPTH:
        raise wrong(path[:MOST_SHOWN], f"is inside of more than {MOST_DEPTH} models")
    found: list[Placed] = []
    models = [model_name(settings.get("name"))]
    for position, item in enumerate(layers):
        place = (*path, "layers", position)
        layer = mapping(item, place)
        own = mapping(layer.get("config", {}), place).get("name")
        is_base = layer.get("class_name") == "Functional" and not depth and own in bases
        if is_base or str(layer.get("class_name")) not in CONTAINERS:
            found.append((place, group or str(own), layer))
            continue
        inside = sequential(layer, place, " inside the model")
        name = group or model_name(inside.get("name"))
        deeper, names = placed_layers(inside, place, bases, name, depth + 1)
        found += deeper
        models += names
    return found, models


def model_name(name: object) -> str:
    """Returns the name of a model; raises `Findings` if it is not one."""
    if not isinstance(name, str) or "/" in name or not name.isprintable() or not name:
        raise wrong(("model", "name"), "is not a name of a model", "a short text", name)
    return name


def mapping(value: object, path: Path) -> Mapping[str, Any]:
    """Returns a value that must be a mapping; raises `Findings` if it is not one."""
    if not isinstance(value, Mapping):
        raise wrong(path, "is not a setting as Keras writes it", "a mapping", value)
    return value


@dataclass(frozen=True, slots=True)
class KerasModel:
    """A checked `Sequential` model, and how it was compiled.

    Attributes:
        models: The names of the model and those inside it, which are in the names of their weights.
        layers: Its layers, the input first; those of a model inside it stand in its place.
        loss: Its loss; None if it was not compiled.
        metrics: Its metrics.
        places: The group and the name that each layer has in the file, by its name in `layers`.
        adapted: Layers whose weights have become settings, by their names in `layers`.
        bases: What the file says of the layers inside its pretrained bases, by their names.
    """

    models: frozenset[str]
    layers: tuple[Spec, ...]
    loss: Spec | None
    metrics: tuple[Spec, ...]
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    adapted: frozenset[str] = frozenset()
    bases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_keras_model(
    architecture: str,
    training: str | None,
    statistics: Statistics = lambda group, name: {},
    given: Collection[str] = (),
    version: str | None = None,
    bases: str | None = None,
) -> KerasModel:
    """Reads the texts that a `.h5` file has in `model_config` and `training_config`.

    Args:
        architecture: The layers.
        training: How the model was compiled.
        statistics: Finds numbers that are settings here, but weights in the file.
        given: Keys that the user gives, so that the file is not asked for them.
        version: The Keras that wrote the file.
        bases: What `dl` has built its pretrained bases from, where it wrote the file.

    Raises:
        Findings: The texts are not such settings, or name what the vocabulary has not.
    """
    settings = sequential(mapping(_json(architecture, "model_config"), ()))
    own = mapping(_json(bases, "dl_bases"), ()) if bases else {}
    built = {name: _checked(Kind.BASE, spec, ("model", name)) for name, spec in own.items()}
    found, models = placed_layers(settings, ("model",), built)
    if version is not None and version.startswith(("1.", "2.")):
        _refuse_former(found)
    compiled = mapping(_json(training, "training_config"), ()) if training else {}
    read = _Layers(statistics, built)
    layers = read.specs(found, settings.get("build_input_shape"))
    return KerasModel(
        models=frozenset(models),
        layers=layers,
        loss=None if "training.loss" in given else _loss(compiled),
        metrics=() if "training.metrics" in given else _metrics(compiled),
        places=read.places,
        adapted=frozenset(read.adapted),
        bases={name: layer for _, name, layer in found if name in built},
    )


def _json(text: str, what: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        message = f"has no {what} that can be read"
        raise Findings.one((), message, "JSON", cut(str(error))) from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) > _MOST_KEYS:
        raise ValueError(f"an object has more than {_MOST_KEYS} keys")
    if len(values) < len(pairs):
        raise ValueError("a key is given twice in an object")
    if not all(key.isprintable() and len(key) <= 100 for key in values):
        raise ValueError("a key is too long or holds characters that cannot be shown")
    return values


def _refuse_former(found: list[Placed]) -> None:
    """Refuses what has the same name in Keras 3, but computes something else."""
    for start, _, layer in found:
        for path, value in _values(layer, start):
            if value == "hard_sigmoid":
                message = "is hard_sigmoid, which Keras 2 computed in another way than Keras 3"
                raise wrong(path, message, "another activation")


def _values(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    if isinstance(value, Mapping) and len(path) < 2 * MOST_NESTED:
        for key, item in value.items():
            yield from _values(item, path if key == "config" else (*path, key))
    else:
        yield path, value


class _Layers:
    """Checks layers one after the other, and keeps where each lies in the file."""

    def __init__(self, statistics: Statistics, bases: Mapping[str, Spec]) -> None:
        self._statistics, self._bases = statistics, bases
        self.places: dict[str, tuple[str, str]] = {}
        self.adapted: list[str] = []

    def specs(self, found: list[Placed], built_shape: object) -> tuple[Spec, ...]:
        """Returns the layers, an input first; raises `Findings` about any of them."""
        specs: list[Spec] = []
        findings: list[Finding] = []
        for placed in found:
            if specs and placed[2].get("class_name") == "InputLayer":
                continue  # of a model inside the model
            if placed[1] in self._bases:
                specs.append(self._bases[placed[1]])
                continue
            try:
                specs.append(_checked(Kind.LAYER, self._layer(*placed), placed[0]))
            except Findings as error:
                findings += error.findings
        if findings:
            raise Findings(findings)
        if specs[0].type != "Input":
            shape = {"type": "Input", "shape": _row_shape(built_shape, ("model",))}
            specs.insert(0, _checked(Kind.LAYER, shape, ("model", "layers", 0)))
        return tuple(specs)

    def _layer(self, path: Path, group: str, layer: Mapping[str, Any]) -> object:
        kind = layer.get("class_name")
        if isinstance(kind, str) and left_out(Kind.LAYER, kind):
            _checked(Kind.LAYER, kind, path)  # refuses it by its name, before its settings are read
        settings = dict(mapping(layer.get("config", {}), path))
        name = settings.get("name")
        if isinstance(name, str):
            # Layers of two models may have the same name.
            settings["name"] = f"{group}_{name}" if name in self.places else name
            self.places[settings["name"]] = (group, name)
        if kind == "InputLayer":
            shapes = [settings.pop(key, None) for key in ("batch_shape", "batch_input_shape")]
            settings["shape"] = _row_shape(shapes[0] or shapes[1], path)
            return from_keras({"class_name": "Input", "config": settings}, path)
        if kind == "Normalization" and isinstance(name, str):
            settings["axis"] = settings.get("axis") or None
            if settings.get("mean") is None and len(self.adapted) < _MOST_ADAPTED:
                settings |= self._statistics(group, name)
                self.adapted.append(settings["name"])
        if kind == "IntegerLookup" and settings.get("vocabulary") is None:
            message = "was adapted to data, but the file does not keep its vocabulary"
            raise wrong(path, message, "IntegerLookup(vocabulary=[...])")
        return from_keras({**layer, "config": settings}, path)


def _row_shape(shape: object, path: Path) -> list[Any]:
    if not isinstance(shape, list) or not shape:
        raise wrong(path, "does not say the shape of its input", "a list: batch, then the row")
    return shape[1:]


def _loss(compiled: Mapping[str, Any]) -> Spec | None:
    loss, weights = compiled.get("loss"), compiled.get("loss_weights")
    loss = loss[0] if isinstance(loss, list) and len(loss) == 1 else loss
    path: Path = ("training", "loss")
    if weights not in (None, 1.0, [1.0]):
        raise wrong(path, "has a weight, which is not read", "no loss_weights", weights)
    return None if loss is None else _named(Kind.LOSS, loss, path)


def _metrics(compiled: Mapping[str, Any]) -> tuple[Spec, ...]:
    """Returns the metrics; those that weigh the rows are the same where no row has a weight."""
    path: Path = ("training", "metrics")
    whole: list[object] = []
    for key in ("metrics", "weighted_metrics"):
        metrics = compiled.get(key) or []
        if not isinstance(metrics, list):
            raise wrong(path, "are not the metrics of a single output", "a list", metrics)
        whole += metrics[0] if len(metrics) == 1 and isinstance(metrics[0], list) else metrics
    return tuple(_named(Kind.METRIC, metric, (*path, i)) for i, metric in enumerate(whole))


def _named(kind: Kind, value: object, path: Path) -> Spec:
    """Checks a loss or metric, which the user may name instead."""
    try:
        return _checked(kind, from_keras(value, path), path)
    except Findings as error:
        key, name = path[1], "[NAME]" if kind is Kind.METRIC else "NAME"
        hint = f"say which to take instead: --set training.{key}={name}"
        raise Findings([replace(f, hint=hint) for f in error.findings]) from error


def _checked(kind: Kind, value: object, path: Path) -> Spec:
    try:
        return checked_object(kind, value)
    except Findings as error:
        # `type` is not a key of a Keras file: a finding on it is one on what is named.
        own = [
            each.path[:-1] if each.path[-1:] == ("type",) else each.path for each in error.findings
        ]
        placed = [replace(f, path=path + rest) for f, rest in zip(error.findings, own, strict=True)]
        raise Findings(placed) from None
