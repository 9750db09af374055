"""Reads from the installed Keras what a config can name, and writes src/dl/vocabulary/keras.json.

python scripts/generate_vocabulary.py            write the file
python scripts/generate_vocabulary.py --check    exit 1 if the file is stale
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras.src import (
    activations,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from keras.src.layers.merging.base_merge import Merge
from keras.src.utils.naming import to_snake_case

from dl.model.objects import MODULES
from dl.vocabulary.catalog import DATA, left_out_parameter, parameter_type
from dl.vocabulary.spec import Kind, facts

NO_CODE = "a config must not run code"
NO_FILES = "a config must not read files or the network"
ABSTRACT = "it is a base class"
SEVERAL_INPUTS = "it needs several inputs; a Sequential model passes one tensor"
NEEDS_LABELS = "it needs the labels beside the inputs"
NEEDS_TEXT = "it needs text as input; the data are numbers"
CELL = "it is a cell of a recurrent layer; write {type: RNN, cell: ...}"
NOT_OF_TARGETS = "it does not compare targets with predictions"
IN_CODE = "it takes objects that only code can make"
OWN = "dl does this itself"

REASONS: Mapping[Kind, Mapping[str, str]] = {
    Kind.LAYER: {
        "Lambda": NO_CODE,
        "FlaxLayer": NO_CODE,
        "JaxLayer": NO_CODE,
        "TorchModuleWrapper": NO_CODE,
        "TFSMLayer": NO_FILES,
        "Layer": ABSTRACT,
        "Wrapper": ABSTRACT,
        "Attention": SEVERAL_INPUTS,
        "AdditiveAttention": SEVERAL_INPUTS,
        "HashedCrossing": SEVERAL_INPUTS,
        "CutMix": "it mixes labels, too: write `mixing: {type: cutmix}` below `training`",
        "MixUp": "it mixes labels, too: write `mixing: {type: mixup}` below `training`",
        "MaxNumBoundingBoxes": NEEDS_LABELS,
        "StringLookup": NEEDS_TEXT,
        "TextVectorization": NEEDS_TEXT,
    },
    Kind.ACTIVATION: {
        "threshold": "it needs parameters, and Keras stores an activation by its name alone",
    },
    Kind.INITIALIZER: {
        "Initializer": ABSTRACT,
        "STFT": "it only makes the weights that the layer STFTSpectrogram has anyway",
    },
    Kind.REGULARIZER: {"Regularizer": ABSTRACT},
    Kind.CONSTRAINT: {"Constraint": ABSTRACT},
    Kind.LOSS: {"Loss": ABSTRACT},
    Kind.METRIC: {
        "Metric": ABSTRACT,
        "MeanMetricWrapper": NO_CODE,
        "Accuracy": "it compares probabilities with class numbers; the name means `accuracy` here",
    },
    Kind.OPTIMIZER: {
        "Optimizer": ABSTRACT,
        "MultiOptimizer": IN_CODE,
        "OptimizerMap": IN_CODE,
    },
    Kind.SCHEDULE: {"LearningRateSchedule": ABSTRACT},
    Kind.CALLBACK: {
        "Callback": ABSTRACT,
        "CallbackList": ABSTRACT,
        "LambdaCallback": NO_CODE,
        "LearningRateScheduler": f"{NO_CODE}; write a schedule as the optimizer's learning_rate",
        "RemoteMonitor": NO_FILES,
        "BackupAndRestore": f"{OWN}: `dl train --resume` goes on exactly where a run stopped",
        "OrbaxCheckpoint": f"{OWN}: every run keeps checkpoints",
        "CSVLogger": f"{OWN}: every run has a history.csv",
        "History": f"{OWN}: every run has a history.csv",
        "ProgbarLogger": f"{OWN}: it shows the progress",
    },
}
"""What Keras has and `dl` leaves out, with the reason, where no rule can tell it from the class."""

TABLES: Mapping[Kind, Mapping[str, Any]] = {
    Kind.ACTIVATION: activations.ALL_OBJECTS_DICT,
    Kind.INITIALIZER: initializers.ALL_OBJECTS_DICT,
    Kind.REGULARIZER: regularizers.ALL_OBJECTS_DICT,
    Kind.CONSTRAINT: constraints.ALL_OBJECTS_DICT,
    Kind.LOSS: losses.ALL_OBJECTS_DICT,
    Kind.METRIC: metrics.ALL_OBJECTS_DICT,
    Kind.OPTIMIZER: optimizers.ALL_OBJECTS_DICT,
}
"""The names by which Keras itself looks things up."""

EXTRA_ALIASES: Mapping[tuple[Kind, str], set[str]] = {
    (Kind.METRIC, "LogCoshError"): {"log_cosh"},
    (Kind.METRIC, "KLDivergence"): {"kld"},
    (Kind.METRIC, "MeanIoU"): {"mean_iou"},
    (Kind.METRIC, "OneHotIoU"): {"one_hot_iou"},
    (Kind.METRIC, "OneHotMeanIoU"): {"one_hot_mean_iou"},
    (Kind.METRIC, "BinaryIoU"): {"binary_iou"},
}
"""Spellings that follow from Keras' habits although it does not list them."""

