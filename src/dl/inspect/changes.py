"""What to try: pieces of a config that lie on top of the one of the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping

from dl.config.data import BuiltinData, TableFile
from dl.config.schema import Config
from dl.vocabulary.names import chosen
from dl.vocabulary.spec import Spec
from dl.vocabulary.traits import ACTIVATION_LAYERS, HIDDEN, LIMITS_OF_GRADIENTS, RATES

Change = Mapping[str, object]
"""What to write into the config: sections, as plain data, on top of those of the run."""

_RATE = "learning_rate"
_FIRST_RATES = ("initial_learning_rate", "max_learning_rate")


def slower(config: Config, factor: float) -> Change:
    """Returns a lower learning rate that makes sense for the optimizer.

    Where a schedule hides the rate, it is a limit on the gradients.
    """
    optimizer = config.training.optimizer
    most = RATES[optimizer.type][1] if optimizer.type in RATES else math.inf
    rate = optimizer.parameters.get(_RATE)
    if isinstance(rate, int | float):
        return _optimizer({_RATE: _rounded(min(rate, most) * factor)})
    known = rate.parameters if isinstance(rate, Spec) else {}
    for name in _FIRST_RATES:
        first = known.get(name)
        if isinstance(first, int | float):
            return _optimizer({_RATE: {name: _rounded(min(first, most) * factor)}})
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
    table = isinstance(config.data, TableFile | BuiltinData)
    unscaled = table and config.preprocess.numeric == "none"
    return {"preprocess": {"numeric": "standardize"}} if unscaled else {}


def with_callback(config: Config, callback: Mapping[str, object]) -> Change:
    """Returns all callbacks, with one of its type replaced or added at the end."""
    kept = [spec for spec in config.training.callbacks if spec.type != callback["type"]]
    return {"training": {"callbacks": [*map(brief, kept), dict(callback)]}}


def with_activation(config: Config, names: Iterable[str], activation: str) -> Change:
    """Returns all layers, with another activation for those of the given names."""

    def changed(layer: Spec) -> list[object]:
        if layer.type in ACTIVATION_LAYERS:
            return [{"type": "Activation", "activation": activation}]
        return [{**_mapping(layer), "activation": activation}]

    return _layers(config, set(names), changed)


def with_dropout(config: Config) -> Change:
    """Returns all layers, with Dropout before the last one that has weights."""
    dropout = {"type": "Dropout", "rate": 0.3}
    return _layers(config, _weighted(config)[-1:], lambda layer: [dropout, brief(layer)])


def with_penalty(config: Config) -> Change:
    """Returns all layers, with a penalty on large weights for the hidden ones."""
    penalty = {"kernel_regularizer": {"type": "L2", "l2": 0.001}}
    hidden = _weighted(config)[:-1] or _weighted(config)
    return _layers(config, hidden, lambda layer: [{**_mapping(layer), **penalty}])


def with_normalization(config: Config) -> Change:
    """Returns all layers, with BatchNormalization after each hidden one."""
    hidden = _weighted(config)[:-1]
    return _layers(config, hidden, lambda layer: [brief(layer), "BatchNormalization"])


def larger(config: Config) -> Change:
    """Returns all layers, the hidden ones twice as wide; one more where there is none."""
    hidden, last = _weighted(config)[:-1], _weighted(config)[-1:]
    if not hidden:
        added = {"type": "Dense", "units": 32, "activation": "relu"}
        return _layers(config, last, lambda layer: [added, brief(layer)])

    def wider(layer: Spec) -> list[object]:
        key = "units" if "units" in layer.parameters else "filters"
        size = layer.parameters.get(key)
        return [{**_mapping(layer), key: 2 * size} if isinstance(size, int) else brief(layer)]

    return _layers(config, hidden, wider)


def together(*parts: Change) -> Change:
    """Returns changes of different sections as one."""
    return {section: value for change in parts for section, value in change.items()}


def brief(spec: Spec) -> object:
    """Returns a named thing as a person would write it: without what is the default."""
    plain = _mapping(spec)
    return spec.type if len(plain) == 1 else plain


def _mapping(spec: Spec) -> dict[str, object]:
    """Returns a named thing as a mapping with `type`, without what is the default."""
    return {"type": spec.type, **{name: _plain(value) for name, value in chosen(spec)}}


def _plain(value: object) -> object:
    if isinstance(value, Spec):
        return brief(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _weighted(config: Config) -> list[str]:
    """Returns the names of the layers whose units can be changed, from input to output."""
    return [_name(layer) for layer in config.model.layers if layer.type in HIDDEN]


def _layers(
    config: Config, names: Collection[str], changed: Callable[[Spec], list[object]]
) -> Change:
    """Returns all layers, with others in the place of those of the given names."""
    layers: list[object] = []
    for layer in config.model.layers:
        layers += changed(layer) if _name(layer) in names else [brief(layer)]
    return {"model": {"layers": layers}}


def _name(layer: Spec) -> str:
    return str(layer.parameters.get("name"))


def _optimizer(values: Mapping[str, object]) -> Change:
    return {"training": {"optimizer": values}}


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
