"""How a training says that it ended, and whose weights it kept: compared with the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dl.data.target import Target
from dl.progress import SilentReporter
from dl.rundir.record import Ending
from dl.training.fit import fit
from support.training import DENSE, built, config, dataset, inputs, labels, ready

X, Y = inputs(12, 4), labels(12)


def ended(epochs: int = 12, **training: Any) -> tuple[Ending, int, list[int]]:
    """Returns how a training ended, its epochs, and those whose weights the model has."""
    data = dataset(X, Y)
    chosen = config([DENSE], epochs=epochs, batch_size=6, **training)
    model, weights, endings = built(chosen, data), [], list[Ending]()
    history = fit(
        ready(chosen, data, model),
        SilentReporter(),
        lambda row: weights.append(model.get_weights()[0]),
        on_end=endings.append,
    )
    last = model.get_weights()[0]
    same = [place for place, kept in enumerate(weights, start=1) if np.array_equal(kept, last)]
    [ending] = endings
    return ending, len(history), same


def stopping(**parameters: Any) -> dict[str, Any]:
    # The loss falls all the time: where more of it is wanted, the first epoch is the best.
    common = {"type": "EarlyStopping", "monitor": "loss", "mode": "max", "patience": 2}
    return {**common, **parameters}


def test_all_epochs_leave_the_last_weights() -> None:
    assert ended(3) == (Ending(kept=3), 3, [3])


def test_an_early_stop_says_why_and_keeps_the_best_weights() -> None:
    ending, epochs, kept = ended(callbacks=(stopping(restore_best_weights=True),))
    assert ending == Ending("the loss did not improve in 2 epochs", True, 1, 1)
    assert (epochs, kept) == (3, [1])


def test_an_early_stop_without_them_keeps_the_last_weights() -> None:
    ending, epochs, kept = ended(callbacks=(stopping(patience=1),))
    assert ending == Ending("the loss did not improve in 1 epoch", True, 2, 1)
    assert (epochs, kept) == (2, [2])


def test_the_best_weights_are_kept_also_where_all_epochs_were_trained() -> None:
    chosen = stopping(restore_best_weights=True, patience=9)
    assert ended(4, callbacks=(chosen,)) == (Ending(kept=1, best=1), 4, [1])


def test_patience_that_ends_with_the_last_epoch_is_no_early_stop() -> None:
    chosen = stopping(restore_best_weights=True)
    assert ended(3, callbacks=(chosen,)) == (Ending(kept=1, best=1), 3, [1])


def test_an_early_stop_that_never_looked_has_no_best_epoch() -> None:
    chosen = stopping(restore_best_weights=True, start_from_epoch=20)
    assert ended(3, callbacks=(chosen,)) == (Ending(kept=3), 3, [3])


@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": {"type": "SGD", "use_ema": True, "ema_momentum": 0.5}},
        {
            "optimizer": {"type": "SGD", "use_ema": True, "ema_momentum": 0.5},
            "callbacks": ({"type": "SwapEMAWeights"},),
        },
    ],
)
def test_means_of_weights_are_no_epochs(training: dict[str, Any]) -> None:
    ending, _, kept = ended(3, **training)
    assert ending == Ending()
    assert kept == []


def test_no_errors_end_a_training() -> None:
    x, y = np.array([[-1.0], [1.0]], np.float32), np.array([[0.0], [1.0]], np.float32)
    callbacks = ({"type": "StopAtZeroErrors"},)
    chosen = config(
        [{"type": "Dense", "units": 1, "activation": "sigmoid"}],
        loss="binary_crossentropy",
        metrics=("accuracy",),
        epochs=50,
        callbacks=callbacks,
    )
    target = Target("binary", ("y",), "single", ("0", "1"), ("0", "1"), 1, probabilities=True)
    endings: list[Ending] = []
    history = fit(
        ready(chosen, dataset(x, y, target)),
        SilentReporter(),
        lambda row: None,
        on_end=endings.append,
    )
    assert len(history) < 50
    assert endings == [Ending("every row was predicted right", True, len(history))]
