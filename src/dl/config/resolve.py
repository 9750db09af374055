"""From a checked config back to text and plain data, and what of it is worth telling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from dl.config.emit import flat_document, flow, yaml_text
from dl.config.schema import Config
from dl.vocabulary.names import chosen
from dl.vocabulary.sections import Section, keys
from dl.vocabulary.spec import Spec, document

_FIRST = ("source", "dataset", "path", "target", "features")
"""The keys that stand first in `data`, because they say what it is about."""


def resolved_text(config: Config, folder: Path | None = None) -> str:
    """Returns the config as YAML, every default written out; it loads as an equal config.

    Args:
        config: The config.
        folder: Where the text goes together with its data; a file in it is named without it.
    """
    document = document_of(config)
    data = document["data"]
    path = data.get("path") if isinstance(data, dict) else None
    if isinstance(data, dict) and isinstance(path, str) and Path(path).parent == folder:
        data["path"] = Path(path).name
    return yaml_text(document)


def document_of(section: Section) -> dict[str, object]:
    """Returns a config, or a section, as plain data, in the order in which it is written."""
    return {key: plain_data(getattr(section, key)) for key in key_order(type(section))}


def key_order(section: type[Section]) -> list[str]:
    """Returns the keys of a section in the order in which they are written."""
    known = list(keys(section))
    first = [key for key in _FIRST if key in known] if "source" in known else []
    return first + [key for key in known if key not in first]


def flat(config: Config) -> dict[str, object]:
    """Returns every value by its dotted path, as `--set` and a comparison name it.

    A layer, metric or callback with a name is found under it, else under its position.
    A list of single values is one value.
    """
    return flat_document(document_of(config))


def plain_data(value: object) -> object:
    """Returns a value of a config as dicts with text keys, lists, text, numbers and None."""
    if isinstance(value, Section):
        return document_of(value)
    if isinstance(value, Spec):
        return document(value)
    if isinstance(value, tuple | list):
        return [plain_data(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    return value


def changed(config: Config) -> dict[str, str]:
    """Returns every value that differs from its default, as YAML, by its dotted path.

    The names of layers and metrics are left out: they say nothing about the training.
    """
    return dict(_differing("", config))


def _differing(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Section):
        for key in key_order(type(value)):
            known, item = keys(type(value))[key], getattr(value, key)
            if known.required or item != known.value:
                yield from _differing(f"{path}.{key}" if path else key, item)
    elif isinstance(value, Spec):
        yield f"{path}.type", value.type
        for name, item in chosen(value):
            if name != "name":
                yield f"{path}.{name}", flow(plain_data(item))
    elif isinstance(value, tuple) and any(isinstance(item, Spec) for item in value):
        for place, item in enumerate(value):
            yield from _differing(f"{path}.{item.parameters.get('name') or place}", item)
    else:
        yield path, flow(plain_data(value))


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
