"""Every mistake of a config is reported at once, and none that only follows from another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.config.load import load_config
from dl.errors import ConfigError

DATA = "data: {source: builtin, dataset: iris}\n"
MODEL = "model: {layers: [{type: Dense, units: 3, activation: softmax}]}\n"
TRAINING = "training: {loss: sparse_categorical_crossentropy}\n"


def mistakes(
    tmp_path: Path, data: str = DATA, model: str = MODEL, training: str = TRAINING, more: str = ""
) -> list[str]:
    path = tmp_path / "c.yaml"
    path.write_text(data + model + training + more)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return [problem.message for problem in caught.value.problems]


def test_rule_of_an_optimizer_beside_a_wrong_value_of_it(tmp_path: Path) -> None:
    optimizer = "{type: adam, clipnorm: 1, clipvalue: 1, learning_rate: -1}"
    training = f"training: {{loss: sparse_categorical_crossentropy, optimizer: {optimizer}}}\n"
    assert mistakes(tmp_path, training=training) == [
        "training.optimizer.learning_rate must be a number above 0, or a learning-rate schedule",
        "training.optimizer.clipvalue cannot be combined with `clipnorm`",
    ]


def test_two_rules_and_two_values_of_one_layer(tmp_path: Path) -> None:
    layer = (
        "{type: Conv2D, filters: 3, groups: 2, kernel_size: 0, padding: some, strides: 2, "
        "dilation_rate: 2}"
    )
    model = (
        f"model: {{layers: [{layer}, Flatten, {{type: Dense, units: 3, activation: softmax}}]}}\n"
    )
    found = mistakes(tmp_path, model=model)
    assert sorted(line.split()[0] for line in found) == [
        f"model.layers.0.{name}" for name in ("dilation_rate", "groups", "kernel_size", "padding")
    ]


def test_unknown_and_missing_parameter_and_a_rule_of_one_layer(tmp_path: Path) -> None:
    layer = "{type: Conv2D, groups: 2, strides: 2, dilation_rate: 2, color: red}"
    model = f"model: {{layers: [{layer}]}}\n"
    assert mistakes(tmp_path, model=model) == [
        "model.layers.0.color is not a parameter of Conv2D",
        "model.layers.0 needs `filters` and `kernel_size`",
        "model.layers.0.dilation_rate must be 1 where `strides` is above 1",
    ]


def test_rule_that_needs_a_wrong_parameter_is_silent(tmp_path: Path) -> None:
    layer = "{type: Conv2D, filters: many, groups: 2, kernel_size: 3}"
    assert mistakes(tmp_path, model=f"model: {{layers: [{layer}]}}\n") == [
        "model.layers.0.filters must be a whole number above 0"
    ]


def test_wrong_values_in_different_sections(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        data="data: {source: builtin, dataset: iris, split: {test: 2, validation: -1}}\n",
        training="training: {loss: sparse_categorical_crossentropy, epochs: 1.0, shuffle: 1}\n",
        more="engine: {memory: lots}\nevaluation: {threshold: 1}\nlint: {ignore: [nothing]}\n",
    )
    assert [line.split()[0] for line in found] == [
        *("data.split.validation", "data.split.test", "training.epochs", "training.shuffle"),
        *("evaluation.threshold", "engine.memory", "lint.ignore.0"),
    ]


def test_rule_across_sections_beside_a_wrong_value_in_one_of_them(tmp_path: Path) -> None:
    training = "training: {loss: sparse_categorical_crossentropy, epochs: -1}\n"
    model = "model: {layers: [{type: Dense, units: 2, activation: softmax}]}\n"
    found = mistakes(tmp_path, model=model, training=training)
    assert found[0] == "training.epochs must be a whole number above 0"
    assert [line.split()[0] for line in found[1:]] == ["model.layers.0.units"]


def test_rules_of_data_beside_a_wrong_value_of_data(tmp_path: Path) -> None:
    data = "data: {source: builtin, dataset: iris, classes: [a], split: {test: 1.5}}\n"
    found = mistakes(tmp_path, data=data)
    assert [line.split()[0] for line in found] == ["data.split.test", "data.classes"]


def test_rule_that_looks_at_a_wrong_value_is_silent(tmp_path: Path) -> None:
    # What is monitored may be measured by the metric that is misspelt.
    training = (
        "training:\n  loss: sparse_categorical_crossentropy\n  metrics: [acuracy]\n"
        "  callbacks: [{type: EarlyStopping, monitor: val_accuracy}]\n"
    )
    assert mistakes(tmp_path, training=training) == ["training.metrics.0 is not a known metric"]


def test_misspelt_key_is_not_taken_for_its_default(tmp_path: Path) -> None:
    training = "training:\n  loss: sparse_categorical_crossentropy\n  metriks: [accuracy]\n"
    more = "  callbacks: [{type: EarlyStopping, monitor: val_accuracy}]\n"
    assert mistakes(tmp_path, training=training + more) == ["training.metriks is not known"]


def test_rules_of_layers_are_silent_beside_a_wrong_layer(tmp_path: Path) -> None:
    model = "model: {layers: [{type: Dense, units: 3, activation: relu}, {type: Dens}]}\n"
    assert mistakes(tmp_path, model=model) == ["model.layers.1.type is not a known layer"]


def test_missing_loss_hides_nothing(tmp_path: Path) -> None:
    optimizer = "{type: SGD, learning_rate: 0, momentum: 2}"
    assert mistakes(tmp_path, training=f"training: {{optimizer: {optimizer}, epochs: x}}\n") == [
        "training.loss is missing",
        "training.optimizer.learning_rate must be a number above 0, or a learning-rate schedule",
        "training.optimizer.momentum must be a number from 0 up to, but not including, 1",
        "training.epochs must be a whole number above 0",
    ]


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("16.0", "write 16, without a decimal point"),
        ("'16'", "write 16, without quotes"),
        ("'1,600'", "write 1600"),
        ("\u201c16\u201d", 'write straight quotes: "16"'),
    ],
)
def test_kind_of_mistake_has_one_wording_in_layers_and_sections(
    value: str, hint: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    model = f"model: {{layers: [{{type: Dense, units: {value}, activation: softmax}}]}}\n"
    training = f"training: {{loss: sparse_categorical_crossentropy, epochs: {value}}}\n"
    path.write_text(DATA + model + training, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    units, epochs = caught.value.problems
    assert units.message.partition(" ")[2] == epochs.message.partition(" ")[2]
    assert (units.found, units.hint, units.expected) == (epochs.found, epochs.hint, epochs.expected)
    assert units.hint == hint
