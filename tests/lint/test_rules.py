"""Each rule fires on a config with its flaw, and its mended line makes it silent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Dl
from dl.config import rules
from dl.config.load import load_config, load_mapping
from dl.config.rules import Note, advise, facts_of, placed
from dl.config.schema import ADVICE, OF_DATA, OF_TABLES
from dl.init.examples import examples

CONFIGS = Path(__file__).parents[2] / "configs"
BASE = """\
name: case
data: {source: csv, path: rows.csv, target: y, split: {validation: 0.2, test: 0.2}}
model:
  layers:
    - {type: Dense, units: 8, activation: relu}
    - {type: Dense, units: 1, activation: sigmoid}
training:
  loss: binary_crossentropy
  optimizer: {type: adam, learning_rate: 0.01}
  metrics: [accuracy]
  batch_size: 16
  epochs: 20
"""
CANCER = "{source: builtin, dataset: breast_cancer, split: {validation: 0.2, test: 0.2}}"
DIGITS = "{source: builtin, dataset: digits, split: {validation: 0.2, test: 0.2}}"
HOUSES = "{source: builtin, dataset: diabetes, split: {validation: 0.2, test: 0.2}}"
DATA = "{source: csv, path: rows.csv, target: y, split: {validation: 0.2, test: 0.2}}"
HIDDEN, OUT = (
    "    - {type: Dense, units: 8, activation: relu}",
    "{type: Dense, units: 1, activation: sigmoid}",
)
EMBEDDING = "{type: Embedding, input_dim: 9, output_dim: 2, mask_zero: true}"
SOFTMAX = "{type: Dense, units: 10, activation: softmax}"
PRETRAINED = {
    DATA: DIGITS,
    HIDDEN: "    - {type: Reshape, target_shape: [8, 8, 1]}\n"
    "    - {type: VGG16, weights: imagenet, pooling: avg}",
    OUT: "{type: Dense, units: 10, activation: softmax}",
    "binary_crossentropy": "sparse_categorical_crossentropy",
}
SPARSE = "sparse_categorical_crossentropy"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A config with one flaw: what replaces what in `BASE`, and what is said of it.

    `mended` is the line to write, `change` what `--set` makes of it, `rows` those of each class.
    """

    rule: str
    said: str
    mended: str
    change: Mapping[str, str]
    texts: Mapping[str, str]
    rows: tuple[int, int] = (100, 100)


def table(zeros: int, ones: int) -> str:
    labels = ["no"] * zeros + ["yes"] * ones
    return "a,b,y\n" + "".join(f"{i * 7 % 50},{i % 7},{label}\n" for i, label in enumerate(labels))


