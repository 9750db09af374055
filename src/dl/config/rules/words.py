"""How rules name things of the config, so that all messages speak alike."""

from __future__ import annotations

import re

from dl.vocabulary.spec import Path, Spec

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def spoken(spec: Spec) -> str:
    """Returns the name as most people write it: `SparseCategoricalCrossentropy` in snake case."""
    return _WORD_START.sub("_", spec.type).lower()


def layer_path(index: int, layer: Spec) -> str:
    """Returns how a user would write the path of a layer: by its name where it has one."""
    name = layer.parameters.get("name")
    return f"model.layers.{name if isinstance(name, str) else index}"


def place(path: Path, spec: Spec, parameter: str) -> Path:
    """Returns the path of a parameter, or of the thing itself where the parameter is a default."""
    return (*path, parameter) if parameter in spec.given else path


def right_loss(classes: int | None) -> str:
    """Returns the loss to advise for a target of that many classes."""
    return "binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy"
