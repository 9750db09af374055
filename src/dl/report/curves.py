"""`learning_curves.png`: loss, metrics and learning rate, epoch by epoch."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from dl.report import style
from dl.report.history import (
    VALIDATION,
    History,
    Series,
    best_epoch,
    measures,
    series,
    value_at,
    wants_log,
)
from dl.report.input import PlotInput
from dl.report.style import Axes, Sheet
from dl.text import number, shortened

_PANEL = (3.7, 2.75)
_MOST_MARKED_EPOCHS = 25
_MOST_TICKED_EPOCHS = 10


@dataclass(frozen=True, slots=True)
class _Look:
    label: str
    colour: str
    dashes: str
    marker: str


_TRAINING = _Look("training", style.BLUE, "-", "o")
_VALIDATION = _Look("validation", style.ORANGE, "--", "s")
_RATE = _Look("learning rate", style.GREY, "-", "o")


def build(run: PlotInput) -> Figure | None:
    """Returns a panel for the loss, for each metric, and for the learning rate if it changes."""
    names = measures(run.history)
    if not names:
        return None
    rate = series(run.history, "learning_rate")
    shows_rate = len(set(rate.values)) > 1
    best = best_epoch(run.history)
    sheet, panels = _grid(run, len(names) + shows_rate, best)
    for axes, name in zip(panels, names, strict=False):
        _draw_measure(axes, run, name, best)
    if shows_rate:
        _draw_rate(panels[-1], rate)
    for axes in panels:
        _set_epochs(axes, run.history)
    style.add_legend(sheet, *panels[0].get_legend_handles_labels())
    return sheet.figure


def _grid(run: PlotInput, count: int, best: int | None) -> tuple[Sheet, list[Axes]]:
    columns = 2 if count in (2, 4) else min(count, 3)
    rows = math.ceil(count / columns)
    width, height = _PANEL
    sheet = style.new_sheet(
        max(5.5, columns * width),
        rows * height,
        f"{run.name}: learning curves",
        "",
        _note(run.history, best),
    )
    panels = [axes for row in style.add_panels(sheet, rows, columns) for axes in row]
    for spare in panels[count:]:
        spare.remove()
    return sheet, panels[:count]


def _draw_measure(axes: Axes, run: PlotInput, name: str, best: int | None) -> None:
    training = series(run.history, name)
    validation = series(run.history, VALIDATION + name)
    for shown, look in ((training, _TRAINING), (validation, _VALIDATION)):
        _draw_series(axes, shown, look, best)
    if best is not None and len(run.history) > 1:
        axes.axvline(best, color=style.GREY, linewidth=0.9, linestyle=":", zorder=1)
    axes.set_title(shortened(name.replace("_", " "), 28))
    axes.set_ylabel(_axis_name(run, name))
    _set_values(axes, training.finite + validation.finite)
    _note_not_finite(axes, training, validation)


def _axis_name(run: PlotInput, name: str) -> str:
    known = run.loss if name == "loss" and run.loss else name
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", known.replace("_", " "))
    return shortened(words.lower() if words != known else words, 32)


def _draw_series(axes: Axes, shown: Series, look: _Look, best: int | None) -> None:
    if not shown.values:
        return
    many = len(shown.values) > _MOST_MARKED_EPOCHS
    values = np.where(np.isfinite(shown.values), shown.values, np.nan)
    axes.plot(
        shown.epochs,
        values,
        color=look.colour,
        linestyle=look.dashes,
        linewidth=1.1 if len(shown.values) > 200 else 1.6,
        marker="" if many else look.marker,
        markersize=4 if len(shown.values) > 1 else 7,
        label=look.label,
    )
    at_best = value_at(shown, best)
    if at_best is not None and len(shown.values) > 1:
        axes.plot(
            [best],
            [at_best],
            marker=look.marker,
            markersize=7,
            markerfacecolor="white",
            markeredgecolor=look.colour,
            markeredgewidth=1.6,
            linestyle="none",
            zorder=4,
        )


def _draw_rate(axes: Axes, rate: Series) -> None:
    _draw_series(axes, rate, _RATE, None)
    axes.set_title("learning rate")
    axes.set_ylabel("learning rate")
    _set_values(axes, rate.finite)


def _set_values(axes: Axes, values: list[float]) -> None:
    """Sets the vertical axis: logarithmic if the values span more than two decades."""
    if not values:
        axes.set_yticks([])
        return
    if not wants_log(values):
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(style.tick_number))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(f"{axes.get_ylabel()} (log scale)")


def _note_not_finite(axes: Axes, *parts: Series) -> None:
    """Says in the panel where values are missing because they are NaN or infinite."""
    broken = sorted(
        {
            epoch
            for part in parts
            for epoch, value in zip(part.epochs, part.values, strict=True)
            if not math.isfinite(value)
        }
    )
    if not broken:
        return
    others = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
    axes.plot(
        broken,
        [0.03] * len(broken),
        transform=axes.get_xaxis_transform(),
        linestyle="none",
        marker="x",
        color=style.INK,
        markersize=5,
    )
    style.write_aside(axes, f"\N{MULTIPLICATION SIGN} no finite value: epoch {broken[0]}{others}")


def _set_epochs(axes: Axes, history: History) -> None:
    count = len(history)
    axes.set_xlabel("epoch")
    margin = 0.5 if count < _MOST_TICKED_EPOCHS else 0.02 * count
    axes.set_xlim(1 - margin, count + margin)
    if count <= _MOST_TICKED_EPOCHS:
        axes.set_xticks(range(1, count + 1))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def _note(history: History, best: int | None) -> str:
    if best is None:
        return ""
    part = "validation" if series(history, VALIDATION + "loss").finite else "training"
    column = series(history, VALIDATION + "loss" if part == "validation" else "loss")
    lowest = number(min(column.finite))
    if len(history) == 1:
        return f"{part} loss: {lowest}".capitalize()
    return f"Dotted line, open markers: epoch {best}, with the lowest {part} loss: {lowest}"
