"""The pictures of a sweep: objective over time, learning curves, importance, coordinates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dl.report import style
from dl.report.sweep_coordinates import build_coordinates
from dl.report.sweep_input import SweepInput, Trial
from dl.runs.files import write_bytes
from dl.text import shortened

_WIDTH = 7.4
_MOST_NAMED = 5


def build_objective(sweep: SweepInput) -> Figure:
    """Returns the objective of each trial, in their order, and the best so far."""
    sheet = style.new_sheet(_WIDTH, 3.4, f"{sweep.name}: objective over time", "")
    ((axes,),) = style.add_panels(sheet, 1, 1)
    for pruned, marker, label in ((False, "o", "trial"), (True, "x", "pruned")):
        shown = [trial for trial in sweep.trials if trial.pruned == pruned]
        if shown:
            numbers, scores = [t.number for t in shown], [t.score for t in shown]
            axes.plot(numbers, scores, marker, color=style.BLUE, markersize=4, label=label)
    whole = [trial for trial in sweep.trials if not trial.pruned]
    best = list(accumulate([t.score for t in whole], max if sweep.maximize else min))
    numbers = [trial.number for trial in whole]
    axes.step(numbers, best, where="post", color=style.ORANGE, linestyle="--", label="best so far")
    axes.set_xlabel("trial")
    axes.set_ylabel(_words(sweep.metric))
    axes.xaxis.get_major_locator().set_params(integer=True)
    style.add_legend(sheet, *axes.get_legend_handles_labels())
    return sheet.figure


def build_curves(sweep: SweepInput) -> Figure:
    """Returns the learning curves of all trials; those of the best ones stand out."""
    named = sweep.ranked[:_MOST_NAMED]
    sheet = style.new_sheet(
        _WIDTH,
        4.0,
        f"{sweep.name}: learning curves of {len(sweep.trials)} trials",
        "",
        "First training of each setting. Coloured are the best ones, the best one is the thickest.",
    )
    ((axes,),) = style.add_panels(sheet, 1, 1)
    for trial in sweep.trials:
        if trial not in named:
            _curve(axes, trial, color=style.GREY, alpha=0.35, linewidth=0.8)
    for rank, trial in reversed(list(enumerate(named))):
        colour = style.ORANGE if rank == 0 else style.BLUE
        looks = {"linestyle": _DASHES[rank], "linewidth": 2.2 - 0.3 * rank}
        _curve(axes, trial, color=colour, label=f"trial {trial.number}", **looks)
    axes.set_xlabel("epoch")
    axes.set_ylabel(_words(sweep.metric))
    axes.xaxis.get_major_locator().set_params(integer=True)
    lines, labels = axes.get_legend_handles_labels()
    style.add_legend(sheet, lines[::-1], labels[::-1])
    return sheet.figure


_DASHES: Sequence[Any] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def build_importance(sweep: SweepInput) -> Figure | None:
    """Returns a bar for each parameter; None where there is nothing to compare."""
    if not sweep.importance or len(sweep.importance) < 2:
        return None
    shares = sorted(sweep.importance.items(), key=lambda item: item[1])
    sheet = style.new_sheet(
        _WIDTH,
        0.8 + 0.36 * len(shares),
        f"{sweep.name}: importance of the parameters",
        f"share of the differences in {_words(sweep.metric)} that each explains",
        "By fANOVA: it holds for these values, and says little where there are few trials.",
    )
    ((axes,),) = style.add_panels(sheet, 1, 1)
    names = [shortened(path, 40) for path, _ in shares]
    bars = axes.barh(names, [share for _, share in shares], color=style.BLUE, height=0.6)
    axes.bar_label(bars, [f"{share:.0%}" for _, share in shares], padding=4, fontsize=8)
    axes.set_xlim(0, 1.08)
    axes.set_xticks(np.linspace(0, 1, 6), [f"{share:.0%}" for share in np.linspace(0, 1, 6)])
    axes.grid(axis="y", visible=False)
    return sheet.figure


SWEEP_PLOTS: tuple[tuple[str, Callable[[SweepInput], Figure | None]], ...] = (
    ("objective.png", build_objective),
    ("learning_curves.png", build_curves),
    ("importance.png", build_importance),
    ("parallel_coordinates.png", build_coordinates),
)


def draw_sweep(folder: Path, sweep: SweepInput) -> None:
    """Draws every picture that applies, and removes earlier ones that no longer do.

    Raises:
        DiskError: A picture could not be written.
    """
    with style.applied():
        for file, build in SWEEP_PLOTS:
            figure = build(sweep) if sweep.ranked else None
            if figure is None:
                (folder / file).unlink(missing_ok=True)
            else:
                write_bytes(folder / file, style.png(figure))


def _curve(axes: style.Axes, trial: Trial, **look: Any) -> None:
    epochs = range(1, len(trial.curve) + 1)
    axes.plot(epochs, trial.curve, marker="." if len(trial.curve) == 1 else None, **look)


def _words(metric: str) -> str:
    return shortened(metric.replace("_", " "), 32)
