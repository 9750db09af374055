"""From a checked `Spec` to the Keras object that it names."""

from __future__ import annotations

from typing import Any

import keras

from dl.engine.network.keras_modules import MODULES
from dl.engine.network.own import OWN_ACTIVATIONS, OWN_OBJECTS
from dl.engine.network.randomness import FAST_LAYERS
from dl.engine.seeds import derived_seed
from dl.vocabulary.spec import Kind, Path, Spec


def build_object(spec: Spec, *, seed: int, path: Path, fast: bool = True) -> Any:
    """Returns the Keras object that a spec names, with all that is nested in it.

    Args:
        spec: What to build.
        seed: The config's seed. Whatever takes a seed and was given none gets one of its own,
            derived from this and its place.
        path: Where the spec stands in the config.
        fast: Build a noise layer that draws fast inside a compiled loop.
    """
    if spec.kind is Kind.ACTIVATION:
        return OWN_ACTIVATIONS.get(spec.type) or getattr(keras.activations, spec.type)
    arguments = {
        name: _argument(name, value, seed=seed, path=(*path, name))
        for name, value in spec.parameters.items()
    }
    return _class(spec, fast)(**arguments)


def _class(spec: Spec, fast: bool) -> Any:
    if fast and spec.kind is Kind.LAYER and spec.type in FAST_LAYERS:
        return FAST_LAYERS[spec.type]
    return OWN_OBJECTS.get((spec.kind, spec.type)) or getattr(MODULES[spec.kind], spec.type)


def _argument(name: str, value: object, *, seed: int, path: Path) -> object:
    if name == "seed" and value is None:
        return derived_seed(seed, path)
    if isinstance(value, Spec):
        return build_object(value, seed=seed, path=path, fast=False)
    if isinstance(value, tuple | list):
        items = (_argument("", item, seed=seed, path=(*path, i)) for i, item in enumerate(value))
        return list(items) if _holds_spec(value) else tuple(items)
    return value


def _holds_spec(values: tuple[object, ...] | list[object]) -> bool:
    return any(isinstance(value, Spec) for value in values)
