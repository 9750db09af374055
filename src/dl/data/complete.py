"""The config with everything explicit that the data has decided."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dl.config.schema import Config
from dl.config.sections.data import KerasData, Split, SyntheticData
from dl.data.arrays.keras_sets import text_settings
from dl.data.arrays.synthetic import default_noise, default_rows
from dl.data.dataset import Dataset
from dl.vocabulary.names import with_names


def complete(config: Config, dataset: Dataset) -> Config:
    """Returns the config with every inferred value filled in; training from it repeats the run."""
    fitted, array = dataset.preprocessing, dataset.preprocessing.array
    data: dict[str, Any] = {
        "task": dataset.target.task,
        "classes": dataset.target.classes or None,
        "split": Split(**asdict(fitted.split)),
    }
    if array is None:
        data["features"] = tuple(feature.name for feature in fitted.columns)
        data["columns"] = {feature.name: feature.kind for feature in fitted.columns}
        config = _with(config, "preprocess", {"numeric": config.preprocess.scaling(columns=True)})
    else:
        scaling = {"numeric": array.scaling, "scale": array.scale}
        config = _with(config, "preprocess", scaling)
    if isinstance(config.data, SyntheticData):
        data["rows"], data["noise"] = default_rows(config.data), default_noise(config.data)
    if isinstance(config.data, KerasData):
        data |= text_settings(config.data)
    config = _with(config, "data", data)
    layers = tuple(with_names(config.model.layers))
    return _with(config, "model", {"input_shape": dataset.info.input_shape, "layers": layers})


def _with(config: Config, section: str, values: dict[str, Any]) -> Config:
    changed = getattr(config, section).model_copy(update=values)
    return config.model_copy(update={section: changed})