FLAWS = (
    Flaw(
        "output-activation",
        "model.layers.1.activation limits the predicted number: sigmoid",
        "- {type: Dense, units: 1, activation: linear}",
        {"model.layers.1.activation": "linear"},
        {DATA: HOUSES, "binary_crossentropy": "mean_squared_error", "[accuracy]": "[mae]"},
    ),
    Flaw(
        "output-units",
        "model.layers.1 gives two probabilities for two classes",
        "- {type: Dense, units: 1, activation: sigmoid}",
        {"model.layers.1": OUT, "training.loss": "binary_crossentropy"},
        {
            DATA: CANCER,
            OUT: "{type: Dense, units: 2, activation: softmax}",
            "binary_crossentropy": SPARSE,
        },
    ),
    Flaw(
        "loss-for-classes",
        "training.loss is mean_squared_error, a loss for numbers, but the target holds classes",
        "loss: binary_crossentropy",
        {"training.loss": "binary_crossentropy"},
        {DATA: CANCER, "binary_crossentropy": "mean_squared_error"},
    ),
    Flaw(
        "loss-encoding",
        "training.loss is for one-hot labels, but the labels are 10 classes in one column",
        f"loss: {SPARSE}",
        {"training.loss": SPARSE},
        {DATA: DIGITS, OUT: SOFTMAX, "binary_crossentropy": "categorical_crossentropy"},
    ),
    Flaw(
        "unscaled-inputs",
        "preprocess.numeric is none: the columns keep their own units",
        "preprocess: {numeric: standardize}",
        {"preprocess.numeric": "standardize"},
        {"model:": "preprocess: {numeric: none}\nmodel:"},
    ),
    Flaw(
        "learning-rate",
        "training.optimizer.learning_rate is 5, outside of 1e-05 to 0.05, the range for Adam",
        "optimizer: {type: adam, learning_rate: 0.001}",
        {"training.optimizer.learning_rate": "0.001"},
        {"learning_rate: 0.01": "learning_rate: 5"},
    ),
    Flaw(
        "slow-sgd",
        "training.optimizer.momentum is 0 with a learning rate of 0.0005",
        "optimizer: {type: sgd, learning_rate: 0.0005, momentum: 0.9}",
        {"training.optimizer.momentum": "0.9"},
        {"type: adam, learning_rate: 0.01": "type: sgd, learning_rate: 0.0005"},
    ),
    Flaw(
        "linear-hidden",
        "model.layers.0.activation is missing: model.layers.0 is linear",
        "- {type: Dense, units: 8, activation: relu}",
        {"model.layers.0.activation": "relu"},
        {HIDDEN: "    - {type: Dense, units: 8}"},
    ),
    Flaw(
        "saturating-hidden",
        "model.layers.0.activation is one of 2 hidden layers with sigmoid",
        "- {type: Dense, units: 8, activation: relu}",
        {"model.layers.0.activation": "relu"},
        {HIDDEN: "\n".join([HIDDEN.replace("relu", "sigmoid")] * 2)},
    ),
    Flaw(
        "scaled-twice",
        "preprocess.scale scales pixels that model.layers.1 scales itself",
        "remove preprocess.scale",
        {"preprocess.scale": "null"},
        {"model:": "preprocess: {scale: 255}\nmodel:", **PRETRAINED},
    ),
    Flaw(
        "sampling-rate",
        "model.layers.0.sampling_rate is 16,000 of a second, but the sounds have 8,000 "
        "(`data.rate`)",
        "- {type: MelSpectrogram, sampling_rate: 8000}",
        {"model.layers.0.sampling_rate": "8000"},
        {DATA: "{source: audio, path: sounds, rate: 8000}", HIDDEN: "    - MelSpectrogram"},
    ),
    Flaw(
        "unfrozen-base",
        "model.layers.1.trainable is true: 1,078 rows teach all weights of VGG16",
        "- {type: VGG16, weights: imagenet, pooling: avg, trainable: false}",
        {"model.layers.1.trainable": "false"},
        PRETRAINED,
    ),
    Flaw(
        "fine-tuning-rate",
        "training.optimizer.learning_rate is 0.01 for VGG16, which is trained already: more than "
        "0.0001",
        "optimizer: {type: adam, learning_rate: 1e-05}",
        {"training.optimizer.learning_rate": "1e-5"},
        PRETRAINED,
    ),
    Flaw(
        "frozen-random",
        "model.layers.0.trainable is false: the layer keeps the random weights that it begins with",
        "- {type: Dense, units: 8, activation: relu, trainable: true}",
        {"model.layers.0.trainable": "true"},
        {HIDDEN: HIDDEN.replace("}", ", trainable: false}")},
    ),
    Flaw(
        "missing-mask",
        "model.layers.1.mask_zero is false, so model.layers.2 (GlobalAveragePooling1D) takes "
        "padding for words",
        "- {type: Embedding, output_dim: 2, mask_zero: true}",
        {"model.layers.1.mask_zero": "true"},
        {
            DATA: DATA.replace("target: y", "target: y, columns: {t: text}"),
            HIDDEN: "    - {type: Input, shape: [9]}\n    - {type: Embedding, output_dim: 2}\n"
            "    - GlobalAveragePooling1D",
        },
    ),
    Flaw(
        "dropout-last",
        "model.layers.2 drops outputs of the network",
        "remove model.layers.2",
        {"model.layers": f"[{{type: Dense, units: 8, activation: relu}}, {OUT}]"},
        {f"    - {OUT}": f"    - {OUT}\n    - {{type: Dropout, rate: 0.5}}"},
    ),
    Flaw(
        "unused-mask",
        "model.layers.0.mask_zero makes a mask that no layer uses: it ends at model.layers.2 "
        "(Flatten)",
        "- {type: Embedding, input_dim: 9, output_dim: 2, mask_zero: false}",
        {"model.layers.0.mask_zero": "false"},
        {HIDDEN: f"    - {EMBEDDING}\n    - {{type: Dropout, rate: 0.1}}\n    - Flatten"},
    ),
    Flaw(
        "too-many-parameters",
        "model.layers.0.units makes a network of 40,001 parameters for about 120 training rows",
        "- {type: Dense, units: 512, activation: relu}",
        {"model.layers.0.units": "512"},
        {
            "units: 8": "units: 10000",
            DATA: DATA.replace("target: y", "target: y, features: [a, b]"),
        },
    ),
    Flaw(
        "batch-size",
        "training.batch_size is 500, more than the 120 rows that are trained on",
        "batch_size: 32",
        {"training.batch_size": "32"},
        {"batch_size: 16": "batch_size: 500"},
    ),
    Flaw(
        "no-validation",
        "data.split.validation is 0: there is no validation part",
        DATA.replace("validation: 0.2", "validation: 0.1").join(["data: ", ""]),
        {"data.split.validation": "0.1"},
        {"validation: 0.2": "validation: 0"},
    ),
    Flaw(
        "no-shuffle",
        "training.shuffle is false: each epoch takes the rows in the same order",
        "shuffle: true",
        {"training.shuffle": "true"},
        {"  epochs: 20": "  epochs: 20\n  shuffle: false"},
    ),
    Flaw(
        "one-epoch",
        "training.epochs is 1: each row is seen once",
        "epochs: 10",
        {"training.epochs": "10"},
        {"epochs: 20": "epochs: 1"},
    ),
    Flaw(
        "no-metrics",
        "training.metrics is empty: only the loss is measured",
        "metrics: [accuracy]",
        {"training.metrics": "[accuracy]"},
        {"[accuracy]": "[]"},
    ),
    Flaw(
        "no-accuracy",
        "training.metrics does not include the accuracy of a softmax classifier",
        "metrics: [accuracy, mean_squared_error]",
        {"training.metrics": "[accuracy, mean_squared_error]"},
        {
            DATA: DIGITS,
            OUT: SOFTMAX,
            "binary_crossentropy": SPARSE,
            "[accuracy]": "[mean_squared_error]",
        },
    ),
    Flaw(
        "imbalance",
        "training.class_weight is missing: 190 rows are 'no', only 10 are 'yes'",
        "below training: class_weight: balanced",
        {"training.class_weight": "balanced"},
        {
            "{type: Dense, units: 1, activation: sigmoid}": "{type: Dense, units: 2, activation: "
            "softmax}",
            "binary_crossentropy": SPARSE,
        },
        rows=(190, 10),
    ),
    Flaw(
        "imbalance",
        "evaluation.threshold is 0.5, but 190 rows are 'no', only 10 are 'yes'",
        "evaluation: {threshold: 0.05}",
        {"evaluation.threshold": "0.05"},
        {},
        rows=(190, 10),
    ),
    Flaw(
        "callback-never-fires",
        "training.callbacks.0.patience is 30 in a training of 20 epochs: EarlyStopping cannot act",
        "- {type: EarlyStopping, patience: 4, restore_best_weights: true}",
        {"training.callbacks.0.patience": "4"},
        {
            "  epochs: 20": "  epochs: 20\n  callbacks:\n"
            "    - {type: EarlyStopping, patience: 30, restore_best_weights: true}"
        },
    ),
    Flaw(
        "keep-best",
        "training.callbacks.0.restore_best_weights is false: the weights of the last epoch are "
        "kept",
        "- {type: EarlyStopping, patience: 3, restore_best_weights: true}",
        {"training.callbacks.0.restore_best_weights": "true"},
        {"  epochs: 20": "  epochs: 20\n  callbacks:\n    - {type: EarlyStopping, patience: 3}"},
    ),
)
BY_RULE = {flaw.rule: flaw for flaw in FLAWS}


