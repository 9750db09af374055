from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.inspect.diagnose import diagnose
from dl.inspect.evidence import Evidence
from dl.rundir.record import Trivial
from support.diagnosis import HIDDEN, SIGMOID, config_of, history, on_top, only

FALLING = [1 / epoch for epoch in range(1, 21)]
STANDING = [0.5] * 20
EARLY = {"type": "EarlyStopping", "monitor": "val_loss", "restore_best_weights": True}
NUMBERS = {
    "data": {"source": "builtin", "dataset": "diabetes"},
    "loss": "mean_squared_error",
    "layers": [{**SIGMOID, "activation": None}],
}
SOFTMAX = {
    "data": {"source": "builtin", "dataset": "digits"},
    "loss": "sparse_categorical_crossentropy",
    "layers": [{"type": "Dense", "units": 10, "activation": "softmax", "name": "out"}],
}


def rate(case: Evidence, change: Any, folder: Path) -> object:
    return on_top(case.config, change, folder).training.optimizer.parameters["learning_rate"]


def test_a_healthy_run_has_no_findings() -> None:
    losses = [*FALLING, *[FALLING[-1] - 0.0001 * epoch for epoch in range(20)]]
    case = Evidence(config_of(), history(losses, [loss + 0.05 for loss in losses]))

    assert diagnose(case) == []


def test_a_run_without_epochs_has_no_findings() -> None:
    assert diagnose(Evidence(config_of(), [])) == []


def test_one_answer_for_all_rows_asks_for_weights_of_the_classes(tmp_path: Path) -> None:
    case = Evidence(config_of(), [], one_answer="always answers `no`")
    found = only("one-answer", case)
    assert found is not None
    assert found.message == "always answers `no`"
    assert on_top(case.config, found.change, tmp_path).training.class_weight == "balanced"


def test_one_answer_with_weights_or_for_numbers_asks_for_a_larger_network(tmp_path: Path) -> None:
    weighed = config_of(class_weight="balanced")
    numbers = config_of(NUMBERS["layers"], data=NUMBERS["data"], loss=NUMBERS["loss"])
    for config in (weighed, numbers):
        found = only("one-answer", Evidence(config, [], one_answer="always answers about 3"))
        assert found is not None
        assert on_top(config, found.change, tmp_path).model != config.model


def test_diverged_says_where_and_slows_down(tmp_path: Path) -> None:
    config = config_of(preprocess={"numeric": "none"})
    case = Evidence(config, history([2.0, 350.0]), "epoch 3, step 7")

    found = only("diverged", case)

    assert found is not None
    assert found.message == (
        "the loss became NaN or infinite in epoch 3, step 7, after 350 in epoch 2"
    )
    assert found.why == (
        "Each step went further than the slope holds, so the next one was larger still. Smaller "
        "steps help; inputs far from 0 make all of them too large."
    )
    mended = on_top(config, found.change, tmp_path)
    assert mended.training.optimizer.parameters["learning_rate"] == 0.01
    assert mended.preprocess.numeric == "standardize"


def test_diverged_in_the_first_epoch_has_no_loss_before() -> None:
    found = only("diverged", Evidence(config_of(), [], "epoch 1, step 2"))

    assert found is not None
    assert found.message == "the loss became NaN or infinite in epoch 1, step 2"


@pytest.mark.parametrize(
    ("optimizer", "parameter", "expected"),
    [
        ({"type": "SGD", "learning_rate": 1000.0}, "learning_rate", 0.1),
        ({"type": "Adam", "learning_rate": 0.03}, "learning_rate", 0.003),
        ({"type": "SGD", "clipnorm": 2.0, "learning_rate": "piecewise"}, "clipnorm", 0.2),
        ({"type": "SGD", "global_clipnorm": 2.0, "learning_rate": "piecewise"}, "clipnorm", None),
    ],
    ids=["out of all sense", "Adam", "a schedule and a limit", "another limit"],
)
def test_diverged_takes_a_rate_that_makes_sense(
    optimizer: dict[str, Any], parameter: str, expected: float | None, tmp_path: Path
) -> None:
    if optimizer["learning_rate"] == "piecewise":
        schedule = {"type": "PiecewiseConstantDecay", "boundaries": [5], "values": [1.0, 0.1]}
        optimizer = {**optimizer, "learning_rate": schedule}
    config = config_of(optimizer=optimizer)

    found = only("diverged", Evidence(config, [], "epoch 1, step 2"))

    assert found is not None
    mended = on_top(config, found.change, tmp_path).training.optimizer
    assert mended.parameters[parameter] == expected


