"""The list of what a person chose."""

from __future__ import annotations

from pathlib import Path

from dl.config.load import load_config
from dl.config.summary import hyperparameters

CONFIG = """\
data: {source: synthetic, dataset: linear}
model:
  layers: LAYERS
training:
  loss: mean_squared_error
"""


def _listed(folder: Path, layers: str, training: str = "") -> dict[str, list[str]]:
    path = folder / "some.yaml"
    path.write_text(CONFIG.replace("LAYERS", layers) + training)
    return hyperparameters(load_config(path).config)


def test_defaults_are_listed_where_they_are_chosen_for_the_user(tmp_path: Path) -> None:
    assert _listed(tmp_path, "[{type: Dense, units: 1}]") == {
        "layers": ["Dense (units 1, activation linear)"],
        "loss": ["MeanSquaredError"],
        "optimizer": ["Adam"],
        "learning rate": ["0.001"],
        "batch size": ["32"],
        "epochs": ["10"],
    }


def test_what_differs_from_the_defaults_is_told(tmp_path: Path) -> None:
    layers = "[{type: Dense, units: 1, name: a, kernel_regularizer: {type: l2, l2: 0.1}}]"
    training = "  optimizer: {type: SGD, momentum: 0.9, learning_rate: {type: InverseTimeDecay, "
    training += "initial_learning_rate: 0.1, decay_steps: 100, decay_rate: 2}}\n"
    listed = _listed(tmp_path, layers, training)
    assert listed["layers"] == [
        "Dense (units 1, activation linear, kernel_regularizer L2 (l2 0.1))"
    ]
    assert listed["optimizer"] == ["SGD (momentum 0.9)"]
    assert listed["learning rate"] == [
        "InverseTimeDecay (initial_learning_rate 0.1, decay_steps 100, decay_rate 2.0)"
    ]


def test_solver_without_steps_has_neither_optimizer_nor_epochs(tmp_path: Path) -> None:
    listed = _listed(tmp_path, "[{type: Dense, units: 1}]", "  solver: normal_equation\n")
    assert list(listed) == ["layers", "loss", "solver"]
