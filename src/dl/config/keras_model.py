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

from dl.text import cut
from dl.vocabulary.catalog import checked_object, find, left_out
from dl.vocabulary.sections import Parameter
from dl.vocabulary.spec import Finding, Findings, Kind, Path, Spec, facts, found_text
from dl.vocabulary.types import accepts

MOST_LAYERS = 10_000
MOST_DEPTH = 16
"""Layers of a model, and models inside each other: far more than a network that trains has."""
MOST_NESTED = 32
"""Values inside each other: wrappers of wrappers take about three each."""
_MOST_SHOWN = 6
"""Keys of a path in the message about one that is nested too deeply."""
_MOST_KEYS = 200
"""Keys of an object; a layer of Keras has about 30 settings."""
_MOST_ADAPTED = 100
"""Layers whose numbers are looked for in the file: a hostile one could name thousands."""
_NEVER = object()
_CONTAINERS = {"Sequential": "Sequential", "Functional": "Functional", "Model": "Functional"}


_FORM = frozenset({"module", "class_name", "config", "registered_name", "build_config"})
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
"""Names that Keras 2 had for parameters."""
_OWN_FUNCTION = "is a custom function, which is not read"
_POLICIES = ("DTypePolicy", "Policy")
_WRAPPERS = ("MeanMetricWrapper", "LossFunctionWrapper")
"""What Keras 2 writes for a metric or a loss that is given by its name."""

Statistics = Callable[[str, str], Mapping[str, object]]
"""Given a group of weights and a layer's name: the mean and the variance that it was adapted to."""
Placed = tuple[Path, str, Mapping[str, Any]]
"""A layer as the file has it: where it stands, for findings; the group in which its weights lie,
its own or that of a model that it is inside of; its class and settings."""


def _wrong(
    path: Path, message: str, expected: str | None = None, found: object = _NEVER
) -> Findings:
    return Findings.one(path, message, expected, None if found is _NEVER else found_text(found))


def sequential(model: Mapping[str, Any], path: Path = (), where: str = "") -> Mapping[str, Any]:
    """Returns the settings of a `Sequential` model; raises `Findings` for any other."""
    name = model.get("class_name")
    if name != "Sequential":
        shown = _CONTAINERS.get(str(name), found_text(name))
        raise _wrong(path, f"is a {shown} model{where}", "Sequential")
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
        raise _wrong((*path, "layers"), "are not a list of layers", many)
    if depth > MOST_DEPTH:
        raise _wrong(path[:_MOST_SHOWN], f"is inside of more than {MOST_DEPTH} models")
    found: list[Placed] = []
    models = [model_name(settings.get("name"))]
    for position, item in enumerate(layers):
        place = (*path, "layers", position)
        layer = mapping(item, place)
        own = mapping(layer.get("config", {}), place).get("name")
        is_base = layer.get("class_name") == "Functional" and not depth and own in bases
        if is_base or str(layer.get("class_name")) not in _CONTAINERS:
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
        raise _wrong(("model", "name"), "is not a name of a model", "a short text", name)
    return name


def mapping(value: object, path: Path) -> Mapping[str, Any]:
    """Returns a value that must be a mapping; raises `Findings` if it is not one."""
    if not isinstance(value, Mapping):
        raise _wrong(path, "is not a setting as Keras writes it", "a mapping", value)
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
                raise _wrong(path, message, "another activation")


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
            raise _wrong(path, message, "IntegerLookup(vocabulary=[...])")
        return from_keras({**layer, "config": settings}, path)


def _row_shape(shape: object, path: Path) -> list[Any]:
    if not isinstance(shape, list) or not shape:
        raise _wrong(path, "does not say the shape of its input", "a list: batch, then the row")
    return shape[1:]


def _loss(compiled: Mapping[str, Any]) -> Spec | None:
    loss, weights = compiled.get("loss"), compiled.get("loss_weights")
    loss = loss[0] if isinstance(loss, list) and len(loss) == 1 else loss
    path: Path = ("training", "loss")
    if weights not in (None, 1.0, [1.0]):
        raise _wrong(path, "has a weight, which is not read", "no loss_weights", weights)
    return None if loss is None else _named(Kind.LOSS, loss, path)


def _metrics(compiled: Mapping[str, Any]) -> tuple[Spec, ...]:
    """Returns the metrics; those that weigh the rows are the same where no row has a weight."""
    path: Path = ("training", "metrics")
    whole: list[object] = []
    for key in ("metrics", "weighted_metrics"):
        metrics = compiled.get(key) or []
        if not isinstance(metrics, list):
            raise _wrong(path, "are not the metrics of a single output", "a list", metrics)
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


