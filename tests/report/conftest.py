"""The look of the pictures for all figures, and small trained runs of each task, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dl.cli.main import run
from dl.report import png
from support.drawing import Here, drawn_by

CONFIGS = {
    "multiclass": """\
data: {source: builtin, dataset: digits}
preprocess: {numeric: minmax}
model:
  layers:
    - {type: Dense, units: 16, activation: relu}
    - {type: Dense, units: 10, activation: softmax}
training: {loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 3}
""",
    "binary": """\
data: {source: csv, path: rows.csv, target: "<b>y"}
model: {layers: [{type: Dense, units: 1, activation: sigmoid}]}
training: {loss: binary_crossentropy, metrics: [accuracy], epochs: 2}
""",
    "regression": """\
data: {source: builtin, dataset: diabetes}
preprocess: {target: standardize}
model: {layers: [{type: Dense, units: 1}]}
training: {loss: mean_squared_error, epochs: 16}
""",
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of runs, one for each task by its name."""
    folder = tmp_path_factory.mktemp("pages")
    colours = ["red", "green", "</script>"]
    lines = [f"{i % 7},{colours[i % 3]},{'yes' if i % 2 else 'no'}" for i in range(60)]
    (folder / "rows.csv").write_text("\n".join(["<i>x,color,<b>y", *lines]) + "\n")
    for name, text in CONFIGS.items():
        (folder / f"{name}.yaml").write_text(text)
        config, runs = str(folder / f"{name}.yaml"), str(folder / "runs")
        with drawn_by(Here):
            assert run(["train", config, "--runs", runs, "-q"]) == 0
    return folder / "runs"


@pytest.fixture(autouse=True)
def _look() -> Iterator[None]:
    with png.applied():
        yield
