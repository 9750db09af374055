"""A folder with a table and a config, for the tests of the Python API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from e2e.conftest import CONFIG, write_fruit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `fruit.yaml` and `fruit.csv`."""
    (tmp_path / "fruit.yaml").write_text(CONFIG)
    write_fruit(tmp_path / "fruit.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fruit(folder: Path) -> pd.DataFrame:
    """The table, with an index of its own."""
    frame = pd.read_csv(folder / "fruit.csv")
    return frame.set_axis([f"row {i}" for i in range(len(frame))])


@pytest.fixture
def config() -> Callable[..., dict[str, Any]]:
    """Makes the config as a dict, with other values for some of its keys."""

    def make(**training: Any) -> dict[str, Any]:
        return {
            "data": {"source": "csv", "path": "fruit.csv", "target": "kind"},
            "model": {
                "layers": [
                    {"type": "Dense", "units": 8, "activation": "relu", "name": "hidden"},
                    {"type": "Dense", "units": 3, "activation": "softmax"},
                ]
            },
            "training": {
                "loss": "sparse_categorical_crossentropy",
                "metrics": ["accuracy"],
                "epochs": 2,
                **training,
            },
        }

    return make
