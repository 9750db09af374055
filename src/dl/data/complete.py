"""The config with everything explicit that the data has decided."""

from __future__ import annotations

from typing import Any

from dl.config.schema import Config
from dl.config.sections.data import SyntheticData
from dl.data.arrays.synthetic import default_noise, default_rows
from dl.data.division import stratified
from dl.data.inputs import ArrayInputs, TableInputs, learned_inputs
from dl.data.types import Dataset


def complete(config: Config, dataset: Dataset) -> Config:
    """Returns the config with every inferred value filled in; training from it repeats the run."""
    data: dict[str, Any] = {
        "task": dataset.info.task,
        "classes": dataset.info.classes or None,
        "split": _split(config, dataset),
    }
    inputs = learned_inputs(dataset.learned)
    match inputs:
        case TableInputs(features):
            data["features"] = tuple(feature.name for feature in features)
            data["columns"] = {feature.name: feature.kind for feature in features}
            numeric = config.preprocess.numeric or "standardize"
            preprocess: dict[str, Any] = {"numeric": numeric}
        case ArrayInputs(feature):
            preprocess = {"numeric": feature.scaling, "scale": feature.scale}
    if isinstance(config.data, SyntheticData):
        data["rows"], data["noise"] = default_rows(config.data), default_noise(config.data)
    config = _with(config, "data", data)
    config = _with(config, "preprocess", preprocess)
    return _with(config, "model", {"input_shape": dataset.info.input_shape})


def _split(config: Config, dataset: Dataset) -> Any:
    """Returns the shares; a part that has a file of its own takes none."""
    own = [
        part
        for part in ("validation", "test")
        if getattr(config.data, f"{part}_path", None) is not None
    ]
    decided = {**dict.fromkeys(own, 0.0), "stratify": stratified(dataset.learned)}
    return config.data.split.model_copy(update=decided)


def _with(config: Config, section: str, values: dict[str, Any]) -> Config:
    changed = getattr(config, section).model_copy(update=values)
    return config.model_copy(update={section: changed})
