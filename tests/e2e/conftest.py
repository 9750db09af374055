"""One small trained run that the tests of the commands share; nothing changes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dl.cli.main import run
from support.drawing import ReportProcess, drawn_by

CONFIG = """\
name: fruit
data:
  source: csv
  path: fruit.csv
  target: kind
  split: {validation: 0.2, test: 0.2}
model:
  layers:
    - {type: Dense, units: 8, activation: relu, name: hidden}
    - {type: Dense, units: 3, activation: softmax}
training:
  loss: sparse_categorical_crossentropy
  optimizer: {type: adam, learning_rate: 0.02}
  metrics: [accuracy]
  batch_size: 16
  epochs: 4
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a config, its data, and one run of it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "fruit.yaml"

    @property
    def data(self) -> Path:
        return self.folder / "fruit.csv"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def run(self) -> Path:
        return self.runs / "fruit" / "0001"


def write_fruit(path: Path, rows: int = 150) -> None:
    """Writes a table of three kinds of fruit that two numbers and a colour tell apart."""
    random = np.random.default_rng(7)
    kinds = random.integers(0, 3, rows)
    names, colours = np.array(["apple", "lemon", "plum"]), np.array(["red", "yellow", "blue"])
    width, height = random.normal(0, 0.3, (2, rows)) + kinds
    colour = colours[np.where(random.random(rows) < 0.1, random.integers(0, 3, rows), kinds)]
    lines = ["width,height,colour,kind"]
    lines += [f"{width[i]:.4f},{height[i]:.4f},{colour[i]},{names[kinds[i]]}" for i in range(rows)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A trained project."""
    made = Project(tmp_path_factory.mktemp("project"))
    made.config.write_text(CONFIG)
    write_fruit(made.data)
    with drawn_by(ReportProcess):
        assert run(["train", str(made.config), "--runs", str(made.runs), "-q"]) == 0
    return made
