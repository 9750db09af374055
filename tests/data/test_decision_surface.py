from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dl.config.data import Split
from dl.data.arrays import ArrayFeature
from dl.data.dataset import Preprocessing
from dl.data.features import CategoricalFeature, Feature, NumericFeature
from dl.data.predictions import input_plane
from dl.data.target import Target


def fitted(*features: Feature | ArrayFeature) -> Preprocessing:
    target = Target("binary", ("y",), "single", ("a", "b"), ("a", "b"))
    return Preprocessing(fingerprint="", split=Split(), features=features, target=target)


def numeric(name: str = "x", center: float = 0.0, spread: float = 1.0) -> Feature:
    return NumericFeature(name, "standardize", center, spread, None)


def array(**given: Any) -> ArrayFeature:
    return ArrayFeature((2,), channel_axis=False, image=False, pixel_max=1.0, **given)


def test_a_plane_is_in_the_unit_of_the_data() -> None:
    known = fitted(numeric("area", 100, 10), numeric("age", 0.5, 0.1))
    x = np.array([[-1, 0], [1, 2]], np.float32)

    plane = input_plane(known, x)

    assert plane is not None
    assert plane.names == ("area", "age")
    assert plane.original(x) == pytest.approx(np.array([[90, 0.5], [110, 0.7]]))
    assert plane.low == pytest.approx((88.4, 0.484))
    assert plane.high == pytest.approx((111.6, 0.716))


def test_a_grid_is_scaled_as_the_rows_are() -> None:
    known = fitted(numeric("area", 100, 10), numeric("age", 0.5, 0.1))
    plane = input_plane(known, np.array([[-1.0, -1.0], [1.0, 1.0]]))

    assert plane is not None
    grid = plane.grid(2)

    edge = 1.16
    assert grid == pytest.approx(
        np.array([[-edge, -edge], [edge, -edge], [-edge, edge], [edge, edge]])
    )


def test_an_array_of_two_columns_is_a_plane() -> None:
    feature = array(
        dtype="float32", scale=2.0, scaling="standardize", center=(1.0, 2.0), spread=(4.0, 5.0)
    )

    plane = input_plane(fitted(feature), np.array([[0.0, 0.0], [1.0, 1.0]]))

    assert plane is not None
    assert plane.names == ("x1", "x2")
    assert plane.original(np.zeros((1, 2))) == pytest.approx(np.array([[2, 4]]))
    assert plane.original(np.ones((1, 2))) == pytest.approx(np.array([[10, 14]]))


def test_a_column_of_one_value_has_room_around_it() -> None:
    plane = input_plane(fitted(numeric("a"), numeric("b")), np.zeros((3, 2)))

    assert plane is not None
    assert (plane.low, plane.high) == ((-1.0, -1.0), (1.0, 1.0))


@pytest.mark.parametrize(
    "features",
    [
        [numeric("a"), numeric("b"), numeric("c")],
        [CategoricalFeature("a", "one_hot", ("a", "b"), "zeros", None)],
        [array(dtype="int32", scale=1.0, scaling="none", center=(), spread=())],
    ],
    ids=["three columns", "a category of two values", "an array of token ids"],
)
def test_other_inputs_are_no_plane(features: list[Any]) -> None:
    known = fitted(*features)
    assert input_plane(known, np.ones((2, *known.input_shape))) is None
