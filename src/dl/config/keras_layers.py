"""The layers of a model of plain Keras, with those of the models inside it, in one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dl.vocabulary.spec import Findings, Path
from dl.vocabulary.words import found_text

MOST_LAYERS = 10_000
MOST_DEPTH = 16
"""Layers of a model, and models inside each other: far more than a network that trains has."""
_CONTAINERS = {"Sequential": "Sequential", "Functional": "Functional", "Model": "Functional"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer as the file has it.

    Attributes:
        path: Where it stands, for findings.
        group: The group in which its weights lie: its own, or that of a model that it is inside of.
        layer: Its class and settings.
    """

    path: Path
    group: str
    layer: Mapping[str, Any]


def sequential(model: Mapping[str, Any], path: Path = (), where: str = "") -> Mapping[str, Any]:
    """Returns the settings of a `Sequential` model; raises `Findings` for any other."""
    name = model.get("class_name")
    if name != "Sequential":
        shown = _CONTAINERS.get(str(name), found_text(name))
        raise Findings.one(path, f"is a {shown} model{where}", "Sequential")
    return mapping(model.get("config"), path or ("model",))


def placed_layers(
    settings: Mapping[str, Any], path: Path, group: str = "", depth: int = 0
) -> tuple[list[Placed], list[str]]:
    """Returns the layers of a model in their order, and the names of it and the models inside it.

    Raises:
        Findings: A model has no layers, too many or no name, or one inside it is not `Sequential`.
    """
    layers = settings.get("layers")
    if not isinstance(layers, list) or not 0 < len(layers) <= MOST_LAYERS:
        raise Findings.one(
            (*path, "layers"), "are not a list of layers", f"a list of 1 to {MOST_LAYERS} layers"
        )
    if depth > MOST_DEPTH:
        raise Findings.one(path[:6], f"is inside of more than {MOST_DEPTH} models")
    found: list[Placed] = []
    models = [model_name(settings.get("name"))]
    for position, item in enumerate(layers):
        place = (*path, "layers", position)
        layer = mapping(item, place)
        if str(layer.get("class_name")) not in _CONTAINERS:
            own = mapping(layer.get("config", {}), place).get("name")
            found.append(Placed(place, group or str(own), layer))
            continue
        inside = sequential(layer, place, " inside the model")
        name = group or model_name(inside.get("name"))
        deeper, names = placed_layers(inside, place, name, depth + 1)
        found += deeper
        models += names
    return found, models


def model_name(name: object) -> str:
    """Returns the name of a model; raises `Findings` if it is none."""
    if not isinstance(name, str) or "/" in name or not name.isprintable() or not name:
        raise Findings.one(
            ("model", "name"), "is not a name of a model", "a short text", found_text(name)
        )
    return name


def mapping(value: object, path: Path) -> Mapping[str, Any]:
    """Returns a value that must be a mapping; raises `Findings` if it is none."""
    if not isinstance(value, Mapping):
        raise Findings.one(
            path, "is not a setting as Keras writes it", "a mapping", found_text(value)
        )
    return value
