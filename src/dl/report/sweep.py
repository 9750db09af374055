"""The pictures of a sweep: what it reached over time, and by which settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dl.report import drawing, png
from dl.report.axes import Axis, coordinates
from dl.report.charts import SweepFacts, objective_chart, sweep_facts
from dl.sweeps.results import Results
from dl.text import percent, shortened
from dl.vocabulary.labels import column_label

_WIDTH = 7.4
# As many curves as there are dashes that can be told apart in grey.
_MOST_NAMED = 5
_DASHES: Sequence[Any] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_AXIS_WIDTH = 1.7
# A picture of more is wider than a screen.
_MOST_AXES = 9
# By so much the lines of the worst and of the best trial are apart, to be seen side by side.
_SPREAD = 0.05


def draw_sweep(folder: Path, results: Results) -> None:
    """Draws the pictures of a sweep."""
    draw(folder, sweep_facts(results))


def draw(folder: Path, sweep: SweepFacts) -> list[Path]:
    """Draws every picture that applies to the sweep, none before a setting has a result."""
    none = [(file, lambda _: None) for file, _ in SWEEP_PLOTS]
    return png.draw(folder, SWEEP_PLOTS if sweep.ranked else none, sweep)


def _objective(sweep: SweepFacts) -> Figure:
    texts = (f"{sweep.name}: objective over time", "", "")
    sheet, [axes] = drawing.chart_sheet([objective_chart(sweep)], 1, (_WIDTH, 3.4), texts, [""])
    png.add_legend(sheet, *axes.get_legend_handles_labels())
    return sheet.figure


def _curves(sweep: SweepFacts) -> Figure:
    """Returns the learning curves of all trials; those of the best ones stand out."""
    title = f"{sweep.name}: learning curves of {len(sweep.trials)} trials"
    note = "First training of each setting. Coloured are the best ones, the best is the thickest."
    sheet, [axes] = png.panel_sheet(1, 1, (_WIDTH, 4.0), (title, "", note))
    ranks = {trial.trial: rank for rank, trial in enumerate(sweep.ranked[:_MOST_NAMED])}
    for trial in sorted(sweep.trials, key=lambda t: -ranks.get(t.trial, _MOST_NAMED)):
        rank = ranks.get(trial.trial)
        look: dict[str, Any] = {"color": png.GREY, "alpha": 0.35, "linewidth": 0.8}
        if rank is not None:
            look = {"color": png.BLUE if rank else png.ORANGE, "label": f"trial {trial.trial}"}
            look |= {"linestyle": _DASHES[rank], "linewidth": 2.2 - 0.3 * rank}
        marker = "." if len(trial.curve) == 1 else None
        axes.plot(range(1, len(trial.curve) + 1), trial.curve, marker=marker, **look)
    axes.set_xlabel("epoch")
    axes.set_ylabel(shortened(column_label(sweep.metric), 32))
    drawing.set_epochs(axes, 1, max(1, *(len(trial.curve) for trial in sweep.trials)))
    lines, labels = axes.get_legend_handles_labels()
    png.add_legend(sheet, lines[::-1], labels[::-1])
    return sheet.figure


def _importance(sweep: SweepFacts) -> Figure | None:
    """Returns a bar for each parameter; None where there is nothing to compare."""
    if not sweep.importance or len(sweep.importance) < 2:
        return None
    fractions = sorted(sweep.importance.items(), key=lambda item: item[1])
    metric = shortened(column_label(sweep.metric), 32)
    texts = (
        f"{sweep.name}: importance of the parameters",
        f"fraction of the differences in {metric} that each explains",
        "By fANOVA: it holds for these values, and says little where there are few trials.",
    )
    sheet, [axes] = png.panel_sheet(1, 1, (_WIDTH, 0.8 + 0.36 * len(fractions)), texts)
    names = [shortened(path, 40) for path, _ in fractions]
    places = range(len(names))
    bars = axes.barh(places, [fraction for _, fraction in fractions], color=png.BLUE, height=0.6)
    axes.bar_label(bars, [percent(fraction) for _, fraction in fractions], padding=4, fontsize=8)
    axes.set_yticks(places, names)
    axes.set_xlim(0, 1.08)
    axes.set_xticks(np.linspace(0, 1, 6), [percent(fraction) for fraction in np.linspace(0, 1, 6)])
    axes.grid(axis="y", visible=False)
    return sheet.figure


def _coordinates(sweep: SweepFacts) -> Figure | None:
    """Returns an axis for each parameter, a line for each trial; None where none has two values."""
    *parameters, objective = coordinates(sweep)
    if not parameters:
        return None
    shown = [*parameters[:_MOST_AXES], objective]
    texts = (
        f"{sweep.name}: settings and what they reached",
        "",
        f"A line is a trial; the better its {objective.title}, the darker. The best one is orange. "
        "A line has a gap where a parameter is not used.",
    )
    width = max(6.0, _AXIS_WIDTH * len(shown) + 0.6)
    sheet, [axes] = png.panel_sheet(1, 1, (width, 4.2), texts)
    for place, axis in enumerate(shown):
        _draw_axis(axes, place, axis)
    _draw_lines(axes, sweep, shown)
    axes.set_xlim(-0.25, len(shown) - 0.55)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    axes.set_xticks(range(len(shown)), [shortened(axis.title, 20) for axis in shown])
    axes.xaxis.tick_top()
    png.without_frame(axes)
    return sheet.figure


def _draw_axis(axes: png.Axes, place: int, axis: Axis) -> None:
    axes.plot([place, place], [0, 1], color=png.GREY, linewidth=0.9, zorder=3)
    for height, text in axis.ticks:
        axes.plot([place - 0.02, place + 0.02], [height, height], color=png.GREY, zorder=3)
        axes.text(
            place + 0.05,
            height,
            shortened(text, 14),
            va="center",
            fontsize=png.SMALL,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8},
        )


def _draw_lines(axes: png.Axes, sweep: SweepFacts, shown: Sequence[Axis]) -> None:
    ranks = {trial.trial: rank for rank, trial in enumerate(sweep.ranked[::-1])}
    best = sweep.ranked[0]
    for at, trial in enumerate(sweep.trials):
        rank = ranks.get(trial.trial, 0)  # what was pruned counts as the worst
        fraction = rank / max(1, len(ranks) - 1)
        # Equal choices are apart by a little, so that lines through them can be followed.
        apart = _SPREAD * (fraction - 0.5)
        line = [
            math.nan
            if (place := axis.places[at]) is None
            else place + apart * (axis.scale == "choices")
            for axis in shown
        ]
        look: dict[str, Any] = {"color": png.BLUES(fraction), "linewidth": 0.9, "alpha": 0.8}
        look["zorder"] = 1 + rank / len(sweep.trials)
        if trial is best:
            look = {"color": png.ORANGE, "linewidth": 2.2, "alpha": 1.0, "zorder": 2.5}
        axes.plot(range(len(line)), line, **look)


SWEEP_PLOTS: tuple[tuple[str, png.Build[SweepFacts]], ...] = (
    ("objective.png", _objective),
    ("learning_curves.png", _curves),
    ("importance.png", _importance),
    ("parallel_coordinates.png", _coordinates),
)
