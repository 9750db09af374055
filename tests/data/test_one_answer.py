"""A model that says the same of every row is told of, whatever its accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dl.data.predictions import Predictions, answers, one_answer
from dl.data.target import Target

BINARY = Target("binary", ("y",), "single", ("no", "yes"), ("no", "yes"), 1, probabilities=True)
MULTICLASS = Target("multiclass", ("y",), "labels", ("a", "b", "c"), ("a", "b", "c"), 3)
LABELS = Target("multilabel", ("p", "q"), "multilabel", ("p", "q"), ("p", "q"), 2)
NUMBERS = Target("regression", ("y",), "numbers", units=1, center=(0.0,), spread=(1.0,))


def said(target: Target, y: Any, outputs: Any, part: str = "test") -> str:
    rows = Predictions(part, np.array(y, np.float32), np.array(outputs, np.float32))
    return one_answer((rows.part, answers(rows.y, rows.outputs, target)), target)


def test_commonest_class_for_every_row_is_told_with_its_share() -> None:
    y = [[1]] * 9 + [[0]] * 31
    assert said(BINARY, y, [[0.2]] * 40) == (
        "always answers `no`, for each of 40 rows of the test part: the accuracy 0.775 is the "
        "fraction of the most frequent class"
    )


def test_another_class_for_every_row_is_told_too() -> None:
    y = [0] * 6 + [1] * 3 + [2]
    assert said(MULTICLASS, y, [[0, 1, 0]] * 10, "validation") == (
        "always answers `b`, for each of 10 rows of the validation part: the accuracy 0.300 is "
        "the fraction of that class"
    )


def test_labels_that_never_change_are_told() -> None:
    y = [[0, 1], [1, 0]] * 5
    assert said(LABELS, y, [[0, 0]] * 10) == (
        "always answers no label, for each of 10 rows of the test part"
    )
    assert said(LABELS, y, [[1, 1]] * 10) == (
        "always answers `p` and `q`, for each of 10 rows of the test part"
    )


def test_about_the_mean_for_every_row_is_told() -> None:
    y = np.arange(20.0).reshape(-1, 1)
    assert said(NUMBERS, y, 9.5 + y / 100) == (
        "always answers about 9.595: over 20 rows of the test part the predictions have a "
        "standard deviation of 0.058, the true values one of 5.8"
    )


@pytest.mark.parametrize(
    ("target", "y", "outputs"),
    [
        (BINARY, [[1]] * 9 + [[0]] * 31, [[0.2]] * 39 + [[0.8]]),
        (BINARY, [[0]] * 40, [[0.2]] * 40),
        (BINARY, [[0], [1]] * 4, [[0.2]] * 8),
        (NUMBERS, [[float(i)] for i in range(20)], [[9 + i / 10] for i in range(20)]),
        (NUMBERS, [[2.0]] * 20, [[2.0]] * 20),
        (NUMBERS, [[float(i)] for i in range(20)], [[float("nan")]] * 20),
    ],
    ids=["answers differ", "one class only", "few rows", "numbers differ", "one number", "NaN"],
)
def test_nothing_is_told_of_others(target: Target, y: Any, outputs: Any) -> None:
    assert said(target, y, outputs) == ""


def test_nothing_is_told_where_no_rows_were_kept() -> None:
    assert one_answer(None, BINARY) == ""
