"""`--to script` and `--to notebook`: plain Keras that trains the same network on the same data.

The text is that of `script.jinja`; here is what it is filled with, and what has no short form.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from dl.config.data import (
    BLANKS,
    BuiltinData,
    CsvData,
    KerasData,
    NpzData,
    ParquetData,
    target_is_input,
)
from dl.config.schema import Config
from dl.data.dataset import Preprocessing
from dl.data.features import CategoricalFeature, DateFeature, Feature, NumericFeature, names_of
from dl.data.target import Target
from dl.export import RefusedError
from dl.model.objects import MODULES
from dl.text import listing
from dl.vocabulary.spec import Kind, Spec
from dl.vocabulary.traits import FITTING

_TEMPLATE = Path(__file__).with_name("script.jinja")
_CALLBACKS = ("EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN")
_SCALES = ("none", "standardize", "minmax", "robust", "log1p")
_SOURCES = BuiltinData | CsvData | KerasData | NpzData | ParquetData


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a script: what it is called, what it does in words, and its lines."""

    title: str
    words: str
    lines: str


def sections_of(
    config: Config, fitted: Preprocessing, label: str, parts: str, own_test: bool
) -> list[Section]:
    """Returns the script that trains a run anew: data, preparation, network, training, result.

    Args:
        config: Its config.
        fitted: What was fitted in it.
        label: What it is called.
        parts: The name of the file that says the part of each row.
        own_test: Whether the source has a test part of its own.

    Raises:
        RefusedError: Something of it has no short form in plain Keras.
    """
    refused = list(_refused(config, fitted))
    if refused:
        raise RefusedError(f"no short script has {listing(refused, 'or', most=4)}")
    values = {
        "label": label,
        "parts": _literal(parts),
        **_data(config, fitted, own_test),
        **_prepared(config, fitted),
        **_target(fitted.target),
        **_training(config, fitted.target),
    }
    text = _template().render(values)
    found = []
    for block in re.split("^#: ", text, flags=re.MULTILINE)[1:]:  # a column can be called #: x
        head, _, lines = block.partition("\n")
        title, _, words = head.partition(" | ")
        lines = re.sub(r"\n{4,}", "\n\n\n", lines.strip("\n"))
        found.append(Section(title, words, lines))
    return found


@cache
def _template() -> jinja2.Template:
    made = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    made.filters["repr"] = repr
    return made.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def script_of(sections: list[Section], about: str) -> str:
    """Returns the sections as a Python file."""
    blocks = [f"# {n}. {each.title}\n\n{each.lines}" for n, each in enumerate(sections, 1)]
    about = about.replace("\\", "\\\\").replace('"', '\\"')
    return "\n\n\n".join([f'"""{about}"""', *blocks]) + "\n"


