"""A frozen front that is run once: the same training, whatever stands behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.model.build import build_model
from dl.progress import SilentReporter
from dl.rundir.folders import create_run
from dl.training import checkpoint as checkpoint_module
from dl.training import front as front_module
from dl.training.checkpoint import Checkpoints, last_checkpoint
from dl.training.fit import fit
from dl.training.front import first_front, learner_of
from dl.vocabulary.spec import Findings
from support.training import DENSE, config, dataset, inputs, labels, part, ready, trained

FROZEN = {"type": "Dense", "units": 6, "activation": "tanh", "trainable": False}
STEADY = {"type": "BatchNormalization", "trainable": False}
CASES: dict[str, list[Any]] = {
    "dense": [FROZEN, DENSE],
    "several": [{"type": "Rescaling", "scale": 0.5}, FROZEN, STEADY, {"type": "Flatten"}, DENSE],
    "dropout behind it": [FROZEN, {"type": "Dropout", "rate": 0.3}, DENSE],
    "regularized": [FROZEN, {**DENSE, "kernel_regularizer": {"type": "L2", "l2": 0.01}}],
}


def chosen(layers: list[Any], front: str = "once", **training: Any) -> Config:
    return config(layers, engine={"compile": False, "front": front}, **training)


def data() -> Dataset:
    x, y = inputs(14, 5), labels(14)
    return dataset(x, y, validation=part(x[:6] + 1, y[:6]))


def outcome(layers: list[Any], front: str, **training: Any) -> tuple[list[Array], list[Any]]:
    """Returns all weights after a training, and its history without the seconds."""
    model, history = trained(chosen(layers, front, **training), data())
    return model.get_weights(), [{**row, "seconds": 0} for row in history]


@pytest.mark.parametrize("case", CASES)
def test_a_front_that_is_run_once_changes_nothing(case: str) -> None:
    once, history = outcome(CASES[case], "once", epochs=3, metrics=("accuracy",))
    each, expected = outcome(CASES[case], "each_step", epochs=3, metrics=("accuracy",))

    for ours, theirs in zip(once, each, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    for row, other in zip(history, expected, strict=True):
        assert row == pytest.approx(other, rel=1e-5)


def test_phases_train_on_features_as_long_as_the_first_layers_are_frozen() -> None:
    first = {"type": "Dense", "units": 6, "activation": "tanh", "name": "first"}
    phases = ({"epochs": 2, "freeze": ["first"]}, {"epochs": 2, "learning_rate": 0.01})
    training = {"phases": phases}

    once, history = outcome([first, DENSE], "once", **training)
    each, expected = outcome([first, DENSE], "each_step", **training)

    assert [row["phase"] for row in history] == [1, 1, 2, 2]
    for ours, theirs in zip(once, each, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert history[-1] == pytest.approx(expected[-1], rel=1e-5)


def test_features_that_do_not_fit_into_memory_lie_on_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config_, rows = chosen([FROZEN, DENSE]), data()
    prepared = ready(config_, rows)
    in_memory = learner_of(prepared, config_.phases[0], SilentReporter()).dataset
    monkeypatch.setattr(front_module, "memory_budget", lambda _: 0)

    again = ready(config_, rows)
    on_disk = learner_of(again, config_.phases[0], SilentReporter()).dataset

    assert not isinstance(on_disk.train.x, np.ndarray)
    assert (in_memory.storage.streamed, on_disk.storage.streamed) == (False, True)
    assert np.array_equal(on_disk.train.x[:], in_memory.train.x)
    assert on_disk.validation is not None
    assert on_disk.validation.x.shape == (6, 6)
    streamed, _ = outcome([FROZEN, DENSE], "once")
    monkeypatch.undo()
    assert all(map(np.array_equal, streamed, outcome([FROZEN, DENSE], "once")[0]))


def test_features_are_kept_as_long_as_the_front_has_its_weights() -> None:
    prepared = ready(chosen([FROZEN, DENSE]), data())
    plan = prepared.config.phases[0]
    first = learner_of(prepared, plan, SilentReporter())
    again = learner_of(prepared, plan, SilentReporter())
    prepared.model.layers[0].kernel.assign(prepared.model.layers[0].kernel + 1)

    other = learner_of(prepared, plan, SilentReporter())

    assert again.dataset is first.dataset
    assert again.model is first.model
    assert other.dataset is not first.dataset


@pytest.mark.parametrize(
    ("layer", "length"),
    [
        (FROZEN, 1),
        ({"type": "BatchNormalization", "trainable": False}, 1),
        ({"type": "BatchNormalization", "center": False, "scale": False}, 0),
        ({"type": "Dropout", "rate": 0.1}, 0),
        ({"type": "GaussianNoise", "stddev": 0.1}, 0),
        ({"type": "Dense", "units": 5}, 0),
        ({**FROZEN, "activity_regularizer": "L2"}, 0),
        ({"type": "SpectralNormalization", "layer": FROZEN, "trainable": False}, 0),
        ({"type": "Masking"}, 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_only_layers_that_give_the_same_in_each_epoch_are_in_the_front(
    layer: dict[str, Any], length: int
) -> None:
    shape = (5, 4) if layer["type"] == "Masking" else (5,)
    model = build_model(chosen([layer, FROZEN, DENSE]), shape)

    assert (front_module.front_length(model, chosen([DENSE])) > 0) == (length > 0)


def test_a_front_is_run_once_by_itself_only_where_it_has_a_base() -> None:
    small = {"type": "MobileNetV3Small", "alpha": 0.35, "minimalistic": True, "weights": "none"}
    frozen = {**small, "trainable": False, "pooling": "avg"}
    model = build_model(config([frozen, DENSE]), (32, 32, 3))
    dense = build_model(config([FROZEN, DENSE]), (5,))

    assert first_front(model, chosen([DENSE], "auto")) == 1
    assert first_front(model, chosen([DENSE], "auto", epochs=1)) == 0
    assert first_front(dense, chosen([DENSE], "auto")) == 0
    assert first_front(model, chosen([DENSE], "each_step")) == 0


def test_a_front_that_is_asked_for_and_not_there_is_refused() -> None:
    trained_first = {"type": "Dense", "units": 4, "name": "first"}
    model = build_model(chosen([trained_first, DENSE]), (5,))

    with pytest.raises(Findings) as caught:
        first_front(model, chosen([trained_first, DENSE]))

    (found,) = caught.value.findings
    assert (found.path, found.message, found.found) == (
        ("engine", "front"),
        "is once, but no frozen layers come first",
        "first, which is trained",
    )


def test_a_training_on_features_that_was_stopped_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_module, "LEAST_PAUSE", 0.0)
    monkeypatch.setattr(checkpoint_module, "SHARE", 0)
    layers = [FROZEN, {"type": "Dropout", "rate": 0.3}, DENSE]
    with create_run(tmp_path, "case", {"config.yaml": b""}) as run:

        def train(looks: int) -> tuple[list[Any], list[Array]]:
            left = iter(range(looks))
            checkpoints = Checkpoints(run, {}, last_checkpoint(run, SilentReporter()))
            prepared = ready(chosen(layers, epochs=4), data())
            history = fit(
                prepared,
                SilentReporter(),
                checkpoints.see,
                should_stop=lambda: next(left, None) is None,
                checkpoints=checkpoints,
            )
            checkpoints.write()
            return [{**row, "seconds": 0} for row in history], prepared.model.get_weights()

        stopped, _ = train(8)
        resumed, weights = train(1000)

    expected, whole = outcome(layers, "once", epochs=4)
    assert 0 < len(stopped) < 4
    assert resumed == whole
    assert all(map(np.array_equal, weights, expected))
