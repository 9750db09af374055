"""The config with everything explicit that the data has decided."""

from __future__ import annotations

from typing import Any

from dl.config.schema import Config
from dl.config.sections.data import KerasData, SyntheticData
from dl.data.arrays.keras_sets import text_settings
from dl.data.arrays.synthetic import default_noise, default_rows
from dl.data.division import split_of
from dl.data.inputs import ArrayInputs, TableInputs, learned_inputs
from dl.data.types import Dataset
from dl.vocabulary.names import with_names


def complete(config: Config, dataset: Dataset) -> Config:
    """Returns the config with every inferred value filled in; training from it repeats the run."""
    data: dict[str, Any] = {
        "task": dataset.info.task,
        "classes": dataset.info.classes or None,
        "split": split_of(dataset.learned),
    }
    inputs = learned_inputs(dataset.learned, config)
    match inputs:
        case TableInputs(features, _):
            data["features"] = tuple(feature.name for feature in features)
            data["columns"] = {feature.name: feature.kind for feature in features}
            numeric = config.preprocess.numeric or "standardize"
            config = _with(config, "preprocess", {"numeric": numeric})
        case ArrayInputs(feature, _):
            scaling = {"numeric": feature.scaling, "scale": feature.scale}
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
