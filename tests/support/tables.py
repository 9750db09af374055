"""What the tests of tables share: a config for a table, and the text of an error."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from dl.config.load import load_config
from dl.config.schema import Config
from dl.errors import DataError


def config_for(path: Path, **data: object) -> Config:
    """Returns a config that reads the CSV file, with `y` as the target; see `config_with`."""
    return config_with({"source": "csv", "path": str(path), "target": "y", **data})


def config_with(data: dict[str, object], **sections: dict[str, object]) -> Config:
    """Returns a config with this section `data`, a layer of one unit and any other section."""
    document = {
        "data": data,
        "model": {"layers": [{"type": "Dense", "units": 1}]},
        "training": {"loss": "mse"},
        **sections,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.yaml"
        path.write_text(yaml.safe_dump(document))
        return load_config(path).config


def told(call: Callable[[], object], folder: Path | None = None) -> str:
    """Returns the whole text of the data error that a call raises, paths relative to `folder`."""
    with pytest.raises(DataError) as caught:
        call()
    (problem,) = caught.value.problems
    parts = {"": problem.message, "expected": problem.expected, "found": problem.found}
    parts["hint"] = problem.hint
    lines = [f"{name}: {text}" if name else text for name, text in parts.items() if text]
    return "\n".join(lines).replace(f"{folder}/" if folder else "\0", "")
