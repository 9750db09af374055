"""Pictures of targets at places, and of inputs that came back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

from dl.report import mosaic, png
from dl.report.facts import Pictures, RunFacts

RANDOM = np.random.default_rng(4)
GRID = (4, 5)
TRUE = RANDOM.integers(0, 3, 9 * 20)
SAID = np.where(RANDOM.random(9 * 20) < 0.3, RANDOM.integers(0, 3, 9 * 20), TRUE)
MASKS = RunFacts(
    name="pets/0001",
    history=[],
    task="multiclass",
    classes=("ground", "pet", "border"),
    true=TRUE,
    predicted=SAID,
    places=20,
    grid=GRID,
    inputs=Pictures(RANDOM.random((9, *GRID, 3)), 1.0),
)
STEPS = RunFacts(
    name="sums/0001",
    history=[],
    task="multiclass",
    classes=("ground", "pet", "border"),
    true=TRUE,
    predicted=SAID,
    places=20,
    grid=(20,),
)
VALUES = RANDOM.random((9, 20))
BACK = RunFacts(
    name="digits/0001",
    history=[],
    task="regression",
    true=VALUES.reshape(-1, 1),
    predicted=VALUES.reshape(-1, 1) / 2,
    places=20,
    grid=GRID,
    errors=(VALUES**2 / 4).mean(axis=1),
    limit=0.09,
)


def test_iou_is_that_of_scikit_learn_the_worst_first() -> None:
    found = mosaic.ious(MASKS)
    each = jaccard_score(TRUE, SAID, average=None)
    assert found == pytest.approx(dict(zip(MASKS.classes, each, strict=True)))
    assert list(found.values()) == sorted(found.values())


def test_pixels_that_do_not_count_are_in_no_iou() -> None:
    from dataclasses import replace

    weights = (RANDOM.random(len(TRUE)) < 0.7) * 1.25
    found = mosaic.ious(replace(MASKS, weights=weights))
    each = jaccard_score(TRUE, SAID, average=None, sample_weight=weights)
    assert found == pytest.approx(dict(zip(MASKS.classes, each, strict=True)))


@pytest.mark.parametrize(
    ("run", "files"),
    [
        (MASKS, ["masks.png", "iou.png"]),
        (STEPS, ["steps.png"]),
        (BACK, ["reconstructions.png", "errors.png"]),
    ],
)
def test_each_kind_has_its_pictures(run: RunFacts, files: list[str], tmp_path: Path) -> None:
    names = ("masks", "iou", "steps", "reconstructions", "errors")
    plots = [(f"{name}.png", getattr(mosaic, name)) for name in names]
    assert [path.name for path in png.draw(tmp_path, plots, run)] == files


def test_histogram_counts_every_row_and_marks_the_limit() -> None:
    with png.applied():
        figure = mosaic.errors(BACK)
    assert figure is not None
    (axes,) = figure.axes
    assert sum(bar.get_height() for bar in axes.patches) == 9
    assert BACK.errors is not None
    above = int((BACK.errors > 0.09).sum())
    assert f"{above} unusual" in figure.texts[1].get_text()
