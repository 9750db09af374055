"""Made-up rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_circles, make_moons
from sklearn.linear_model import Perceptron

from dl.config.data import SyntheticData
from dl.data.sources.named import default_noise, default_rows, is_whole_truth, make_synthetic
from dl.data.types import RawArrays
from dl.vocabulary.sections import read_section
from dl.vocabulary.traits import SYNTHETIC


def made(dataset: str, seed: int = 0, **options: float) -> RawArrays:
    data = read_section(SyntheticData, {"source": "synthetic", "dataset": dataset, **options})
    train = make_synthetic(data, seed).train
    assert isinstance(train, RawArrays)
    return train


def targets(rows: RawArrays) -> np.ndarray:
    assert rows.y is not None
    return rows.y


@pytest.mark.parametrize(
    ("gate", "truth"), [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("xor", [0, 1, 1, 0])]
)
def test_gates_are_their_four_corners(gate: str, truth: list[int]) -> None:
    rows = made(gate)
    assert rows.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert targets(rows).tolist() == truth


def test_corners_are_repeated_to_the_rows_with_noise() -> None:
    rows = made("xor", rows=10, noise=0.05)
    assert targets(rows).tolist() == [0, 1, 1, 0] * 2 + [0, 1]
    assert np.abs(rows.x - np.round(rows.x)).max() < 0.3
    assert len(np.unique(rows.x)) > 10


@pytest.mark.parametrize("dataset", SYNTHETIC)
def test_rows_depend_on_the_seed_alone(dataset: str) -> None:
    first, again, other = (made(dataset, seed, rows=50, noise=0.5) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(targets(first), targets(again))
    assert not np.array_equal(first.x, other.x)
    assert first.x.dtype == np.float32


@pytest.mark.parametrize(("dataset", "make"), [("moons", make_moons), ("circles", make_circles)])
@pytest.mark.parametrize("rows", [20, 21])
def test_moons_and_circles_are_those_of_scikit_learn(dataset: str, make: object, rows: int) -> None:
    ours = made(dataset, rows=rows, noise=0.0)
    x, y = make(rows, shuffle=False)  # type: ignore[operator]
    mine = np.column_stack([ours.x, targets(ours)])
    theirs = np.column_stack([x, y])
    order_mine, order_theirs = (np.lexsort(np.round(t, 5).T) for t in (mine, theirs))
    np.testing.assert_allclose(mine[order_mine], theirs[order_theirs], atol=1e-6)


@pytest.mark.parametrize("dataset", ["moons", "circles", "spiral", "blobs"])
def test_classes_have_the_same_share(dataset: str) -> None:
    assert np.bincount(targets(made(dataset, rows=100))).tolist() == [50, 50]


def test_blobs_are_separable_by_a_line() -> None:
    rows = made("blobs")
    assert Perceptron().fit(rows.x, targets(rows)).score(rows.x, targets(rows)) == 1


def test_linear_is_four_plus_three_x() -> None:
    rows = made("linear", noise=0.0)
    np.testing.assert_allclose(targets(rows), 4 + 3 * rows.x[:, 0], rtol=1e-6)
    assert rows.x.min() >= 0
    assert rows.x.max() <= 2


def test_defaults_are_those_of_the_config() -> None:
    data = [SyntheticData(source="synthetic", dataset=name) for name in SYNTHETIC]
    assert [default_rows(one) for one in data] == [4, 4, 4] + [1000] * 5
    assert [default_noise(one) for one in data] == [0, 0, 0, 0.1, 0.1, 0.1, 1, 1]
    assert [is_whole_truth(one) for one in data] == [True] * 3 + [False] * 5


def test_classes_have_names_and_numbers_have_none() -> None:
    xor, line = (SyntheticData(source="synthetic", dataset=name) for name in ("xor", "linear"))
    assert make_synthetic(xor, 0).class_names == ("0", "1")
    assert make_synthetic(line, 0).class_names is None