def test_a_schedule_starts_lower(tmp_path: Path) -> None:
    schedule = {"type": "CosineDecay", "initial_learning_rate": 0.5, "decay_steps": 100}
    config = config_of(optimizer={"type": "SGD", "learning_rate": schedule})

    found = only("diverged", Evidence(config, [], "epoch 1, step 2"))

    assert found is not None
    mended: Any = rate(Evidence(config, []), found.change, tmp_path)
    assert mended.type == "CosineDecay"
    assert mended.parameters["initial_learning_rate"] == 0.05


def test_rising_loss_has_its_least_and_its_last_value(tmp_path: Path) -> None:
    case = Evidence(config_of(), history([1.0, 0.5, 0.6, 0.8, 1.2]))

    found = only("rising-loss", case)

    assert found is not None
    assert found.message == "the training loss was 0.5 in epoch 2 and rose to 1.2 by epoch 5"
    assert rate(case, found.change, tmp_path) == 0.02


def test_a_loss_that_ends_near_its_least_does_not_rise() -> None:
    assert only("rising-loss", Evidence(config_of(), history([1.0, 0.5, 0.6, 0.7, 0.6]))) is None


def test_jumping_loss_counts_its_jumps(tmp_path: Path) -> None:
    case = Evidence(config_of(), history([1.0, *[0.5, 0.7] * 6]))

    found = only("jumping-loss", case)

    assert found is not None
    assert found.message == "the training loss rose by more than 10% in 4 of the last 8 epochs"
    assert rate(case, found.change, tmp_path) == 0.03


def test_the_perceptron_may_jump() -> None:
    unit = {"type": "Dense", "units": 1, "activation": "heaviside"}
    config = config_of([unit], loss="perceptron")

    assert diagnose(Evidence(config, history([1.0, *[0.5, 0.7] * 6]))) == []


def test_overfitting_stops_in_time(tmp_path: Path) -> None:
    validation = [0.9, 0.6, 0.5, *[0.5 + 0.02 * epoch for epoch in range(1, 18)]]
    case = Evidence(config_of(), history(FALLING, validation))

    found = only("overfitting", case)

    assert found is not None
    assert found.message == (
        "the validation loss was lowest in epoch 3 (0.5) and rose to 0.84 by epoch 20, while the "
        "training loss fell from 0.3333 to 0.05"
    )
    [callback] = on_top(case.config, found.change, tmp_path).training.callbacks
    assert callback.type == "EarlyStopping"
    assert callback.parameters["patience"] == 3
    assert callback.parameters["restore_best_weights"] is True


def test_overfitting_keeps_the_other_callbacks(tmp_path: Path) -> None:
    others = ["TerminateOnNaN", {"type": "EarlyStopping", "patience": 50}]
    config = config_of(callbacks=others)
    found = only("overfitting", Evidence(config, history(FALLING, [0.5, *[0.9] * 19])))

    assert found is not None
    mended = on_top(config, found.change, tmp_path).training.callbacks
    assert [callback.type for callback in mended] == ["TerminateOnNaN", "EarlyStopping"]


@pytest.mark.parametrize(
    ("validation", "callbacks"),
    [
        ([loss + 0.1 for loss in FALLING], []),
        ([0.5, *[0.9] * 19], [EARLY]),
        ([*FALLING[:18], 0.2, 0.3], []),
        ([], []),
    ],
    ids=["both fall", "the best weights are kept", "only lately", "no validation part"],
)
def test_no_overfitting(validation: list[float], callbacks: list[Any]) -> None:
    case = Evidence(config_of(callbacks=callbacks), history(FALLING, validation))

    assert only("overfitting", case) is None


