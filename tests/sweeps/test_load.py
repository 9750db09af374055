"""What a sweep's file says, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.errors import ConfigError, error_text
from dl.sweeps.definition import load_sweep, quick_sweep
from dl.sweeps.parameters import grid
from support.sweeps import BASE, make_sweep


def _refusal(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as caught:
        make_sweep(Path(), text)
    return error_text(caught.value)


def test_a_grid_takes_every_combination_once(tmp_path: Path) -> None:
    text = """\
parameters:
  training.optimizer.type: [adam, sgd]
  training.optimizer.momentum: {choices: [0.5, 0.9], when: {training.optimizer.type: sgd}}
  training.batch_size: {int: [8, 32], log: true, points: 2}
"""
    sweep = make_sweep(tmp_path, text)
    kind, momentum, batch = (
        "training.optimizer.type",
        "training.optimizer.momentum",
        "training.batch_size",
    )
    assert [setting.values for setting in grid(sweep.parameters)] == [
        {kind: "adam", batch: 8},
        {kind: "adam", batch: 32},
        {kind: "sgd", momentum: 0.5, batch: 8},
        {kind: "sgd", momentum: 0.5, batch: 32},
        {kind: "sgd", momentum: 0.9, batch: 8},
        {kind: "sgd", momentum: 0.9, batch: 32},
    ]


def test_paths_that_move_together(tmp_path: Path) -> None:
    sweep = make_sweep(
        tmp_path, "parameters: {'training.batch_size, training.epochs': [[8, 5], [32, 20]]}"
    )
    assert [setting.overrides for setting in grid(sweep.parameters)] == [
        ("training.batch_size=8", "training.epochs=5"),
        ("training.batch_size=32", "training.epochs=20"),
    ]


def test_a_whole_layer_is_a_value(tmp_path: Path) -> None:
    sweep = make_sweep(
        tmp_path, "parameters: {model.layers.hidden: [{type: Dropout, rate: 0.1}, Flatten]}"
    )
    assert [setting.overrides for setting in grid(sweep.parameters)] == [
        ("model.layers.hidden={type: Dropout, rate: 0.1}",),
        ("model.layers.hidden=Flatten",),
    ]


def test_the_objective_is_the_first_metric_of_validation_by_default(tmp_path: Path) -> None:
    objective = make_sweep(tmp_path, "parameters: {training.epochs: [1]}").plan.goal
    assert (objective.metric, objective.maximize, objective.at_best) == ("val_accuracy", True, True)


@pytest.mark.parametrize("name", ["val_acc", "val_Accuracy"])
def test_the_objective_may_have_any_name_of_its_metric(tmp_path: Path, name: str) -> None:
    text = f"objective: {{metric: {name}}}\nparameters: {{training.epochs: [1]}}"
    objective = make_sweep(tmp_path, text).plan.goal
    assert (objective.metric, objective.maximize) == ("val_accuracy", True)


def test_values_are_checked_by_the_rules_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "parameters:\n  training.optimizer.learning_rate: [0.1, -1]\n  model.layers.hiden: [1]\n"
    assert (
        _refusal(tmp_path, text, monkeypatch)
        == """\
error: sweep.yaml:3:43: training.optimizer.learning_rate must be a number above 0, or a \
learning-rate schedule
    3 |   training.optimizer.learning_rate: [0.1, -1]
      |                                           ^^
hint: `learning_rate`: size of a step, for example 0.001

error: sweep.yaml:4:24: model.layers has no item hiden
    4 |   model.layers.hiden: [1]
      |                        ^
expected: a position from 0 to 1, or a name: hidden
hint: did you mean hidden?

