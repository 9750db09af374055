"""`confusion_matrix.png` for several labels a row: a small matrix of no and yes for each label."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import cells, style
from dl.report.input import PlotInput, as_columns, class_name, describe_part
from dl.report.style import Axes
from dl.text import shortened

MOST_LABELS = 30
_MOST_COLUMNS = 5


def build(run: PlotInput) -> Figure | None:
    """Returns a two by two matrix for each label, or for those with most mistakes."""
    if run.task != "multilabel" or run.y_true is None or run.predictions is None:
        return None
    if not len(run.y_true):
        return None
    true, predicted = as_columns(run.y_true) > 0.5, as_columns(run.predictions) > 0.5
    shown = _most_mistaken(true, predicted)
    columns = min(_MOST_COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    sheet = style.new_sheet(
        max(5.5, 1.75 * columns + 0.5),
        1.95 * rows + 0.3,
        f"{run.name}: confusion by label",
        _subtitle(run, true.shape[1], len(shown)),
        f"Counts, and shares of the {run.counted} with that true value.",
    )
    panels = [axes for row in style.add_panels(sheet, rows, columns) for axes in row]
    for axes, label in zip(panels, shown, strict=False):
        _draw_label(axes, _counts(true[:, label], predicted[:, label]), class_name(run, label))
    for spare in panels[len(shown) :]:
        spare.remove()
    _name_edges(panels[: len(shown)], columns)
    return sheet.figure


def _most_mistaken(true: Array, predicted: Array) -> list[int]:
    mistakes = (true != predicted).sum(axis=0)
    worst = np.argsort(-mistakes, kind="stable")[:MOST_LABELS]
    return [int(label) for label in np.sort(worst)]


def _counts(true: Array, predicted: Array) -> Array:
    pairs = np.bincount(2 * true.astype(np.int64) + predicted, minlength=4)
    return pairs.reshape(2, 2)


def _draw_label(axes: Axes, counts: Array, name: str) -> None:
    shares = counts / np.maximum(counts.sum(axis=1), 1)[:, None]
    background = cells.colours(shares, np.eye(2, dtype=np.bool_))
    axes.imshow(background, interpolation="nearest")
    texts = [
        [f"{n}\n{cells.percent(s)}" for n, s in zip(*pair, strict=True)]
        for pair in zip(counts, shares, strict=True)
    ]
    cells.write_texts(axes, texts, background, 8.0)
    cells.separate(axes, 2, 2)
    axes.set_title(shortened(name, 20))
    axes.set_xticks([0, 1], ["no", "yes"])
    axes.set_yticks([0, 1], ["no", "yes"])


def _name_edges(panels: list[Axes], columns: int) -> None:
    """Names the axes once: at the left of each row, and below the last panel of each column."""
    for place, axes in enumerate(panels):
        if place % columns == 0:
            axes.set_ylabel("true")
        if place + columns >= len(panels):
            axes.set_xlabel("predicted")


def _subtitle(run: PlotInput, labels: int, shown: int) -> str:
    text = describe_part(run)
    return text if shown == labels else f"{text}, the {shown} of {labels} labels with most mistakes"
