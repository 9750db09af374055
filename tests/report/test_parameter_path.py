"""The picture of the way of bias and weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dl.report.plots import parameter_path as build
from dl.report.png import applied
from support.pictures import regressed, walked


def test_path_begins_and_ends_where_the_parameters_did() -> None:
    with applied():
        figure = build(walked())
    assert figure is not None
    path, start, end, least = figure.axes[0].lines
    assert path.get_xydata().tolist() == [[0, 1], [3, 2], [4, 3]]
    assert [line.get_xydata().tolist() for line in (start, end, least)] == [
        [[0, 1]],
        [[4, 3]],
        [[4, 3]],
    ]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (0, "found at once, without steps; loss of 30 training rows"),
        (1, "a point after each step, 2 in all; loss of 30 training rows"),
        (250, "a point after every 250 steps, 2 in all; loss of 30 training rows"),
    ],
)
def test_picture_says_how_often_the_path_has_a_point(steps: int, words: str) -> None:
    with applied():
        figure = build(walked(steps))
    assert figure is not None
    assert words in [text.get_text() for text in figure.texts]


def test_flat_loss_has_no_contours() -> None:
    run = walked()
    assert run.path is not None
    flat = replace(run, path=replace(run.path, loss=np.ones_like(run.path.loss), least=None))
    with applied():
        figure = build(flat)
    assert figure is not None
    assert not figure.axes[0].collections


def test_other_networks_have_no_path() -> None:
    assert build(regressed()) is None
