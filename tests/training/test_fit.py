"""What `fit` returns, reports and raises."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import pytest

from dl.errors import ExitCode
from dl.model.checks import check_training
from dl.progress import SilentReporter
from dl.training.fit import Diverged, fit
from dl.vocabulary.spec import Findings
from support.training import (
    DENSE,
    built,
    config,
    dataset,
    inputs,
    labels,
    number_target,
    part,
    ready,
    trained,
)

X, Y = inputs(10, 6), labels(10)
EXPLODING = {"type": "SGD", "learning_rate": 1e30}


class Recorder(SilentReporter):
    """Remembers what it is told about the training."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[object, ...]] = []

    def fit_begin(self, epochs: int, steps: int) -> None:
        self.told.append(("begin", epochs, steps))

    def fit_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        self.told.append(("epoch", epoch))

    def fit_end(self) -> None:
        self.told.append(("end",))


def test_history_has_a_row_of_plain_floats_for_each_epoch() -> None:
    data = dataset(X, Y, validation=part(X, Y))

    _, history = trained(config([DENSE], metrics=("accuracy",)), data)

    assert [row["epoch"] for row in history] == [1, 2]
    assert list(history[0]) == [
        "epoch",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "seconds",
    ]
    assert {type(value) for row in history for value in row.values()} == {int, float}


def test_history_gives_each_epoch_to_the_caller() -> None:
    data, rows = dataset(X, Y), []
    chosen = config([DENSE])

    history = fit(ready(chosen, data), SilentReporter(), rows.append)

    assert rows == history


def test_validation_is_measured_after_the_epoch() -> None:
    data = dataset(X, Y, validation=part(X, Y))
    chosen = config([DENSE], metrics=("accuracy",))

    model, history = trained(chosen, data)
    loss, accuracy = model.evaluate(X, Y, verbose=0)

    assert history[-1]["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert history[-1]["val_accuracy"] == pytest.approx(accuracy)


def test_learning_rate_is_that_of_the_last_step() -> None:
    decay = {"type": "ExponentialDecay", "initial_learning_rate": 1.0, "decay_steps": 1}
    rate = {"type": "SGD", "learning_rate": {**decay, "decay_rate": 0.5}}

    _, history = trained(config([DENSE], optimizer=rate), dataset(X, Y))

    # Three steps an epoch: the rates of the steps are 1, 1/2, 1/4, 1/8, 1/16, 1/32.
    assert [row["learning_rate"] for row in history] == pytest.approx([1 / 4, 1 / 32])


def test_reporter_is_told_begin_epochs_and_end() -> None:
    data, reporter, chosen = dataset(X, Y), Recorder(), config([DENSE])

    fit(ready(chosen, data), reporter, lambda row: None)

    assert reporter.told == [("begin", 2, 3), ("epoch", 1), ("epoch", 2), ("end",)]


def test_epoch_that_is_cut_off_is_in_no_history() -> None:
    answers = iter([False, True])
    engine = {"compile": False, "steps_per_call": 1}

    _, history = trained(
        config([DENSE], engine=engine), dataset(X, Y), should_stop=lambda: next(answers)
    )

    assert history == []


def test_stop_after_the_last_step_keeps_the_epoch() -> None:
    chosen = config([DENSE], engine={"compile": False, "steps_per_call": 9}, batch_size=5)
    answers = iter([False])

    _, history = trained(chosen, dataset(X, Y), should_stop=lambda: next(answers, True))

    assert len(history) == 1


def test_loss_that_is_no_number_ends_the_training_at_its_step() -> None:
    chosen = config([{"type": "Dense", "units": 1}], loss="mse", optimizer=EXPLODING)
    y = np.ones((10, 1), np.float32)

    with pytest.raises(Diverged) as caught:
        trained(chosen, dataset(X, y, number_target()))

    error = caught.value
    assert error.exit_code is ExitCode.NUMERIC
    assert (error.epoch, error.kept) == (1, None)
    assert str(error) == f"the loss became NaN or infinite: epoch 1, step {error.step}"
    assert error.step > 1


def test_best_weights_are_kept_when_the_loss_leaves_the_numbers() -> None:
    boundaries = {"type": "PiecewiseConstantDecay", "boundaries": [2], "values": [0.01, 1e38]}
    rate = {"type": "SGD", "learning_rate": boundaries}
    chosen = config([{"type": "Dense", "units": 1}], loss="mse", optimizer=rate, epochs=9)
    data = dataset(X, np.ones((10, 1), np.float32), number_target())
    model, seen = built(chosen, data), []

    with pytest.raises(Diverged) as caught:
        fit(
            ready(chosen, data, model),
            SilentReporter(),
            lambda row: seen.append(model.get_weights()),
        )

    assert caught.value.kept == 1
    np.testing.assert_array_equal(model.get_weights()[0], seen[0][0])


def test_metrics_of_a_scaled_target_are_in_its_own_unit() -> None:
    y = np.linspace(-1, 1, 10, dtype=np.float32).reshape(10, 1)
    target = number_target(scaling="standardize", center=(50.0,), spread=(20.0,))
    chosen = config([{"type": "Dense", "units": 1}], loss="mse", metrics=("mae",), epochs=1)
    data = dataset(X, y, target, validation=part(X, y))

    model, history = trained(chosen, data)
    error = np.abs(model.predict(X, verbose=0) - y).mean()

    assert history[0]["val_mae"] == pytest.approx(20 * error, rel=1e-4)
    assert history[0]["val_loss"] == pytest.approx(
        float(keras.losses.MeanSquaredError()(y, model.predict(X, verbose=0))), rel=1e-4
    )


def test_target_that_the_loss_does_not_take_is_a_finding() -> None:
    chosen = config([DENSE], loss="categorical_crossentropy")
    data = dataset(X, Y)

    with pytest.raises(Findings) as caught:
        check_training(built(chosen, data), data, chosen)

    (finding,) = caught.value.findings
    assert finding.path == ("training", "loss")
    assert finding.message == "does not take outputs of shape (3,)"
    assert finding.expected == "outputs that fit a target of shape () for each row"


def test_check_leaves_the_random_state_alone() -> None:
    data = dataset(inputs(10, 4, 2), Y)
    chosen = config([{"type": "LSTM", "units": 2, "dropout": 0.5}, DENSE])
    model = built(chosen, data)
    before = [np.array(variable.numpy()) for variable in model.variables]

    check_training(model, data, chosen)

    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    layers = [{"type": "Dense", "units": 8}, {"type": "Dropout", "rate": 0.5}, DENSE]
    data = dataset(X, Y)

    first, _ = trained(config(layers), data)
    again, _ = trained(config(layers), data)
    other, _ = trained(config(layers, seed=2), data)

    assert all(map(np.array_equal, first.get_weights(), again.get_weights()))
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
