"""What of a config is worth telling: what differs from the defaults, and its hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.nodes import flow
from dl.config.phases import PhasePlan, layer_names
from dl.config.preprocess import Preprocess, cross_name
from dl.config.schema import Config, key_order, plain_data
from dl.text import plural
from dl.vocabulary.names import chosen
from dl.vocabulary.sections import Section, field_of, keys
from dl.vocabulary.spec import Spec


def changed(config: Config) -> dict[str, str]:
    """Returns every value that differs from its default, as YAML, by its dotted path.

    The names of layers and metrics are left out: they say nothing about the training.
    """
    return dict(_differing("", config))


def _differing(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Section):
        for key in key_order(type(value)):
            known, item = keys(type(value))[key], getattr(value, field_of(key))
            if known.required or item != known.value:
                yield from _differing(f"{path}.{key}" if path else key, item)
    elif isinstance(value, Spec):
        yield f"{path}.type", value.type
        for name, item in chosen(value):
            if name != "name":
                yield f"{path}.{name}", flow(plain_data(item))
    elif named := _named(value):
        for place, item in named.items():
            yield from _differing(f"{path}.{place}", item)
    else:
        yield path, flow(plain_data(value))


def _named(value: object) -> dict[object, object]:
    """Returns the things or sections of a list, those of a mapping, by name; none of others."""
    if isinstance(value, tuple) and any(isinstance(item, Spec) for item in value):
        return {item.parameters.get("name") or place: item for place, item in enumerate(value)}
    if isinstance(value, tuple) and any(isinstance(item, Section) for item in value):
        return dict(enumerate(value))
    sections = isinstance(value, dict) and any(isinstance(item, Section) for item in value.values())
    return value if isinstance(value, dict) and sections else {}


_RATE = "learning_rate"
_OF_NO_INTEREST = frozenset({"name", "dtype", "seed"})
_ALWAYS = frozenset({"activation"})


def hyperparameters(config: Config) -> dict[str, list[str]]:
    """Returns the hyperparameters by what they are called, in the order of a textbook.

    Of a layer or optimizer there is what must be chosen, and what differs from Keras' defaults.
    """
    training = config.training
    columns = list(_prepared(config.preprocess))
    listed = {
        **({"columns": columns} if columns else {}),
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
    if training.phases:
        listed["phases"] = [phase_words(config, plan) for plan in config.phases]
    if training.callbacks:
        listed["callbacks"] = [_words(callback) for callback in training.callbacks]
    return listed


def phase_words(config: Config, plan: PhasePlan) -> str:
    """Returns what a phase does: its epochs, who learns, and with what."""
    training, names = plan.training, layer_names(config.model)
    frozen = [name for name in names if name in plan.frozen]
    learning = [name for name in names if name not in plan.frozen]
    shorter = f"{', '.join(frozen)} frozen" if len(frozen) <= len(learning) else ""
    who = (shorter or f"only {', '.join(learning)} learn") if frozen else "all layers learn"
    goes = " goes on" if plan.goes_on else ""
    told = [plural(training.epochs, "epoch"), who, f"{_words(training.optimizer)}{goes}"]
    if training.batch_size != config.training.batch_size:
        told.append(f"batch size {training.batch_size}")
    if plan.place("callbacks") == (*plan.path, "callbacks"):
        told.append(", ".join(map(_words, training.callbacks)) or "no callbacks")
    return "; ".join(told)


def _prepared(preprocess: Preprocess) -> Iterator[str]:
    crosses = [cross_name(*pair) for pair in preprocess.crosses]
    for name in dict.fromkeys([*preprocess.columns, *crosses]):
        rules = dict(_differing("", preprocess.columns.get(name)))
        told = ", ".join(f"{key.lstrip('.')} {value}" for key, value in rules.items() if key)
        yield f"{name} ({told})" if told else name


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