def gap(layers: list[Any], other: float) -> Evidence:
    return Evidence(
        config_of(layers),
        history(FALLING, STANDING, accuracy=[0.99] * 20, val_accuracy=[other] * 20),
    )


def test_a_gap_puts_dropout_before_the_last_layer(tmp_path: Path) -> None:
    case = gap([HIDDEN, SIGMOID], 0.8)

    found = only("generalization-gap", case)

    assert found is not None
    assert found.message == (
        "in epoch 1, the best by validation loss, accuracy is 0.99 on the training part and 0.8 on "
        "the validation part"
    )
    layers = on_top(case.config, found.change, tmp_path).model.layers
    assert [layer.type for layer in layers] == ["Dense", "Dropout", "Dense"]


def test_a_gap_in_spite_of_dropout_gets_a_penalty(tmp_path: Path) -> None:
    case = gap([HIDDEN, {"type": "Dropout", "rate": 0.5}, SIGMOID], 0.8)

    found = only("generalization-gap", case)

    assert found is not None
    first: Any = on_top(case.config, found.change, tmp_path).model.layers[0]
    assert first.parameters["kernel_regularizer"].type == "L2"


def test_a_small_gap_is_none() -> None:
    assert only("generalization-gap", gap([HIDDEN, SIGMOID], 0.9)) is None


def test_without_accuracy_the_losses_are_compared() -> None:
    case = Evidence(config_of(**NUMBERS), history([0.1] * 5, [0.5] * 5))

    found = only("generalization-gap", case)

    assert found is not None
    assert found.message == (
        "in epoch 1, the best by validation loss, the loss is 0.1 on the training part and 0.5 on "
        "the validation part"
    )


@pytest.mark.parametrize(
    ("config", "least", "guess"),
    [
        (config_of(), 0.68, "0.6931"),
        (config_of(**SOFTMAX), 2.29, "2.303"),
        (config_of(**NUMBERS, preprocess={"target": "standardize"}), 0.97, "1"),
    ],
    ids=["two classes", "ten classes", "numbers"],
)
def test_no_better_than_guessing_knows_the_loss_of_a_constant_answer(
    config: Any, least: float, guess: str
) -> None:
    found = only("no-better-than-guessing", Evidence(config, history([3.0, least])))

    assert found is not None
    assert found.message.endswith(f"always giving the same answer has {guess}")


def test_guessing_with_a_hidden_layer_makes_it_larger(tmp_path: Path) -> None:
    case = Evidence(config_of(), history([0.7, 0.69]))

    found = only("no-better-than-guessing", case)

    assert found is not None
    first, _ = on_top(case.config, found.change, tmp_path).model.layers
    assert first.parameters["units"] == 16


def test_guessing_without_a_hidden_layer_adds_one(tmp_path: Path) -> None:
    case = Evidence(config_of([SIGMOID]), history([0.7, 0.69]))

    found = only("no-better-than-guessing", case)

    assert found is not None
    layers = on_top(case.config, found.change, tmp_path).model.layers
    assert [layer.parameters["units"] for layer in layers] == [32, 1]


@pytest.mark.parametrize(
    "config",
    [config_of(class_weight="balanced"), config_of(**NUMBERS)],
    ids=["weights of classes", "numbers in their own unit"],
)
def test_where_the_loss_of_guessing_is_unknown_nothing_is_said(config: Any) -> None:
    assert only("no-better-than-guessing", Evidence(config, history([0.7, 0.69]))) is None


def test_unfinished_doubles_the_epochs(tmp_path: Path) -> None:
    losses = [1.0 - 0.04 * epoch for epoch in range(20)]
    case = Evidence(config_of(), history(losses, losses))

    found = only("unfinished", case)

    assert found is not None
    assert found.message == ("the validation loss still fell by 24% over the last 2 of 20 epochs")
    assert on_top(case.config, found.change, tmp_path).training.epochs == 40


