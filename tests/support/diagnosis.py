"""Runs of many kinds as the checks see them, and changes laid on their configs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dl.config.load import load_config
from dl.config.nodes import yaml_text
from dl.config.schema import Config, resolved_text
from dl.inspect import LayerStatistics, NetworkStatistics
from dl.inspect.changes import Change
from dl.inspect.diagnose import CHECKS, Diagnosis
from dl.inspect.evidence import Evidence
from dl.vocabulary.sections import read_section

HIDDEN = {"type": "Dense", "units": 8, "activation": "relu", "name": "hidden"}
SIGMOID = {"type": "Dense", "units": 1, "activation": "sigmoid", "name": "out"}
LAYERS = (HIDDEN, SIGMOID)


def config_of(
    layers: Sequence[Any] = LAYERS,
    *,
    data: dict[str, Any] | None = None,
    preprocess: dict[str, Any] | None = None,
    **training: Any,
) -> Config:
    """Returns a config of two classes, trained with SGD at 0.1, unless told otherwise."""
    document = {
        "name": "case",
        "data": data or {"source": "builtin", "dataset": "breast_cancer"},
        "preprocess": preprocess or {},
        "model": {"layers": list(layers)},
        "training": {
            "loss": "binary_crossentropy",
            "optimizer": {"type": "SGD", "learning_rate": 0.1},
            "epochs": 20,
            **training,
        },
    }
    return read_section(Config, document)


def history(
    loss: Sequence[float], val_loss: Sequence[float] = (), **metrics: Sequence[float]
) -> list[dict[str, float]]:
    """Returns the rows of a history with these columns."""
    columns = {"loss": loss, **metrics, **({"val_loss": val_loss} if val_loss else {})}
    return [
        {"epoch": epoch, **{name: values[epoch - 1] for name, values in columns.items()}}
        for epoch in range(1, len(loss) + 1)
    ]


def layer(name: str = "hidden", activation: str = "relu", **values: Any) -> LayerStatistics:
    """Returns a healthy layer of 8 units, with these values in place of its own."""
    healthy: dict[str, Any] = {
        "activated_by": name,
        "units": 8,
        "dead": None,
        "saturated": None,
        "gradient": 0.1,
        "weights": 2.0,
        "parameters": 100,
    }
    return LayerStatistics(name=name, activation=activation, **{**healthy, **values})


def measured(*layers: LayerStatistics, config: Config | None = None) -> Evidence:
    """Returns a run with nothing but these layers and an output."""
    out = layer("out", "sigmoid", parameters=9)
    return Evidence(config or config_of(), [], network=NetworkStatistics(50, True, (*layers, out)))


def only(name: str, case: Evidence) -> Diagnosis | None:
    """Returns what the check of that id finds, if it does."""
    return CHECKS[name](case)


def on_top(config: Config, change: Change, folder: Path) -> Config:
    """Returns the config with the lines of a change on top, as `extends` reads them."""
    (folder / "base.yaml").write_text(resolved_text(config))
    (folder / "top.yaml").write_text(f"extends: base.yaml\n{yaml_text(change)}")
    return load_config(folder / "top.yaml", name=config.name).config
