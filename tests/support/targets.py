"""Small configs and rows for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dl.config.schema import Config
from dl.data.requirements import requirements_of
from dl.data.target import Target, encode_target
from dl.data.target_fit import fit_target
from dl.data.target_task import describe_target
from dl.data.types import Column, RawArrays, RawTable
from dl.vocabulary.sections import read_section

DATA = {"source": "npz", "path": "rows.npz"}


def make_config(
    units: int = 1,
    activation: str = "linear",
    loss: object = "mse",
    layers: Sequence[object] = (),
    data: Mapping[str, object] = DATA,
    **sections: Any,
) -> Config:
    """Returns a config whose network ends in a Dense layer, behind `layers`."""
    last = {"type": "Dense", "units": units, "activation": activation}
    model = {"layers": (*layers, last), **sections.pop("model", {})}
    given = {"data": dict(data), "model": model, "training": {"loss": loss}, **sections}
    return read_section(Config, {"name": "test", **given})


def make_arrays(y: object, x: object = None) -> RawArrays:
    """Returns rows with these targets, and inputs that count up unless given."""
    targets = None if y is None else np.asarray(y)
    count = len(targets) if targets is not None else len(np.asarray(x))
    inputs = np.arange(count, dtype=np.float32).reshape(-1, 1) if x is None else np.asarray(x)
    return RawArrays(inputs, targets, np.arange(count, dtype=np.int64), "rows.npz")


def make_table(**targets: Sequence[object]) -> RawTable:
    """Returns rows of a table with these target columns; `None` is missing."""
    columns = {name: _column(values) for name, values in targets.items()}
    rows = np.arange(len(next(iter(targets.values()))), dtype=np.int64)
    return RawTable({}, columns, rows, "rows.csv", lambda row: f"rows.csv:{row + 2}")


def _column(values: Sequence[object]) -> Column:
    words = sorted({value for value in values if isinstance(value, str)})
    if words:
        codes = [words.index(value) if isinstance(value, str) else -1 for value in values]
        return Column("categorical", np.array(codes, np.int32), tuple(words))
    return Column("numeric", np.array([np.nan if v is None else v for v in values], np.float64))


def learn(rows: RawArrays | RawTable, config: Config) -> Target:
    """Returns what is learned about the target of training rows."""
    return fit_target(
        describe_target([rows], requirements_of(config)), rows, requirements_of(config)
    )


def encoded(rows: RawArrays | RawTable, config: Config) -> tuple[Target, np.ndarray[Any, Any]]:
    """Returns what is learned about the target, and `y`."""
    target = learn(rows, config)
    return target, encode_target(rows, target)
