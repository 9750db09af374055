from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dl.data.plane import plane_of
from dl.data.types import DataInfo


def info(*features: str, shape: tuple[int, ...] = (2,)) -> DataInfo:
    return DataInfo("binary", shape, ("y",), ("a", "b"), features, image=False, pixel_max=1.0)


def numeric(center: float = 0.0, spread: float = 1.0) -> dict[str, Any]:
    return {"kind": "numeric", "center": center, "spread": spread}


def test_a_plane_is_in_the_unit_of_the_data() -> None:
    learned = {"features": [numeric(100, 10), numeric(0.5, 0.1)]}
    x = np.array([[-1, 0], [1, 2]], np.float32)

    plane = plane_of(learned, info("area", "age"), x)

    assert plane is not None
    assert plane.names == ("area", "age")
    assert plane.original(x) == pytest.approx(np.array([[90, 0.5], [110, 0.7]]))
    assert plane.low == pytest.approx((88.4, 0.484))
    assert plane.high == pytest.approx((111.6, 0.716))


def test_a_grid_is_scaled_as_the_rows_are() -> None:
    learned = {"features": [numeric(100, 10), numeric(0.5, 0.1)]}
    plane = plane_of(learned, info("area", "age"), np.array([[-1.0, -1.0], [1.0, 1.0]]))

    assert plane is not None
    grid = plane.grid(2)

    edge = 1.16
    assert grid == pytest.approx(
        np.array([[-edge, -edge], [edge, -edge], [-edge, edge], [edge, edge]])
    )


def test_an_array_of_two_columns_is_a_plane() -> None:
    feature = {
        "kind": "array",
        "dtype": "float32",
        "scale": 2.0,
        "center": [1, 2],
        "spread": [4, 5],
    }

    plane = plane_of({"features": [feature]}, info(), np.array([[0.0, 0.0], [1.0, 1.0]]))

    assert plane is not None
    assert plane.names == ("x1", "x2")
    assert plane.original(np.zeros((1, 2))) == pytest.approx(np.array([[2, 4]]))
    assert plane.original(np.ones((1, 2))) == pytest.approx(np.array([[10, 14]]))


def test_a_column_of_one_value_has_room_around_it() -> None:
    plane = plane_of({"features": [numeric(), numeric()]}, info("a", "b"), np.zeros((3, 2)))

    assert plane is not None
    assert (plane.low, plane.high) == ((-1.0, -1.0), (1.0, 1.0))


@pytest.mark.parametrize(
    ("features", "shape"),
    [
        ([numeric(), numeric(), numeric()], (3,)),
        ([{"kind": "one_hot", "values": ["a", "b"]}], (2,)),
        ([{"kind": "array", "dtype": "int32", "scale": 1.0, "center": [], "spread": []}], (2,)),
    ],
    ids=["three columns", "a category of two values", "an array of token ids"],
)
def test_other_inputs_are_no_plane(features: list[Any], shape: tuple[int, ...]) -> None:
    names = [f"f{index}" for index in range(shape[0])]

    assert plane_of({"features": features}, info(*names, shape=shape), np.zeros((1, 2))) is None