BASE_DEFAULTS: Mapping[str, Any] = {
    "include_top": False,
    "name": None,
    "trainable": True,
    "trainable_from": None,
    "training": None,
}
"""What a base takes beside its own parameters; Keras' default keeps the top."""

INPUT = "Input"
"""The one layer that has no call; Keras' class for it is InputLayer, which has no docstring."""
INPUT_SUMMARY = "The shape of one row of the input."

LAYER_DEFAULTS: Mapping[str, Any] = {"name": None, "trainable": True, "dtype": None}
"""What every layer takes through `**kwargs`."""

SMART = {Kind.METRIC: {"accuracy", "acc"}}
"""Spellings that Keras resolves by the shape of the output; they are `own` in `parameters.json`."""


def main() -> int:
    """Writes or checks the file; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only say whether the file is fresh")
    text = vocabulary_text()
    if parser.parse_args().check:
        fresh = DATA.exists() and DATA.read_text(encoding="utf-8") == text
        print("fresh" if fresh else f"stale: run python {Path(__file__).name}", file=sys.stderr)
        return 0 if fresh else 1
    DATA.write_text(text, encoding="utf-8")
    return 0


def vocabulary_text() -> str:
    """Returns the whole file as text."""
    data = vocabulary()
    return json.dumps(data, indent=1, sort_keys=False, ensure_ascii=False) + "\n"


def vocabulary() -> dict[str, Any]:
    """Returns the vocabulary as plain data: for each kind its entries and what is left out."""
    kinds: dict[str, Any] = {}
    for kind, found in _classes().items():
        reasons = {name: _reason(kind, obj) for name, obj in found.items()}
        kinds[kind.value] = {
            "entries": {
                name: _entry(kind, name, found[name])
                for name in sorted(found)
                if reasons[name] is None
            },
            "left_out": {
                spelled: reason
                for name, reason in sorted(reasons.items())
                if reason is not None
                for spelled in (name, *_aliases(kind, name, found[name], None))
            },
        }
    return {"keras": keras.__version__, "kinds": kinds}


def _classes() -> dict[Kind, dict[str, Any]]:
    """Returns for each kind what Keras exports, by canonical name."""
    layers = {**_subclasses(keras.layers, keras.layers.Layer), INPUT: keras.layers.InputLayer}
    del layers["InputLayer"]
    cells = {name: cls for name, cls in layers.items() if _is_cell(cls)}
    return {
        Kind.LAYER: layers,
        Kind.BASE: _functions(keras.applications),
        Kind.CELL: cells,
        Kind.ACTIVATION: _functions(keras.activations),
        Kind.INITIALIZER: _subclasses(keras.initializers, keras.initializers.Initializer),
        Kind.REGULARIZER: _subclasses(keras.regularizers, keras.regularizers.Regularizer),
        Kind.CONSTRAINT: _subclasses(keras.constraints, keras.constraints.Constraint),
        Kind.LOSS: _subclasses(keras.losses, keras.losses.Loss),
        Kind.METRIC: _subclasses(keras.metrics, keras.metrics.Metric),
        Kind.OPTIMIZER: {
            **_subclasses(keras.optimizers, keras.optimizers.Optimizer),
            "OptimizerMap": keras.optimizers.OptimizerMap,
        },
        Kind.SCHEDULE: _subclasses(
            keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule
        ),
        Kind.CALLBACK: {
            **_subclasses(keras.callbacks, keras.callbacks.Callback),
            "CallbackList": keras.callbacks.CallbackList,
        },
    }


def _subclasses(module: Any, base: type) -> dict[str, Any]:
    exported = {_canonical(obj): obj for _, obj in _exports(module) if inspect.isclass(obj)}
    return {name: cls for name, cls in exported.items() if issubclass(cls, base)}


def _functions(module: Any) -> dict[str, Any]:
    tools = {"deserialize", "get", "serialize"}
    exported = {obj.__name__: obj for _, obj in _exports(module) if inspect.isfunction(obj)}
    return {name: function for name, function in exported.items() if name not in tools}


def _exports(module: Any) -> Iterator[tuple[str, Any]]:
    for name in dir(module):
        if not name.startswith("_"):
            yield name, getattr(module, name)


def _canonical(cls: type) -> str:
    return cls.__name__


def _is_cell(cls: type) -> bool:
    call = inspect.signature(cls.call).parameters  # type: ignore[attr-defined]
    return "states" in call


def _reason(kind: Kind, obj: Any) -> str | None:
    """Returns why something is left out, or None."""
    known = REASONS.get(kind, {}).get(obj.__name__)
    if known:
        return known
    if kind is Kind.LAYER:
        return _layer_reason(obj)
    if kind is Kind.METRIC and "y_true" not in inspect.signature(obj.update_state).parameters:
        return NOT_OF_TARGETS
    return None


def _layer_reason(cls: Any) -> str | None:
    if _is_cell(cls):
        return CELL
    if issubclass(cls, Merge):
        return SEVERAL_INPUTS
    needed = [
        name
        for name, parameter in inspect.signature(cls.call).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    return SEVERAL_INPUTS if len(needed) > 2 else None


def _entry(kind: Kind, name: str, obj: Any) -> dict[str, Any]:
    """Returns the data of one entry; fails for a parameter that the table does not know."""
    required, defaults = _parameters(kind, name, obj)
    default_name = _default_name(kind, obj, defaults)
    if kind in (Kind.METRIC, Kind.LOSS):
        defaults["name"] = default_name
    return {
        "summary": INPUT_SUMMARY if name == INPUT else _summary(obj),
        "aliases": _aliases(kind, name, obj, default_name),
        "default_name": default_name,
        "required": required,
        "defaults": defaults,
        **(_pictures_of(obj) if kind is Kind.BASE else {}),
    }


def _pictures_of(base: Any) -> dict[str, Any]:
    """Returns how pixels are scaled before a base, and its least size: found out by trying."""
    pixels = np.array([[[[0.0, 100.0, 255.0]]]], np.float32)
    given = sys.modules[base.__module__].preprocess_input(pixels.copy())
    scale = keras.applications.imagenet_utils.preprocess_input
    known = {mode: scale(pixels.copy(), mode=mode) for mode in ("caffe", "tf", "torch")}
    (mode,) = [
        mode for mode, scaled in {"none": pixels, **known}.items() if np.array_equal(scaled, given)
    ]
    try:
        base(input_shape=(8, 8, 3), weights=None, include_top=False)
    except ValueError as error:
        return {"pixels": mode, "least_size": int(re.findall(r"at least (\d+)", str(error))[0])}
    raise AssertionError(f"{base.__name__} takes pictures of any size")


def _parameters(kind: Kind, entry: str, obj: Any) -> tuple[list[str], dict[str, Any]]:
    """Returns the names of the required parameters, and the others with their defaults."""
    if kind is Kind.ACTIVATION:
        return [], {}
    signature = inspect.signature(obj).parameters
    of = kind.value if kind is Kind.BASE else entry
    names = [name for name, parameter in signature.items() if _is_offered(of, parameter)]
    defaults = {name: signature[name].default for name in names}
    if kind is Kind.BASE:
        defaults |= BASE_DEFAULTS
    if kind in (Kind.LAYER, Kind.CELL) and _takes_more(signature) and entry != INPUT:
        defaults = {**defaults, **{k: v for k, v in LAYER_DEFAULTS.items() if k not in defaults}}
    required = [name for name in defaults if _is_required(of, name, defaults[name])]
    for name in defaults:
        parameter_type(of, name)
    return required, {k: v for k, v in defaults.items() if k not in required}


def _is_offered(entry: str, parameter: inspect.Parameter) -> bool:
    variadic = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.kind not in variadic and left_out_parameter(entry, parameter.name) is None


def _takes_more(signature: Mapping[str, inspect.Parameter]) -> bool:
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.values())


def _is_required(entry: str, name: str, default: object) -> bool:
    return default is inspect.Parameter.empty or name in facts()["required"].get(entry, {})


def _default_name(kind: Kind, obj: Any, defaults: Mapping[str, Any]) -> str | None:
    """Returns the name that Keras gives to the first instance in a process."""
    if "name" not in defaults:
        return None
    name = _canonical(obj)
    return str(defaults["name"] or (name.lower() if kind is Kind.BASE else to_snake_case(name)))


def _summary(obj: Any) -> str:
    """Returns the first sentence of the docstring, on one line."""
    text = inspect.getdoc(obj) or ""
    first = " ".join(text.split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.:]) (?=[A-Z])", first)[0]
    return sentence.rstrip(":.") + "." if sentence else ""


def _aliases(kind: Kind, name: str, obj: Any, default_name: str | None) -> list[str]:
    """Returns every other spelling that Keras accepts for an entry."""
    named = [*_exports(MODULES[kind]), *TABLES.get(kind, {}).items()]
    found = {spelled for spelled, other in named if _means(other, obj)}
    found |= {to_snake_case(name), default_name or name} | EXTRA_ALIASES.get((kind, name), set())
    return sorted(found - {name} - SMART.get(kind, set()))


def _means(other: Any, obj: Any) -> bool:
    """Returns whether `other` is the thing, or the function of a loss or metric class."""
    if inspect.isclass(obj) and inspect.isfunction(other):
        return bool(other.__name__ == to_snake_case(obj.__name__))
    return other is obj


if __name__ == "__main__":
    sys.exit(main())
