"""The hyperparameters of a config: what a person chooses, where training finds the parameters."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.emit import flow
from dl.config.schema import Config
from dl.vocabulary.defaults import chosen
from dl.vocabulary.spec import Spec

_RATE = "learning_rate"
_OF_NO_INTEREST = frozenset({"name", "dtype", "seed"})
_ALWAYS = frozenset({"activation"})


def hyperparameters(config: Config) -> dict[str, list[str]]:
    """Returns the hyperparameters by what they are called, in the order of a textbook.

    Of a layer or optimizer there is what must be chosen, and what differs from Keras' defaults.
    """
    training = config.training
    listed = {
        "layers": [_words(layer) for layer in config.model.layers],
        "loss": [_words(training.loss)],
    }
    if training.solver == "normal_equation":
        return {**listed, "solver": ["normal_equation"]}
    listed["optimizer"] = [_words(training.optimizer, without=_RATE)]
    if _RATE in training.optimizer.parameters:
        listed["learning rate"] = [_value(training.optimizer.parameters[_RATE])]
    listed["batch size"] = [str(training.batch_size)]
    listed["epochs"] = [str(training.epochs)]
    if training.callbacks:
        listed["callbacks"] = [_words(callback) for callback in training.callbacks]
    return listed


def _words(spec: Spec, without: str = "") -> str:
    told = [item for name, item in _told(spec) if name != without]
    return f"{spec.type} ({', '.join(told)})" if told else spec.type


def _told(spec: Spec) -> Iterator[tuple[str, str]]:
    differing = dict(chosen(spec))
    for name, value in spec.parameters.items():
        if name in _OF_NO_INTEREST or not (name in _ALWAYS or name in differing):
            continue
        yield name, f"{name} {'linear' if value is None and name in _ALWAYS else _value(value)}"


def _value(value: object) -> str:
    if isinstance(value, Spec):
        return _words(value)
    if isinstance(value, tuple) and any(isinstance(item, Spec) for item in value):
        return ", ".join(map(_value, value))
    return flow(value)