def from_keras(value: object, path: Path = (), depth: int = 0) -> object:
    """Returns a value of a saved model's settings as a config has it.

    Args:
        value: What JSON gave.
        path: Where it stands, for findings.
        depth: How many values it is inside of.

    Raises:
        Findings: It names a thing outside of Keras, is not a setting, or is nested too deeply.
    """
    if depth > MOST_NESTED:
        raise _wrong(path[:_MOST_SHOWN], f"is nested more than {MOST_NESTED} deep")
    if isinstance(value, list):
        return [from_keras(item, (*path, i), depth + 1) for i, item in enumerate(value)]
    if isinstance(value, str) and not value.isprintable():
        raise Findings.one(path, "holds characters that cannot be shown", found=ascii(value[:20]))
    if not isinstance(value, Mapping):
        return value
    if "class_name" in value:
        return _thing(value, path, depth)
    if set(value) == {"value"}:  # the code of a lambda
        raise _wrong(path, _OWN_FUNCTION)
    return {key: from_keras(item, (*path, key), depth + 1) for key, item in value.items()}


def _thing(value: Mapping[str, object], path: Path, depth: int) -> object:
    name, settings = value["class_name"], value.get("config", {})
    if name == "__tuple__":
        return from_keras(value.get("items"), path, depth + 1)
    if str(name) in _CONTAINERS:
        raise _wrong(path, "is a model inside of a layer, which is not read")
    if not isinstance(name, str) or not set(value) <= _FORM:
        raise _wrong(path, "is not a setting as Keras writes it", found=value)
    _refuse_foreign(value, name, path)
    if not isinstance(settings, Mapping):
        raise _wrong(path, "has no settings", "a mapping", value)
    if name in _POLICIES:
        return settings.get("name")
    if name == "SeedGenerator":
        return from_keras(settings.get("seed"), path, depth + 1)
    if name in _WRAPPERS and isinstance(settings.get("fn"), str):
        name = str(settings["fn"])
    parameters = _parameters(name, settings, path, depth)
    if "type" in parameters:
        raise Findings.one((*path, "type"), f"is not a parameter of {name}", at_key=True)
    return {"type": name, **parameters} if parameters else name


def _parameters(
    name: str, settings: Mapping[str, object], path: Path, depth: int
) -> dict[str, object]:
    if name == "Bidirectional":
        settings = {key: _without_forced_zeros(item) for key, item in settings.items()}
    parameters: dict[str, object] = {}
    for given, item in settings.items():
        key = _RENAMED.get((name, given), given)
        if not _is_unused(name, key, item, settings):
            value = from_keras(item, (*path, key), depth + 1)
            parameters[key] = _single(_known(name, key), value)
    return parameters


def _without_forced_zeros(layer: object) -> object:
    """Leaves out what `Bidirectional` itself sets in the layers that it is given."""
    settings = layer.get("config") if isinstance(layer, Mapping) else None
    if not isinstance(layer, Mapping) or not isinstance(settings, Mapping):
        return layer
    if settings.get("zero_output_for_mask") != settings.get("return_sequences"):
        return layer
    kept = {key: item for key, item in settings.items() if key != "zero_output_for_mask"}
    return {**layer, "config": kept}


def _single(parameter: Parameter | None, value: object) -> object:
    """Returns the number in a list of one, as Keras writes it, where the parameter is a number."""
    if parameter is None or not isinstance(value, list) or len(value) != 1:
        return value
    wanted = parameter.type
    return value[0] if accepts(wanted, value[0]) and not accepts(wanted, value) else value


def _known(name: str, key: str) -> Parameter | None:
    entries = filter(None, (find(kind, name) for kind in Kind))
    return next((entry.parameters[key] for entry in entries if key in entry.parameters), None)


def _refuse_foreign(value: Mapping[str, object], name: str, path: Path) -> None:
    if name.startswith("__"):  # such as __lambda__
        raise _wrong(path, _OWN_FUNCTION)
    module, registered = value.get("module"), value.get("registered_name")
    of_keras = module is None or (isinstance(module, str) and module.split(".")[0] == "keras")
    if of_keras and registered in (None, name):
        return
    origin = registered if of_keras else module
    if module == "builtins" and isinstance(value.get("config"), str):
        origin = value["config"]  # the name of the function
    raise _wrong(
        path, f"names {found_text(name)}, which is custom code", "a class of Keras", origin
    )


def _is_unused(name: str, key: str, value: object, settings: Mapping[str, object]) -> bool:
    if key == "fn":  # of a wrapper, or beside the class that it means
        return True
    if key == "num_bins" and isinstance(settings.get("bin_boundaries"), list):
        return True
    if key == "reduction" and value == "auto":
        return True
    if _known(name, key) is not None:
        return False
    neutral = facts()["unused"].get(key, _NEVER)
    return key in facts()["never_used"] or (type(value) is type(neutral) and value == neutral)
