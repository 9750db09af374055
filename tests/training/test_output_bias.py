"""With a first bias from the targets, the first loss is the entropy of their shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

from dl.config.load import load_mapping, load_text
from dl.config.schema import Config, resolved_text
from dl.data.dataset import Dataset
from dl.data.target import Target
from dl.data.types import Array
from dl.predict.evaluate import evaluate
from dl.training.programs import program_key
from dl.training.setup import set_output_bias
from dl.vocabulary.spec import Findings
from support.training import built, class_target, config, dataset, inputs, number_target

ROWS = 40
CLASSES = np.repeat([0, 1, 2], [28, 9, 3]).astype("int32")
WEIGHTS = np.linspace(0.5, 2, ROWS).astype("float32")
TWO = Target("binary", ("label",), "single", ("no", "yes"), ("0", "1"), 1, probabilities=True)
LABELS = (np.random.default_rng(1).random((ROWS, 2)) < [0.1, 0.6]).astype("float32")
SEVERAL = Target("multilabel", ("a", "b"), "multilabel", ("a", "b"), ("a", "b"), 2)
NUMBERS = np.random.default_rng(2).gamma(2, 10, (ROWS, 1)).astype("float32")


def _first(loss: Any, activation: str, data: Dataset, **training: Any) -> tuple[float, Array]:
    """Returns the loss of the first outputs, and the outputs' bias; the weights are 0."""
    units = data.target.units or len(data.target.classes)
    layer = {"type": "Dense", "units": units, "activation": activation}
    layers = [{**layer, "kernel_initializer": "zeros"}]
    chosen = config(layers, loss=loss, output_bias="targets", **training)
    model = built(chosen, data)
    set_output_bias(model, data, chosen)
    return evaluate(model, data.train, chosen)["loss"], model.layers[-1].bias.numpy()


def _rows(y: Array, target: Target, weights: Array | None = None) -> Dataset:
    data = dataset(inputs(ROWS, 2), y, target)
    return replace(data, train=replace(data.train, weights=weights))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("logits", [False, True])
def test_classes_begin_with_their_entropy(weights: Array | None, logits: bool) -> None:
    loss = {"type": "SparseCategoricalCrossentropy", "from_logits": logits}
    data = _rows(CLASSES, class_target(), weights)
    found, bias = _first(loss, "linear" if logits else "softmax", data)
    rows = np.bincount(CLASSES, weights) / (ROWS if weights is None else weights.sum())
    np.testing.assert_allclose(bias, np.log(rows), rtol=1e-5)
    np.testing.assert_allclose(np.exp(bias).sum(), 1, rtol=1e-5)
    said = log_loss(CLASSES, np.tile(rows, (ROWS, 1)), sample_weight=weights)
    # Keras divides by the rows, not by the sum of their weights.
    assert found == pytest.approx(said * (1 if weights is None else weights.mean()), rel=1e-4)
    assert weights is not None or found == pytest.approx(-(rows * np.log(rows)).sum(), rel=1e-4)


def test_two_classes_and_labels_begin_with_their_log_odds() -> None:
    rare = (CLASSES == 2).astype("float32").reshape(-1, 1)
    found, bias = _first("binary_crossentropy", "sigmoid", _rows(rare, TWO))
    share = 3 / 40
    assert bias == pytest.approx([np.log(share / (1 - share))])
    assert found == pytest.approx(log_loss(rare, np.full(ROWS, share)), rel=1e-5)

    found, bias = _first("binary_crossentropy", "sigmoid", _rows(LABELS, SEVERAL))
    shares = LABELS.mean(axis=0)
    assert bias == pytest.approx(np.log(shares / (1 - shares)), rel=1e-5)
    said = [log_loss(LABELS[:, i], np.full(ROWS, shares[i])) for i in range(2)]
    assert found == pytest.approx(np.mean(said), rel=1e-5)


def test_class_weights_count_and_an_absent_class_is_half_a_row() -> None:
    given = {"class_weight": {"a": 1.0, "b": 2.0, "c": 4.0}}
    _, bias = _first(
        "sparse_categorical_crossentropy", "softmax", _rows(CLASSES, class_target()), **given
    )
    rows = np.array([28, 18, 12])
    np.testing.assert_allclose(bias, np.log(rows / rows.sum()), rtol=1e-5)
    without = np.minimum(CLASSES, 1)
    _, bias = _first("sparse_categorical_crossentropy", "softmax", _rows(without, class_target()))
    np.testing.assert_allclose(np.exp(bias), [28 / 40, 12 / 40, 0.5 / 40], rtol=1e-5)


def test_numbers_begin_with_what_the_loss_is_least_for() -> None:
    scaled = number_target(scaling="standardize", center=(5.0,), spread=(2.0,))
    found, bias = _first("mse", "linear", _rows(NUMBERS, scaled))
    assert bias == pytest.approx([NUMBERS.mean()], rel=1e-5)
    assert found == pytest.approx(NUMBERS.var(), rel=1e-5)
    found, bias = _first("mae", "linear", _rows(NUMBERS, scaled))
    assert bias == pytest.approx([np.median(NUMBERS)], rel=1e-5)
    assert found == pytest.approx(np.abs(NUMBERS - np.median(NUMBERS)).mean(), rel=1e-5)


def test_outputs_of_another_shape_are_refused_and_sweeps_share_the_model() -> None:
    layers = [{"type": "Dense", "units": 6}, {"type": "Reshape", "target_shape": [2, 3]}]
    chosen: Config = config([*layers, {"type": "Softmax"}], output_bias="targets")
    y = np.zeros((ROWS, 2), "int32")
    data = _rows(y, replace(class_target(), places=(2,)))
    with pytest.raises(Findings) as caught:
        set_output_bias(built(chosen, data), data, chosen)
    (finding,) = caught.value.findings
    assert (finding.path, finding.found) == (
        ("training", "output_bias"),
        "a bias of the shape (6,)",
    )
    assert program_key(chosen) == program_key(config([*layers, {"type": "Softmax"}]))


def test_a_resolved_config_says_the_same() -> None:
    loaded = load_mapping(
        {
            "name": "case",
            "data": {"source": "builtin", "dataset": "iris"},
            "model": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
            "training": {"loss": "sparse_categorical_crossentropy", "output_bias": "targets"},
        }
    )
    text = resolved_text(loaded.config)
    assert "bias_initializer: Zeros" in text
    assert load_text(Path("resolved.yaml"), text.encode()).config == loaded.config
