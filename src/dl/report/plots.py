"""The pictures of a run: `draw` makes those that suit its task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dl.data.predictions import ParameterPath
from dl.data.types import Array
from dl.report import drawing, mosaic, png, surface
from dl.report.charts import VALIDATION, best_epoch, learning_charts, rate_chart, series
from dl.report.evaluation import Confusion, Residuals, confusion_of, label_confusion, residuals_of
from dl.report.facts import RunFacts
from dl.report.forecast import forecast_charts
from dl.report.png import Axes
from dl.text import number, percent, plural

_PANEL = (3.7, 2.75)
_WIDE_PANEL = (7.5, 2.6)
# Cells of more classes are too small for two lines of text.
_MOST_WITH_FRACTIONS = 12
_RECALL, _BAR = 1.7, 0.22
# Inches of a letter beside a matrix.
_LETTER = 0.066
_DARK = 0.55
_MOST_COLUMNS = 5
_PATH_LEVELS, _MOST_POINTS_MARKED = 14, 60


Plots = Sequence[tuple[str, png.Build[RunFacts]]]


def draw(folder: Path, run: RunFacts, plots: Plots | None = None) -> list[Path]:
    """Draws every picture, or every one of some, that applies to the run; see `png.draw`."""
    return png.draw(folder, PLOTS if plots is None else plots, run)


def learning_curves(run: RunFacts) -> Figure | None:
    """Returns a panel for the loss, for each metric, and for the learning rate if it changes."""
    charts = learning_charts(run.history, run.loss)
    if not charts:
        return None
    rate = rate_chart(run.history)
    charts += [rate] if rate is not None else []
    columns = 2 if len(charts) in (2, 4) else min(len(charts), 3)
    texts = (f"{run.name}: learning curves", "", _best_note(run))
    sheet, panels = drawing.chart_sheet(charts, columns, _PANEL, texts)
    png.add_legend(sheet, *panels[0].get_legend_handles_labels())
    return sheet.figure


def _best_note(run: RunFacts) -> str:
    best = best_epoch(run.history)
    if best is None:
        return ""
    validation = series(run.history, VALIDATION + "loss").finite
    part = "validation" if validation else "training"
    lowest = number(min(validation or series(run.history, "loss").finite))
    if len(run.history) == 1:
        return f"{part} loss: {lowest}".capitalize()
    return f"Dotted line, open markers: epoch {best}, with the lowest {part} loss: {lowest}"


def confusion_matrix(run: RunFacts) -> Figure | None:
    """Returns the confusion matrix with the recall of each class beside it."""
    matrix = confusion_of(run)
    if matrix is None:
        return None
    count, columns = len(matrix.rows), len(matrix.columns)
    cell = 1.15 if count <= 3 else 0.8 if count <= 5 else 0.56 if count <= 12 else 0.34
    names = _LETTER * max(map(len, matrix.columns))
    turned = names > cell - 0.05
    note = (
        "Blue: right, orange: mistakes; the darker, the greater their fraction of the true class."
    )
    if matrix.left_out:
        whole = count + matrix.left_out
        note += f" Shown are the {count} classes with most mistakes of {whole}."
    sheet = png.new_sheet(
        max(5.6, cell * columns + names + _RECALL + 0.8),
        max(1.6, cell * count) + (names if turned else 0.15) + 0.8,
        f"{run.name}: confusion matrix",
        f"{run.about}, accuracy {matrix.accuracy:.4f}",
        note,
    )
    widths = [cell * columns, _RECALL]
    [[left, right]] = png.add_panels(sheet, 1, 2, sharey=True, width_ratios=widths)
    _draw_cells(left, matrix.counts, matrix.fractions, matrix.right, count <= _MOST_WITH_FRACTIONS)
    left.set_title("counts and row fractions" if count <= _MOST_WITH_FRACTIONS else "counts")
    left.set_xlabel("predicted class")
    left.set_ylabel("true class")
    left.set_xticks(range(columns), matrix.columns, rotation=90 if turned else 0)
    left.set_yticks(range(count), matrix.rows)
    _draw_recall(right, matrix, _BAR / cell)
    return sheet.figure


def _draw_recall(axes: Axes, matrix: Confusion, thick: float) -> None:
    places = range(len(matrix.rows))
    axes.barh(places, np.ones(len(places)), height=thick, color=png.GRID)
    axes.barh(places, [recall or 0.0 for recall in matrix.recall], height=thick, color=png.BLUE)
    for place, recall in enumerate(matrix.recall):
        text = "no rows" if recall is None else f"{recall:.3f}"
        axes.text(1.08, place, text, ha="left", va="center", fontsize=8)
    png.without_frame(axes)
    axes.set_xlim(0, 1.6)
    axes.set_xticks([0, 0.5, 1.0], ["0", "0.5", "1"])
    axes.tick_params(labelleft=False)
    axes.set_title("recall")
    axes.set_xlabel("fraction of class found", loc="left")


def label_matrices(run: RunFacts) -> Figure | None:
    """Returns a two by two matrix for each label, or for those with most mistakes."""
    confusion = label_confusion(run)
    if confusion is None:
        return None
    count = len(confusion.names)
    columns = min(_MOST_COLUMNS, count)
    subtitle = run.about
    if count < confusion.labels:
        subtitle += f", the {count} of {confusion.labels} labels with most mistakes"
    title = f"{run.name}: confusion by label"
    note = f"Counts, and fractions of the {run.counted} with that true value."
    sheet, panels = png.panel_sheet(count, columns, (1.85, 2.15), (title, subtitle, note))
    pairs = zip(panels, confusion.names, confusion.counts, strict=True)
    for place, (axes, name, counts) in enumerate(pairs):
        fractions = counts / np.maximum(counts.sum(axis=1), 1)[:, None]
        _draw_cells(axes, counts, fractions, np.eye(2, dtype=np.bool_), zeros=True)
        axes.set_title(name)
        axes.set_xticks([0, 1], ["no", "yes"])
        axes.set_yticks([0, 1], ["no", "yes"])
        # The axes are named once: at the left of each row, and at the foot of each column.
        axes.set_ylabel("true" if place % columns == 0 else "")
        axes.set_xlabel("predicted" if place + columns >= count else "")
    return sheet.figure


def _draw_cells(
    axes: Axes,
    counts: Array,
    fractions: Array,
    right: Array,
    with_fractions: bool = True,
    *,
    zeros: bool = False,
) -> None:
    """Draws the cells of a matrix: blue for right predictions, orange for mistakes.

    The orange grows with the square root of the fraction, so that rare mistakes stand out as well.

    Args:
        axes: The panel.
        counts: What stands in the cells, shape (rows, columns).
        fractions: Share of the row, from 0 to 1, same shape.
        right: Whether a cell counts right predictions, same shape.
        with_fractions: Whether the fractions stand below the counts.
        zeros: Whether a 0 is written.
    """
    strength = np.where(right, fractions, np.sqrt(fractions))[..., None]
    full = np.where(right[..., None], to_rgb(png.BLUE), to_rgb(png.ORANGE))
    background = 1.0 - strength * (1.0 - full)
    # As bytes: Matplotlib takes three times as long to enlarge an image of floats.
    axes.imshow((255 * background).astype(np.uint8), aspect="auto", interpolation="nearest")
    dark = background @ np.array([0.299, 0.587, 0.114]) < _DARK  # how bright an eye sees a colour
    for (row, column), count in np.ndenumerate(counts):
        if count or zeros:
            axes.text(
                column,
                row,
                f"{count:,}\n{percent(float(fractions[row, column]))}"
                if with_fractions
                else f"{count:,}",
                ha="center",
                va="center",
                fontsize=8.0 if with_fractions else 6.5,
                color="white" if dark[row, column] else png.INK,
                in_layout=False,  # it is inside the panel, whose room need not be measured by it
            )
    png.without_frame(axes)
    rows, columns = counts.shape
    look = {"color": png.GRID, "linewidth": 0.8}
    axes.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, **look)
    axes.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, **look)


def predicted_true(run: RunFacts) -> Figure | None:
    """Returns a panel for each target: predicted against true values, with the identity line."""
    targets = residuals_of(run)
    if not targets:
        return None
    size = 4.6 if len(targets) == 1 else 3.5
    note = _residuals_note(run, targets, "Dashed: a perfect prediction.")
    texts = (f"{run.name}: predicted against true", run.about, note)
    charts = [target.predicted_true() for target in targets]
    columns = min(3, math.ceil(math.sqrt(len(targets))))
    names = [target.name for target in targets]
    return drawing.chart_sheet(charts, columns, (size, size), texts, names)[0].figure


def residuals(run: RunFacts) -> Figure | None:
    """Returns two panels for each target: residuals by prediction, and their distribution."""
    targets = residuals_of(run)
    if not targets:
        return None
    sheet = png.new_sheet(
        8.0,
        (3.1 if len(targets) == 1 else 2.5) * len(targets),
        f"{run.name}: residuals",
        run.about,
        _residuals_note(run, targets, "Residual: predicted minus true."),
    )
    grid = png.add_panels(sheet, len(targets), 2, width_ratios=[2.2, 1], sharey="row")
    for (left, right), target in zip(grid, targets, strict=True):
        drawing.draw_chart(left, target.by_prediction(), target.name)
        drawing.draw_chart(right, target.distribution(), "distribution", sideways=True)
        right.set_ylabel("")
    return sheet.figure


def forecasts(run: RunFacts) -> Figure | None:
    """Returns the forecasts of a series beside what came, and their error by step."""
    charts = forecast_charts(run)
    if not charts:
        return None
    note = " ".join(dict.fromkeys(chart.note for chart in charts if chart.note))
    texts = (f"{run.name}: forecasts", run.about, note)
    sheet, panels = drawing.chart_sheet(charts, 1, _WIDE_PANEL, texts)
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        # Above the panel, beside its title: there it hides no forecast.
        beside = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": len(labels)}
        axes.legend(handles, labels, **beside, borderaxespad=0.1)
    return sheet.figure


def _residuals_note(run: RunFacts, targets: list[Residuals], meaning: str) -> str:
    left_out = len(run.true) - min(len(target.true) for target in targets)
    text, noun = meaning, run.counted.removesuffix("s")
    count = run.true.shape[1]
    if len(targets) < count:
        text += f" Shown are the first {len(targets)} of {count} targets."
    if left_out:
        text += f" Left out: {plural(left_out, noun)} without a finite value."
    if any(len(target.true) > png.MOST_POINTS for target in targets):
        text += f" The darker, the more {run.counted}."
    return text


def parameter_path(run: RunFacts) -> Figure | None:
    """Returns the path of a unit with one input over the contours of its loss."""
    path = run.path
    if path is None:
        return None
    every = "each step" if path.steps == 1 else f"every {path.steps:,} steps"
    points = f"a point after {every}, {len(path.points) - 1:,} in all"
    if path.steps == 0:
        points = "found at once, without steps"
    note = f"Circle: the start. Square: the end, at {_place(path.points[-1])}."
    if path.least is None:
        note += " Lighter is a smaller loss."
    else:
        note += f" Cross: the lowest mean squared error, at {_place(path.least)}."
    subtitle = f"{points}; loss of {path.rows:,} training rows"
    sheet = png.new_sheet(5.6, 4.6, f"{run.name}: parameter path", subtitle, note)
    [[axes]] = png.add_panels(sheet, 1, 1)
    _draw_path(axes, path)
    axes.set_xlabel("bias θ\N{SUBSCRIPT ZERO}")
    axes.set_ylabel("weight θ\N{SUBSCRIPT ONE}")
    axes.grid(False)
    return sheet.figure


def _place(point: Sequence[float] | Array) -> str:
    bias, weight = number(float(point[0])), number(float(point[1]))
    return f"θ\N{SUBSCRIPT ZERO} = {bias}, θ\N{SUBSCRIPT ONE} = {weight}"


def _draw_path(axes: Axes, path: ParameterPath) -> None:
    low, high = float(path.loss.min()), float(path.loss.max())
    if high > low:
        # The levels are denser near the least loss, where the surface is flat.
        levels = low + (high - low) * np.linspace(0.02, 1, _PATH_LEVELS) ** 2
        grid = (path.biases, path.weights, path.loss)
        axes.contourf(*grid, levels=[low, *levels], cmap=png.BLUES, alpha=0.35)
        axes.contour(*grid, levels=levels, colors=png.GREY, linewidths=0.5)
    bias, weight = path.points.T
    many = len(path.points) > _MOST_POINTS_MARKED
    look = {"marker": "" if many else "o", "markersize": 3, "linewidth": 0.8 if many else 1.2}
    axes.plot(bias, weight, color=png.ORANGE, zorder=3, **look)
    ends = {"linestyle": "none", "markeredgecolor": png.INK, "zorder": 4}
    axes.plot(bias[0], weight[0], marker="o", markersize=9, color="white", **ends)
    axes.plot(bias[-1], weight[-1], marker="s", markersize=7, color=png.ORANGE, **ends)
    if path.least is not None:
        axes.plot(*path.least, marker="x", markersize=9, markeredgewidth=2, **ends)


PLOTS: Plots = (
    ("learning_curves.png", learning_curves),
    ("confusion_matrix.png", confusion_matrix),
    ("confusion_matrix.png", label_matrices),
    ("predicted_true.png", predicted_true),
    ("residuals.png", residuals),
    ("forecasts.png", forecasts),
    ("parameter_path.png", parameter_path),
    ("boundary.png", surface.picture),
    ("boundary.gif", surface.film),
    ("examples.png", mosaic.examples),
    ("mistakes.png", mosaic.mistakes),
    ("masks.png", mosaic.masks),
    ("iou.png", mosaic.iou),
    ("steps.png", mosaic.steps),
    ("reconstructions.png", mosaic.reconstructions),
    ("errors.png", mosaic.errors),
)