def notebook_of(sections: list[Section], about: str) -> str:
    """Returns the sections as a notebook of version 4.5, with words and a picture of the losses."""
    cells = [("markdown", f"# {about}")]
    for number, section in enumerate(sections, 1):
        cells.append(("markdown", f"## {number}. {section.title}\n\n{section.words}"))
        cells.append(("code", section.lines))
        if section.title == "The training":
            cells.append(("markdown", "The losses, epoch by epoch:"))
            cells.append(("code", _CURVES))
    content = []
    for place, (kind, text) in enumerate(cells):
        more: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
        source = text.splitlines(keepends=True)
        cell = {"cell_type": kind, "id": f"cell-{place}", "metadata": {}, "source": source}
        content.append(cell | more)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {
        "cells": content,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


_CURVES = """\
import matplotlib.pyplot as plt

losses = pd.DataFrame(history.history).filter(like="loss")
losses.index += 1
losses.plot(xlabel="epoch", ylabel="loss")
plt.show()"""


# What has no short form


def _refused(config: Config, fitted: Preprocessing) -> Iterator[str]:
    data: Any = config.data
    training, target, split = config.training, fitted.target, config.data.split
    if not isinstance(data, _SOURCES):
        yield f"a source {data.source!r}"
    odd = {
        "windows of a series": fitted.window is not None,
        "`target: inputs`": target_is_input(data),
        "a class or number at each of several places": target.places,
        "several quantiles": target.quantiles,
        "outputs that name no class": target.units is None and target.form != "numbers",
        "files of several parts": getattr(data, "test_path", None)
        or getattr(data, "validation_path", None),
        "several files": not isinstance(getattr(data, "path", ""), str),
        "folds": split.folds,
        "phases": training.phases,
        "the normal equation": training.solver != "gradient_descent",
        "mixed rows": training.mixing.type != "none",
        "another sampling": training.sampling != "without_replacement",
        "biases from the targets": training.output_bias != "initializer",
        "a time limit": training.time_limit,
        "weights of named classes": isinstance(training.class_weight, dict),
        f"the precision {config.engine.precision}": config.engine.precision != "float32",
        "a header that is not in the file": getattr(data, "header", True) is not True,
        "columns between blanks": getattr(data, "separator", ",") == BLANKS,
    }
    odd |= {
        f"`data.{key}`": getattr(data, key, None)
        for key in ("weight", "merged", "rows", "forms", "words", "remote")
    }
    yield from (what for what, is_so in odd.items() if is_so)
    yield from (f"the callback {c.type}" for c in training.callbacks if c.type not in _CALLBACKS)
    for callback in training.callbacks:
        monitor = str(callback.parameters.get("monitor", "loss")).removeprefix("val_")
        if monitor not in ("loss", "accuracy") or (monitor == "accuracy" and not _counts(config)):
            yield f"a callback that watches {monitor}"
    for feature in fitted.columns:
        yield from (f"{why} ({feature.name})" for why in _odd(feature))


def _odd(feature: Feature) -> Iterator[str]:
    match feature:
        case NumericFeature(scaling=scaling, clip=clip):
            if clip or scaling not in _SCALES:
                yield "limits" if clip else f"scaling by {scaling}"
        case CategoricalFeature():
            if feature.pooled or feature.hash or feature.edges or feature.of:
                yield "pooled, hashed, crossed or bucketed categories"
        case DateFeature():
            if any(form != "number" for _, form in feature.formed()):
                yield "parts of a date that are no numbers"
        case _:
            yield "texts"


# What the template is filled with


def _data(config: Config, fitted: Preprocessing, own_test: bool) -> dict[str, Any]:
    data: Any = config.data
    found = {"seed": config.seed, "builtin": False, "read": "", "missing": {}, "test": ""}
    if isinstance(data, BuiltinData):
        read = f"datasets.load_{data.dataset}(as_frame=True).frame"
        return found | {"builtin": True, "read": read, "targets": '["target"]'}
    if isinstance(data, KerasData):
        read = f"(x, y), test = keras.datasets.{data.dataset}.load_data()"
        return found | {"arrays": read, "test": "test" if own_test else ""}
    if isinstance(data, NpzData):
        keys = [getattr(data.arrays, n) or n for n in ("x_train", "y_train", "x_test", "y_test")]
        arrays = [f"file[{_literal(key)}]" for key in keys]
        read = f"file = np.load({_literal(data.path)})\nx, y = {arrays[0]}, {arrays[1]}"
        return found | {"arrays": read, "test": ", ".join(arrays[2:]) if own_test else ""}
    targets = [data.target] if isinstance(data.target, str) else list(data.target)
    missing = data.missing_values or ()
    by_column = (
        missing if isinstance(missing, dict) else dict.fromkeys(data.features or (), missing)
    )
    read = f"pd.read_{data.source}({_literal(data.path)})"
    if isinstance(data, CsvData):
        empty = _listed([""] if isinstance(missing, dict) else ["", *missing])
        options = ["keep_default_na=False", f"na_values={empty}"]
        options += [f"sep={_literal(data.separator)}"] if data.separator != "," else []
        options += [f"encoding={_literal(data.encoding)}"] if data.encoding != "utf-8" else []
        texts = [each.name for each in fitted.columns if isinstance(each, CategoricalFeature)]
        texts += targets if fitted.target.form in ("labels", "one_hot", "single") else []
        dtype = ", ".join(f"{_literal(name)}: str" for name in texts)
        options += [f"dtype={{{dtype}}}"] if texts else []
        listed_options = "".join(f"    {each},\n" for each in [_literal(data.path), *options])
        read = f"pd.read_csv(\n{listed_options})"
        by_column = missing if isinstance(missing, dict) else {}
    told = {name: list(values) for name, values in by_column.items()}
    return found | {"read": read, "missing": told, "targets": _listed(targets)}


def _prepared(config: Config, fitted: Preprocessing) -> dict[str, Any]:
    array = fitted.array
    if array is not None:
        plain = {"center": list(array.center), "spread": list(array.spread)}
        told = {name: f"np.array({numbers})" if numbers else "" for name, numbers in plain.items()}
        shape = {"image": array.image, "channel": array.channel_axis, "dtype": array.dtype}
        return {"features": [], "scale": repr(array.scale), **shape, **told}
    used = [feature for feature in fitted.columns if names_of(feature)]
    return {
        "features": [_call(feature, config) for feature in used],
        "numbers": any(isinstance(feature, NumericFeature) for feature in used),
        "categories": any(isinstance(feature, CategoricalFeature) for feature in used),
        "dates": any(isinstance(feature, DateFeature) for feature in used),
        "dtype": "float32",
    }


def _call(feature: Feature, config: Config) -> str:
    given = ["rows", _literal(feature.name)]
    rule = config.preprocess.rules_of(feature.name).missing
    match feature:
        case NumericFeature():
            given += [f'"{feature.scaling}"']
            rule = "median" if rule == "drop" else rule
            given += [] if feature.fill is None else [f'fill="{rule}"']
        case DateFeature():
            given += [_listed(feature.parts), f'"{feature.scaling}"']
            fill = (feature.fill or "").removesuffix(".000000").removesuffix("T00:00:00")
            given += [f'fill="{fill}"'] if fill else []
        case CategoricalFeature():
            given += [] if feature.fill is None else ["fill=True"]
            given += ["ordinal=True"] if feature.encoding == "ordinal" else []
    given += ["indicator=True"] if feature.indicator else []
    kinds = {"numeric": "numbers", "date": "dates", "categorical": "categories"}
    return f"{kinds[feature.kind]}({', '.join(given)})"


def _target(target: Target) -> dict[str, Any]:
    scaled = target.scaling != "none"
    return {
        "form": target.form,
        "classes": _listed(target.classes) if target.classes else "",
        "values": _listed(target.values),
        "logarithm": target.scaling == "log1p",
        "target_center": f"np.array({list(target.center)})" if scaled else "",
        "target_spread": f"np.array({list(target.spread)})" if scaled else "",
        "cut": target.cut,
        "positions": "np.argmax(y_train, axis=1)" if target.form == "one_hot" else "y_train",
    }


def _counts(config: Config) -> bool:
    return any("accuracy" in metric.type.lower() for metric in config.training.metrics)


def _training(config: Config, target: Target) -> dict[str, Any]:
    training, loss = config.training, config.training.loss
    if loss.type in FITTING:
        single = target.form in ("single", "multilabel")
        loss = Spec(Kind.LOSS, f"{'Binary' if single else 'Categorical'}Crossentropy")
    layers = [layer for layer in config.model.layers if layer.type != "Input"]
    return {
        "layers": [expression(layer) for layer in layers],
        "optimizer": expression(training.optimizer),
        "loss": expression(loss),
        "metrics": target.form != "numbers" and _counts(config),
        "balanced": training.class_weight == "balanced",
        "batch": "len(x_train)" if training.batch_size == "full" else training.batch_size,
        "epochs": training.epochs,
        "shuffle": training.shuffle,
        "callbacks": [expression(callback) for callback in training.callbacks],
    }


def expression(spec: Spec) -> str:
    """Returns a thing of Keras as Python writes it, without what is so anyway.

    Raises:
        RefusedError: It is not Keras' own.
    """
    made = getattr(MODULES[spec.kind], spec.type, None)
    if made is None or spec.kind is Kind.BASE:
        raise RefusedError(f"no short script has {spec.type}")
    if spec.kind is Kind.ACTIVATION:
        return f'"{spec.type}"'
    known, given = inspect.signature(made.__init__).parameters, list[str]()
    for name, value in spec.parameters.items():
        usual = known[name].default if name in known else None
        if name in ("name", "dtype", "trainable") or _is_same(value, usual):
            continue
        first = not given and usual is inspect.Parameter.empty
        given.append(_literal(value) if first else f"{name}={_literal(value)}")
    module = MODULES[spec.kind].__name__.split(".")[-1]
    if spec.kind is Kind.SCHEDULE:
        module = "optimizers.schedules"
    return f"keras.{module}.{spec.type}({', '.join(given)})"


def _is_same(value: object, usual: Any) -> bool:
    if not isinstance(value, Spec):
        return value == (tuple(usual) if isinstance(usual, list) else usual)
    if value.kind is Kind.ACTIVATION:
        return value.type == (usual or "linear")
    if not isinstance(usual, str):
        return False
    made = MODULES[value.kind].get(usual)
    return type(made).__name__ == value.type and expression(value).endswith("()")


def _listed(values: Iterable[object]) -> str:
    return f"[{', '.join(map(_literal, values))}]"


def _literal(value: object) -> str:
    if isinstance(value, Spec):
        return expression(value)
    if isinstance(value, tuple):
        items = ", ".join(map(_literal, value))
        return f"[{items}]" if any(isinstance(each, Spec) for each in value) else f"({items})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
