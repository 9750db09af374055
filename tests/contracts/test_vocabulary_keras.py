"""The vocabulary is true to the installed Keras: names, parameters, defaults, spellings."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import keras
import pytest
from keras.src import activations, initializers, losses, metrics, optimizers, regularizers

from dl.model.objects import MODULES
from dl.vocabulary.catalog import DATA, Entry, entries, find, left_out, left_out_parameter
from dl.vocabulary.spec import Kind, facts

pytestmark = pytest.mark.slow

CLASSES = [kind for kind in Kind if kind is not Kind.ACTIVATION]
LAYER_PARAMETERS = {"name", "trainable", "dtype"}
NAMED = {Kind.METRIC, Kind.LOSS}


def generator() -> Any:
    """Returns the script as a module."""
    path = Path(__file__).parents[2] / "scripts" / "generate_vocabulary.py"
    spec = importlib.util.spec_from_file_location("generate_vocabulary", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keras_entries(kind: Kind) -> list[Entry]:
    return [entry for entry in entries(kind).values() if not entry.own]


def test_generated_file_is_fresh() -> None:
    assert generator().vocabulary_text() == DATA.read_text(encoding="utf-8"), (
        "run python scripts/generate_vocabulary.py"
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_parameters_are_those_of_keras(kind: Kind) -> None:
    for entry in keras_entries(kind):
        signature = inspect.signature(getattr(MODULES[kind], entry.name)).parameters
        offered = {
            name
            for name, parameter in signature.items()
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
            and left_out_parameter("base" if kind is Kind.BASE else entry.name, name) is None
        } - {"tensor"}
        more = LAYER_PARAMETERS if kind in (Kind.LAYER, Kind.CELL) else set()
        more = {"name", "trainable", "trainable_from", "training"} if kind is Kind.BASE else more
        more |= {"from"} if entry.name == "Embedding" else set()
        assert offered <= set(entry.parameters) <= offered | more, entry.name


@pytest.mark.parametrize("kind", CLASSES)
def test_defaults_are_those_of_keras(kind: Kind) -> None:
    for entry in keras_entries(kind):
        signature = inspect.signature(getattr(MODULES[kind], entry.name)).parameters
        changed = [
            *(("include_top", "weights", "name") if kind is Kind.BASE else ()),
            *facts()["required"].get(entry.name, ()),
            *facts()["defaults"].get(entry.name, ()),
        ]
        for name, parameter in entry.parameters.items():
            if name not in signature or name in changed:
                continue
            default = signature[name].default
            if name == "name" and kind in NAMED and default is None:
                continue
            expected = None if default is inspect.Parameter.empty else default
            assert _plain(parameter.default) == _plain(expected), f"{entry.name}.{name}"
            assert parameter.required == (default is inspect.Parameter.empty)


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("entry", keras_entries(Kind.ACTIVATION), ids=lambda entry: entry.name)
def test_activation_is_one_that_keras_can_store(entry: Entry) -> None:
    function = keras.activations.get(entry.name)

    assert keras.activations.serialize(function) == entry.name


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Kind.ACTIVATION, activations.ALL_OBJECTS_DICT),
        (Kind.INITIALIZER, initializers.ALL_OBJECTS_DICT),
        (Kind.REGULARIZER, regularizers.ALL_OBJECTS_DICT),
        (Kind.LOSS, losses.ALL_OBJECTS_DICT),
        (Kind.METRIC, metrics.ALL_OBJECTS_DICT),
        (Kind.OPTIMIZER, optimizers.ALL_OBJECTS_DICT),
    ],
)
def test_every_spelling_that_keras_looks_up_is_known(kind: Kind, table: dict[str, Any]) -> None:
    unknown = [name for name in table if find(kind, name) is None and not left_out(kind, name)]

    assert set(unknown) <= {"LossFunctionWrapper"}


@pytest.mark.parametrize("kind", CLASSES)
def test_everything_that_keras_exports_is_known_or_left_out(kind: Kind) -> None:
    exported = {
        name
        for name in dir(MODULES[kind])
        if (inspect.isfunction if kind is Kind.BASE else inspect.isclass)(
            getattr(MODULES[kind], name)
        )
        and name != "InputSpec"
    }
    kinds = (Kind.LAYER, Kind.CELL) if kind is Kind.CELL else (kind,)

    unknown = [n for n in exported if not any(find(k, n) or left_out(k, n) for k in kinds)]

    assert unknown == []
