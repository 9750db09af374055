"""Keras' callbacks in a resident training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dl.training import setup
from dl.vocabulary.spec import Findings
from support.training import DENSE, config, dataset, inputs, labels, part, trained

X, Y = inputs(10, 6), labels(10)
DATA = dataset(X, Y, validation=part(X, Y))
STILL = {"type": "SGD", "learning_rate": 1e-30}


def with_callback(callback: dict[str, Any], **training: Any) -> Any:
    """Returns a config with one callback."""
    return config([DENSE], callbacks=(callback,), **training)


def test_early_stopping_ends_the_training() -> None:
    stop = {"type": "EarlyStopping", "monitor": "val_loss", "patience": 2}

    _, history = trained(with_callback(stop, epochs=9, optimizer=STILL), DATA)

    assert len(history) == 3


@pytest.mark.parametrize(
    ("monitor", "mode"), [("val_loss", "min"), ("val_mae", "min"), ("R2Score", "max")]
)
def test_callback_knows_which_way_is_better_without_asking_the_metric(
    monitor: str, mode: str
) -> None:
    stop = {"type": "EarlyStopping", "monitor": monitor}
    chosen = with_callback(stop, loss="mse", metrics=("mae", "R2Score"))
    [[callback]] = setup.build_callbacks(chosen, None)
    assert callback.mode == mode


def test_early_stopping_restores_the_best_weights() -> None:
    stop = {
        "type": "EarlyStopping",
        "monitor": "val_loss",
        "patience": 1,
        "restore_best_weights": True,
    }
    chosen = with_callback(stop, epochs=9, optimizer={"type": "SGD", "learning_rate": 30.0})

    model, history = trained(chosen, DATA)
    loss = model.evaluate(X, Y, verbose=0)

    assert loss == pytest.approx(min(row["val_loss"] for row in history), rel=1e-4)


def test_plateau_lowers_the_rate_of_the_next_epoch() -> None:
    plateau = {"type": "ReduceLROnPlateau", "monitor": "val_loss", "factor": 0.5, "patience": 1}
    chosen = with_callback(
        {**plateau, "min_delta": 100.0}, epochs=3, optimizer={"type": "SGD", "learning_rate": 0.5}
    )

    _, history = trained(chosen, DATA)

    assert [row["learning_rate"] for row in history] == [0.5, 0.5, 0.25]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_checkpoint_is_a_plain_model_inside_the_run(tmp_path: Path) -> None:
    checkpoint = {"type": "ModelCheckpoint", "filepath": "best.keras", "monitor": "val_loss"}
    layers = [{"type": "Dropout", "rate": 0.5}, DENSE]
    chosen = config(layers, callbacks=(checkpoint,))

    model, _ = trained(chosen, DATA, folder=tmp_path)
    loaded = keras.models.load_model(tmp_path / "best.keras")

    assert type(loaded.layers[0]) is keras.layers.Dropout
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.slow
def test_checkpoint_of_weights_alone_lies_inside_the_run(tmp_path: Path) -> None:
    checkpoint = {
        "type": "ModelCheckpoint",
        "filepath": "best.weights.h5",
        "monitor": "val_loss",
        "save_weights_only": True,
        "save_best_only": True,
    }

    trained(with_callback(checkpoint), DATA, folder=tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["best.weights.h5"]


def test_averaged_weights_are_used_for_validation() -> None:
    averaging = {"type": "SGD", "learning_rate": 1.0, "use_ema": True}
    chosen = with_callback({"type": "SwapEMAWeights"}, optimizer=averaging)

    _, plain = trained(config([DENSE], optimizer=averaging), DATA)
    _, averaged = trained(chosen, DATA)

    assert averaged[0]["loss"] == pytest.approx(plain[0]["loss"])
    assert averaged[0]["val_loss"] != pytest.approx(plain[0]["val_loss"])


def test_tensorboard_writes_its_log_inside_the_run_and_is_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trained(with_callback({"type": "TensorBoard"}, epochs=2), DATA, folder=tmp_path)

    assert list(tmp_path.rglob("events.out.tfevents.*"))
    assert capfd.readouterr().err == ""


def test_a_missing_package_is_told_at_the_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "find_spec", lambda name: None)

    with pytest.raises(Findings) as caught:
        setup.check_packages(with_callback({"type": "TensorBoard"}))

    (finding,) = caught.value.findings
    assert finding.path == ("training", "callbacks", 0)
    assert finding.message == "TensorBoard needs the package tensorboard, which is not installed"
    assert finding.hint == "pip install 'dl-keras[tensorboard]', or leave the callback out"