def written(folder: Path, texts: Mapping[str, str], rows: tuple[int, int] = (100, 100)) -> Path:
    text = BASE
    for old, new in texts.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "rows.csv").write_text(table(*rows))
    (folder / "case.yaml").write_text(text)
    return folder / "case.yaml"


def said(path: Path, changes: Mapping[str, str] = {}) -> list[Note]:
    loaded = load_config(path, [f"{key}={value}" for key, value in changes.items()])
    return placed(loaded, advise(facts_of(loaded.config, Path())))


def test_every_rule_has_its_id_in_the_config_and_a_flaw_here() -> None:
    ids = tuple(rule.__name__.replace("_", "-") for rule in rules.ADVICE)
    assert (*ids, *OF_DATA, *OF_TABLES) == ADVICE
    assert set(BY_RULE) == set(ids)


def test_a_config_without_flaws_gets_no_advice(tmp_path: Path) -> None:
    assert said(written(tmp_path, {})) == []


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.rule)
def test_a_rule_fires_with_its_place_and_the_mended_line(flaw: Flaw, tmp_path: Path) -> None:
    [note] = [
        note for note in said(written(tmp_path, flaw.texts, flaw.rows)) if note.rule == flaw.rule
    ]

    assert f"{note.path} {note.message}" == flaw.said
    assert note.mended == flaw.mended
    assert note.why.endswith(".")
    assert note.mark.line is not None


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.rule)
def test_a_mended_config_is_valid_and_gets_that_advice_no_more(flaw: Flaw, tmp_path: Path) -> None:
    path = written(tmp_path, flaw.texts, flaw.rows)

    assert flaw.rule not in [note.rule for note in said(path, flaw.change)]