2 errors in sweep.yaml"""
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trails: 3\nparameters: {training.epochs: [1]}", "trails is not known"),
        ("objective: {metric: val_auc}\nparameters: {training.epochs: [1]}", "is not measured"),
        ("parameters: {training.epochs: {int: [1, 5]}}", "is a range, and a grid needs values"),
        ("method: tpe\nparameters: {training.epochs: [1]}", "trials is missing: tpe has no end"),
        ("parameters: {training.epochs: [1, 1]}", "has a value twice"),
        ("parameters: {training.epochs: {int: [5, 1]}}", "cannot be read"),
        ("parameters: {training.epochs: {log_uniform: [0, 1]}}", "cannot be read"),
        ("parameters: {training.epochs: {ints: [5, 1]}}", "cannot be read"),
        ("parameters: {training.epochs: {int: [1, 5], stap: 1}}", "stap is not known"),
        ("parameters: {'a, b': [[1, 2, 3]]}", "cannot be read"),
        ("parameters: {}", "parameters is empty"),
        ("method: list", "settings is missing"),
        ("folds: 5\nrepeats: 2\nparameters: {training.epochs: [1]}", "exclude each other"),
        ("time_limit: soon\nparameters: {training.epochs: [1]}", "must be a duration such as"),
        (
            "parameters: {training.epochs: {choices: [1], when: {training.batch_size: 8}}}",
            "is not a parameter above this one",
        ),
    ],
)
def test_mistakes_have_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    told = _refusal(tmp_path, text, monkeypatch)
    assert message in told
    assert told.startswith("error: sweep.yaml")


def test_a_config_is_no_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("iris.yaml").write_text(BASE)
    with pytest.raises(ConfigError) as caught:
        load_sweep(Path("iris.yaml"))
    assert "this is a config, not a sweep" in error_text(caught.value)


def test_settings_of_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "training.batch_size,model.layers.hidden\n8,\n16,{type: Dropout, rate: 0.5}\n".replace(
            "{type: Dropout, rate: 0.5}", '"{type: Dropout, rate: 0.5}"'
        )
    )
    sweep = make_sweep(tmp_path, "method: list\nsettings: rows.csv\n")
    assert [setting.values for setting in sweep.listed] == [
        {"training.batch_size": 8},
        {"training.batch_size": 16, "model.layers.hidden": {"type": "Dropout", "rate": 0.5}},
    ]


def test_a_wrong_row_of_a_csv_file_has_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("training.batch_size\n8\n0\n")
    told = _refusal(tmp_path, "method: list\nsettings: rows.csv\n", monkeypatch)
    assert told.startswith("error: rows.csv:3:1: training.batch_size must be a whole number")


def test_a_grid_of_options(tmp_path: Path) -> None:
    (tmp_path / "iris.yaml").write_text(BASE)
    sweep = quick_sweep(
        tmp_path / "iris.yaml",
        ["training.batch_size=16,32", "model.layers.hidden.activation=relu,tanh"],
        ["training.epochs=2"],
        None,
    )
    assert (sweep.name, sweep.size, sweep.base.config.training.epochs) == ("iris-sweep", 4, 2)


def test_a_wrong_value_of_an_option_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "iris.yaml").write_text(BASE)
    with pytest.raises(ConfigError) as caught:
        quick_sweep(tmp_path / "iris.yaml", ["training.batch_size=16,x"], [], None)
    assert error_text(caught.value).startswith(
        "error: --grid training.batch_size=16,x: training.batch_size must be"
    )


@pytest.mark.parametrize(
    ("split", "trainings", "overlap"),
    [
        ("{by: who}", "folds: 5", 1 / 4),
        ("{by: day, order: time}", "folds: 5", 1 / 3),
        ("{by: who, validation: 0.1, test: 0.1}", "repeats: 3", 0.1 / 0.8),
        ("{by: day, order: time}", "repeats: 3", 0),
        ("{column: part}", "repeats: 3", 0),
    ],
)
def test_how_much_the_trainings_of_a_setting_share(
    tmp_path: Path, split: str, trainings: str, overlap: float
) -> None:
    data = f"data: {{source: csv, path: rows.csv, target: y, split: {split}}}\n"
    model = "model: {layers: [{type: Dense, units: 1}]}\n"
    (tmp_path / "base.yaml").write_text(f"{data}{model}training: {{loss: mean_squared_error}}\n")
    (tmp_path / "s.yaml").write_text(
        f"base: base.yaml\n{trainings}\nparameters: {{training.epochs: [1, 2]}}\n"
    )
    assert load_sweep(tmp_path / "s.yaml").plan.overlap == pytest.approx(overlap)
