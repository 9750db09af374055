"""A config with all that its data say: training from it repeats the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from dl.config.data import CsvData, ImagesData, KerasData, SyntheticData, TableFile, TextData
from dl.config.files import own_files, own_paths
from dl.config.preprocess import ColumnRules, Preprocess
from dl.config.rules.preprocess import looking_up
from dl.config.schema import Config, with_steps
from dl.data.dataset import Dataset, Preprocessing
from dl.data.features import TextFeature
from dl.data.sources import csv
from dl.data.sources.named import default_noise, default_rows, text_settings
from dl.vocabulary.names import with_names
from dl.vocabulary.spec import Spec


def _resolved_texts(preprocess: Preprocess, fitted: Preprocessing) -> dict[str, Any]:
    """Returns the keys of `preprocess` that say what each column of texts became."""
    found = {item.name: item for item in fitted.columns if isinstance(item, TextFeature)}
    rules = {
        name: replace(
            preprocess.text_of(name),
            output=feature.output,
            length=feature.length or preprocess.text_of(name).length,
            punctuation=feature.punctuation,
        )
        for name, feature in found.items()
    }
    if not set(found) & {n for n, own in preprocess.columns.items() if own.text is not None}:
        return {"text": next(iter(rules.values()))} if len(set(rules.values())) == 1 else {}
    return {
        "columns": {
            **preprocess.columns,
            **{n: replace(preprocess.columns.get(n, ColumnRules()), text=rules[n]) for n in rules},
        }
    }


def _with_sizes(layers: Sequence[Spec], fitted: Preprocessing) -> Iterator[Spec]:
    """Yields the layers; one that looks up the tokens of a text says how many there are."""
    needed = [item.numbers for item in fitted.columns if isinstance(item, TextFeature)]
    first = looking_up(layers)
    for layer in layers:
        if needed and first and layer is first[1] and layer.parameters.get("input_dim", 0) is None:
            layer = replace(layer, parameters={**layer.parameters, "input_dim": needed[0]})
        yield layer


def resolve_config(config: Config, dataset: Dataset) -> Config:
    """Returns the config with every inferred value filled in; training from it repeats the run."""
    fitted, array = dataset.preprocessing, dataset.preprocessing.array
    data: dict[str, Any] = {
        "task": dataset.target.task,
        "classes": dataset.target.classes or None,
        "split": fitted.split,
    }
    preprocess: dict[str, Any] = {"numeric": config.preprocess.scaling(columns=True)}
    if array is None:
        if not isinstance(config.data, TextData):
            data["features"] = tuple(fitted.kinds)
            data["columns"] = {**fitted.kinds, **getattr(config.data, "forms", {})}
        preprocess |= _resolved_texts(config.preprocess, fitted)
    else:
        preprocess = {"numeric": array.scaling, "scale": array.scale}
    if isinstance(config.data, TableFile):
        data["window"] = fitted.window
        listed = {key: tuple(map(str, files)) for key, files in own_files(config.data).items()}
        data |= {k: f for k, f in listed.items() if f != (getattr(config.data, k),)}
    if isinstance(config.data, CsvData) and not config.data.header:
        data["header"] = tuple(csv.names(config.data, own_paths(config.data)[0]))
    if isinstance(config.data, SyntheticData):
        data["rows"], data["noise"] = default_rows(config.data), default_noise(config.data)
    if isinstance(config.data, ImagesData) and config.data.masks is not None:
        values = dataset.target.values
        data["mask_values"] = tuple(int(v) if v.isdecimal() else v for v in values)
    if isinstance(config.data, KerasData):
        data |= text_settings(config.data)
    model = {
        "input_shape": fitted.input_shape,
        "layers": tuple(with_names(list(_with_sizes(config.model.layers, fitted)))),
    }
    sections = {"data": data, "preprocess": preprocess, "model": model}
    resolved = replace(
        config,
        **{name: replace(getattr(config, name), **values) for name, values in sections.items()},
    )
    return with_steps(resolved, len(dataset.train))