@pytest.mark.parametrize(
    "flaw",
    [flaw for flaw in FLAWS if not flaw.mended.startswith(("remove", "below"))],
    ids=lambda flaw: flaw.rule,
)
def test_a_mended_line_takes_the_place_of_the_one_that_is_shown(flaw: Flaw, tmp_path: Path) -> None:
    path = written(tmp_path, flaw.texts, flaw.rows)
    [note] = [note for note in said(path) if note.rule == flaw.rule]
    lines = path.read_text().splitlines()
    assert note.mark.line is not None
    old = lines[note.mark.line - 1]
    lines[note.mark.line - 1] = old[: len(old) - len(old.lstrip())] + note.mended
    path.write_text("\n".join(lines))

    # A softmax of two classes becomes a sigmoid only together with its loss.
    also = {"training.loss": "binary_crossentropy"} if flaw.rule == "output-units" else {}
    assert flaw.rule not in [note.rule for note in said(path, also)]


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.rule)
def test_a_rule_can_be_switched_off(flaw: Flaw, tmp_path: Path) -> None:
    path = written(tmp_path, flaw.texts, flaw.rows)

    assert flaw.rule not in [note.rule for note in said(path, {"lint.ignore": f"[{flaw.rule}]"})]


INTENDED = {
    "course/06e-hidden-activations.yaml": ["learning-rate"],
    "course/06f-dying-relu.yaml": ["learning-rate"],
    "course/06g-vanishing-gradients.yaml": ["saturating-hidden"],
}
"""Configs that show what goes wrong, with the advice that tells of it beforehand."""
SHIPPED = [
    f"{example.path.parent.name}/{example.name}.yaml".removeprefix(f"{CONFIGS.name}/")
    for example in examples().values()
    if not example.is_sweep
]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configs_follow_the_advice(name: str) -> None:
    assert [note.rule for note in said(CONFIGS / name)] == INTENDED.get(name, [])


def test_a_frozen_layer_inside_of_another_is_told_of(tmp_path: Path) -> None:
    inner = "{type: Bidirectional, layer: {type: LSTM, units: 4, trainable: false}}"
    text = {HIDDEN: f"    - {{type: Reshape, target_shape: [2, 1]}}\n    - {inner}"}
    [note] = [note for note in said(written(tmp_path, text)) if note.rule == "frozen-random"]
    assert note.path == "model.layers.1.layer.trainable"
    assert note.mended == f"- {inner.replace('false', 'true')}"


def test_lint_prints_place_reason_and_the_line_to_write(dl: Dl, tmp_path: Path) -> None:
    path = written(tmp_path, {"epochs: 20": "epochs: 1"})

    outcome = dl("lint", path)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"{path}:12:11: one-epoch: training.epochs is 1: each row is seen once\n"
        "   12 |   epochs: 1\n"
        "      |           ^\n"
        "why: A learning curve needs several epochs to show whether the network still learns.\n"
        "write: epochs: 10\n"
    )


def test_lint_as_json_has_the_same(dl: Dl, tmp_path: Path) -> None:
    path = written(tmp_path, {"epochs: 20": "epochs: 1"})

    [advice] = json.loads(dl("lint", path, "--json").out)["advice"]

    assert advice == {
        "rule": "one-epoch",
        "file": str(path),
        "line": 12,
        "column": 11,
        "path": "training.epochs",
        "message": "is 1: each row is seen once",
        "why": "A learning curve needs several epochs to show whether the network still learns.",
        "mended": "epochs: 10",
    }


def test_lint_of_a_good_config_says_so(dl: Dl, tmp_path: Path) -> None:
    path = written(tmp_path, {})

    assert dl("lint", path).out == f"{path}: no advice\n"


def test_an_unknown_id_to_ignore_is_an_error(dl: Dl, tmp_path: Path) -> None:
    outcome = dl("lint", written(tmp_path, {}), "--set", "lint.ignore=[one-epok]")

    assert outcome.code == 2
    assert "one-epok" in outcome.err


def test_a_mended_value_of_a_dict_is_told_with_its_path() -> None:
    values = {
        "data": {"source": "builtin", "dataset": "iris"},
        "model": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
        "training": {"loss": "sparse_categorical_crossentropy", "callbacks": ["EarlyStopping"]},
    }
    loaded = load_mapping(values)
    notes = placed(loaded, advise(facts_of(loaded.config, loaded.folder)))
    lines = {note.rule: note.mended for note in notes}
    callback = "{type: EarlyStopping, restore_best_weights: true}"
    assert lines["keep-best"] == f"training.callbacks.0: {callback}"
    assert lines["no-metrics"] == "below training: metrics: [accuracy]"