@pytest.mark.parametrize("epochs", [12, 20, 40, 100])
@pytest.mark.parametrize("noise", [0.03, 0.1])
def test_a_loss_that_only_wavers_is_not_unfinished(epochs: int, noise: float) -> None:
    told = {"still": 0, "falling": 0}
    for seed in range(100):
        wave = np.random.default_rng(seed).normal(0, noise, epochs)
        falling = 1.2 * np.exp(-1.5 * np.arange(epochs) / (epochs - 1)) * np.exp(wave / 10)
        for name, losses in (("still", 0.5 + 0.5 * wave), ("falling", falling)):
            case = Evidence(config_of(), history(losses.tolist(), losses.tolist()))
            told[name] += only("unfinished", case) is not None
    assert told["still"] <= 5
    assert told["falling"] >= 80


def test_a_plateau_lowers_the_rate(tmp_path: Path) -> None:
    case = Evidence(config_of(), history([0.68, *[0.5] * 19]))

    found = only("plateau", case)

    assert found is not None
    assert found.message == (
        "the training loss stayed at 0.5: the last 10 of 20 epochs lowered it by 0%"
    )
    [callback] = on_top(case.config, found.change, tmp_path).training.callbacks
    assert (callback.type, callback.parameters["monitor"]) == ("ReduceLROnPlateau", "loss")


@pytest.mark.parametrize(
    "losses",
    [FALLING, [1.0, *[0.005] * 19], [0.5] * 10, [0.69] * 20],
    ids=["falling", "learned", "too short", "guessing, which says more"],
)
def test_no_plateau(losses: list[float]) -> None:
    assert only("plateau", Evidence(config_of(), history(losses))) is None


def _uneven(share: float = 0.05) -> Trivial:
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    metrics = {"loss": entropy, "accuracy": 1 - share}
    return Trivial((1 - share, share), "always no", {"train": metrics, "validation": metrics})


def test_guessing_knows_the_entropy_of_the_class_fractions() -> None:
    learned_nothing = history([0.5, 0.199])  # well below log 2, but not below the entropy: 0.1985
    found = only("no-better-than-guessing", Evidence(config_of(), learned_nothing))
    assert found is None
    case = Evidence(config_of(), learned_nothing, trivial=_uneven())
    found = only("no-better-than-guessing", case)
    assert found is not None
    assert found.message == (
        "the training loss did not fall below 0.199; always giving the same answer has 0.1985"
    )
    assert only("no-better-than-guessing", replace(case, trivial=_uneven(0.4))) is None


def test_one_answer_of_a_network_that_has_learned_asks_for_a_threshold(tmp_path: Path) -> None:
    case = Evidence(config_of(), history([0.5, 0.1]), one_answer="always answers `no`")
    found = only("one-answer", replace(case, trivial=_uneven()))
    assert found is not None
    assert found.change == {"evaluation": {"threshold": 0.05}}
    assert on_top(case.config, found.change, tmp_path).evaluation.threshold == 0.05

    nothing_learned = replace(case, history=history([0.5, 0.2]), trivial=_uneven())
    found = only("one-answer", nothing_learned)
    assert found is not None
    assert on_top(case.config, found.change, tmp_path).training.class_weight == "balanced"


def test_an_accuracy_that_is_that_of_the_commonest_class_is_no_success(tmp_path: Path) -> None:
    rows = [
        {**row, "accuracy": 0.95, "val_accuracy": 0.94}
        for row in history([0.3, 0.2, 0.15, 0.12, 0.1], [0.3, 0.2, 0.16, 0.14, 0.13])
    ]
    case = Evidence(config_of(), rows, trivial=_uneven())
    found = only("no-better-than-the-commonest", case)
    assert found is not None
    assert found.message == (
        "the accuracy of the validation part did not rise above 0.94; always no has 0.95"
    )
    assert on_top(case.config, found.change, tmp_path).evaluation.threshold == 0.05

    better = [{**row, "val_accuracy": 0.96} for row in rows]
    assert only("no-better-than-the-commonest", replace(case, history=better)) is None
    assert only("no-better-than-the-commonest", replace(case, trivial=None)) is None
