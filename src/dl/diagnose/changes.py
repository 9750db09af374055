"""What to try: pieces of a config that lie on top of the one of the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from dl.config.schema import Config
from dl.config.sections.data import BuiltinData, CsvData, ParquetData
from dl.diagnose.case import Change
from dl.vocabulary.catalog import find
from dl.vocabulary.check import check_object
from dl.vocabulary.spec import Spec, document
from dl.vocabulary.traits import ACTIVATION_LAYERS, HIDDEN, LIMITS_OF_GRADIENTS, RATES

_RATE = "learning_rate"
_FIRST_RATE = "initial_learning_rate"
_HIDDEN_LAYER = {"type": "Dense", "units": 32, "activation": "relu"}


def slower(config: Config, factor: float) -> Change:
    """Returns a lower learning rate that makes sense for the optimizer.

    Where a schedule hides the rate, it is a limit on the gradients.
    """
    optimizer = config.training.optimizer
    most = RATES[optimizer.type][1] if optimizer.type in RATES else math.inf
    rate = optimizer.parameters.get(_RATE)
    if isinstance(rate, int | float):
        return _optimizer({_RATE: _rounded(min(rate, most) * factor)})
    first = rate.parameters.get(_FIRST_RATE) if isinstance(rate, Spec) else None
    if isinstance(first, int | float):
        return _optimizer({_RATE: {_FIRST_RATE: _rounded(min(first, most) * factor)}})
    return clipped(config)


def clipped(config: Config) -> Change:
    """Returns a limit on the norm of each gradient; a tenth of the limit that there is already."""
    parameters = config.training.optimizer.parameters
    for name in LIMITS_OF_GRADIENTS:
        limit = parameters.get(name)
        if isinstance(limit, int | float):
            return _optimizer({name: _rounded(limit / 10)})
    return _optimizer({"clipnorm": 1.0})


def scaled_inputs(config: Config) -> Change:
    """Returns the scaling of the columns of a table that has none; nothing for other data."""
    table = isinstance(config.data, CsvData | ParquetData | BuiltinData)
    unscaled = table and config.preprocess.numeric == "none"
    return {"preprocess": {"numeric": "standardize"}} if unscaled else {}


def with_callback(config: Config, callback: Mapping[str, object]) -> Change:
    """Returns all callbacks, with one of its type replaced or added at the end."""
    kept = [spec for spec in config.training.callbacks if spec.type != callback["type"]]
    return {"training": {"callbacks": [*map(brief, kept), dict(callback)]}}


def balanced() -> Change:
    """Returns weights with which the rows of each class count as much as those of another."""
    return {"training": {"class_weight": "balanced"}}


def epochs(count: int) -> Change:
    """Returns another number of epochs."""
    return {"training": {"epochs": count}}


def with_activation(config: Config, names: Iterable[str], activation: str) -> Change:
    """Returns all layers, with another activation for those of the given names."""
    wanted = set(names)

    def changed(name: str, layer: Spec) -> list[object]:
        plain = _mapping(layer)
        if name not in wanted:
            return [brief(layer)]
        if layer.type in ACTIVATION_LAYERS:
            return [{"type": "Activation", "activation": activation}]
        return [{**plain, "activation": activation}]

    return _layers(config, changed)


def with_dropout(config: Config, rate: float) -> Change:
    """Returns all layers, with Dropout before the last one that has weights."""
    last = _weighted(config)[-1:]

    def changed(name: str, layer: Spec) -> list[object]:
        before: list[object] = [{"type": "Dropout", "rate": rate}] if name in last else []
        return [*before, brief(layer)]

    return _layers(config, changed)


def with_penalty(config: Config) -> Change:
    """Returns all layers, with a penalty on large weights for the hidden ones."""
    hidden = _weighted(config)[:-1] or _weighted(config)

    def changed(name: str, layer: Spec) -> list[object]:
        if name not in hidden:
            return [brief(layer)]
        return [{**_mapping(layer), "kernel_regularizer": {"type": "L2", "l2": 0.001}}]

    return _layers(config, changed)


def with_normalization(config: Config) -> Change:
    """Returns all layers, with BatchNormalization after each hidden one."""
    hidden = _weighted(config)[:-1]

    def changed(name: str, layer: Spec) -> list[object]:
        after: list[object] = ["BatchNormalization"] if name in hidden else []
        return [brief(layer), *after]

    return _layers(config, changed)


def larger(config: Config) -> Change:
    """Returns all layers, the hidden ones twice as wide; one more where there is none."""
    hidden, last = _weighted(config)[:-1], _weighted(config)[-1:]

    def changed(name: str, layer: Spec) -> list[object]:
        if not hidden and name in last:
            return [_HIDDEN_LAYER, brief(layer)]
        key = "units" if "units" in layer.parameters else "filters"
        size = layer.parameters.get(key)
        if name not in hidden or not isinstance(size, int):
            return [brief(layer)]
        return [{**_mapping(layer), key: 2 * size}]

    return _layers(config, changed)


def together(*changes: Change) -> Change:
    """Returns changes of different sections as one."""
    return {section: value for change in changes for section, value in change.items()}


def brief(spec: Spec) -> object:
    """Returns a named thing as a person would write it: without what is the default."""
    plain = _mapping(spec)
    return spec.type if len(plain) == 1 else plain


def _mapping(spec: Spec) -> dict[str, object]:
    """Returns a named thing as a mapping with `type`, without what is the default."""
    defaults = _defaults(spec)
    if defaults is None:
        whole = document(spec)
        return dict(whole) if isinstance(whole, Mapping) else {"type": whole}
    different = {
        name: value
        for name, value in spec.parameters.items()
        if name not in defaults or defaults[name] != value
    }
    return {"type": spec.type, **{name: _plain(value) for name, value in different.items()}}


def _defaults(spec: Spec) -> Mapping[str, object] | None:
    """Returns what the parameters are if only the required ones are given."""
    entry = find(spec.kind, spec.type)
    if entry is None:
        return None
    required = {name for name, parameter in entry.parameters.items() if parameter.required}
    given = {name: _plain(spec.parameters[name]) for name in required if name in spec.parameters}
    made, _ = check_object(spec.kind, {"type": spec.type, **given})
    if made is None:
        return None
    return {name: value for name, value in made.parameters.items() if name not in required}


def _plain(value: object) -> object:
    if isinstance(value, Spec):
        return brief(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _weighted(config: Config) -> list[str]:
    """Returns the names of the layers whose units can be changed, from input to output."""
    return [
        str(layer.parameters.get("name")) for layer in config.model.layers if layer.type in HIDDEN
    ]


def _layers(config: Config, changed: Callable[[str, Spec], list[object]]) -> Change:
    layers = [
        plain
        for layer in config.model.layers
        for plain in changed(str(layer.parameters.get("name")), layer)
    ]
    return {"model": {"layers": layers}}


def _optimizer(values: Mapping[str, object]) -> Change:
    return {"training": {"optimizer": values}}


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
