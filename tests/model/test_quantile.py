"""The pinball loss is scikit-learn's, and what it learns is the quantile."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from dl.config.schema import with_steps
from dl.model.saving import save_model
from dl.predict.evaluate import evaluate
from support.training import built, config, dataset, inputs, number_target, trained

Y = np.random.default_rng(1).gamma(2, 10, (60, 1)).astype("float32")
UNIT = {"type": "Dense", "units": 1, "kernel_initializer": "zeros", "name": "unit"}


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_loss_is_that_of_scikit_learn(quantile: float) -> None:
    chosen = config([UNIT], loss={"type": "pinball", "quantile": quantile})
    data = dataset(inputs(60, 2), Y, number_target())
    model = built(chosen, data)
    for answer in (0.0, 15.0, 60.0):
        model.layers[-1].bias.assign([answer])
        expected = mean_pinball_loss(Y, np.full_like(Y, answer), alpha=quantile)
        found = evaluate(model, data.train, chosen)["loss"]
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_it_learns_the_quantile_and_keras_opens_it(tmp_path: Path) -> None:
    chosen = config(
        [UNIT],
        loss={"type": "quantile", "quantile": 0.9},
        optimizer={"type": "SGD", "learning_rate": {"type": "OneCycle", "max_learning_rate": 10.0}},
        batch_size="full",
        epochs=400,
    )
    data = dataset(np.zeros((60, 2), "float32"), Y, number_target())
    model, _ = trained(with_steps(chosen, 60), data)
    answer = float(model.layers[-1].bias.numpy()[0])
    below = float((answer > Y).mean())
    assert below == pytest.approx(0.9, abs=0.02)
    path = tmp_path / "model.h5"
    save_model(model, path)
    loaded = keras.models.load_model(path)
    assert loaded.layers[-1].bias.numpy()[0] == answer
