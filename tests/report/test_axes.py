"""Axes of any values: where they lie, and which ticks stand beside them."""

from __future__ import annotations

import pytest

from dl.report.axes import axis_of


@pytest.mark.parametrize(
    ("values", "places", "ticks"),
    [
        ([0.0, 0.25, 1.0], [0, 0.25, 1], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ([10, 11, 12], [0, 0.5, 1], ["10", "11", "12"]),
        ([1e-4, 1e-2, 1e-1], [0, 2 / 3, 1], ["0.0001", "0.001", "0.01", "0.1"]),
        ([8, 64, 250], [0, 0.604, 1], ["10", "30", "100"]),
        (["relu", "tanh", "relu"], [0, 1, 0], ["relu", "tanh"]),
        ([True, False], [1, 0], ["false", "true"]),
        ([5.0, None, 5.0], [0.5, None, 0.5], ["5"]),
        ([], [], []),
    ],
    ids=str,
)
def test_values_lie_where_they_are(
    values: list[object], places: list[float | None], ticks: list[str]
) -> None:
    axis = axis_of("x", values)
    assert list(axis.places) == pytest.approx(places, abs=1e-3)
    assert [text for _, text in axis.ticks] == ticks
    assert all(0 <= place <= 1 for place, _ in axis.ticks)


def test_listed_numbers_stand_at_equal_distances() -> None:
    axis = axis_of("units", [128, 16, 32], "choices")
    assert axis.places == (1.0, 0.0, 0.5)
    assert axis.ticks == ((0.0, "16"), (0.5, "32"), (1.0, "128"))


def test_a_range_is_spread_as_its_sweep_says() -> None:
    assert axis_of("x", [1.0, 2.0, 4.0], "log").places == (0.0, 0.5, 1.0)
    assert axis_of("x", [1.0, 2.0, 4.0], "linear").places == pytest.approx((0.0, 1 / 3, 1.0))


def test_of_many_choices_some_have_a_tick() -> None:
    axis = axis_of("name", [f"n{place:02d}" for place in range(40)])
    assert [text for _, text in axis.ticks] == [f"n{place:02d}" for place in range(0, 40, 4)]
