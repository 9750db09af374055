"""`parallel_coordinates.png`: an axis for each parameter, a line for each trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from dl.report import style
from dl.report.sweep_input import SweepInput, Trial
from dl.text import number, shortened

_AXIS_WIDTH = 1.7
_MOST_AXES = 9
_MOST_LABELS = 12
_SPREAD = 0.05
"""By so much the lines of the worst and of the best trial are apart, to be seen side by side."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where the values of an axis lie between 0 and 1, and what is written beside it."""

    title: str
    places: Mapping[str, float]
    labels: Sequence[tuple[float, str]]


def build_coordinates(sweep: SweepInput) -> Figure | None:
    """Returns the picture; None where no parameter has two values."""
    paths = list(dict.fromkeys(path for trial in sweep.trials for path in trial.values))
    scales = {path: _scale(path, sweep) for path in paths}
    shown = [path for path in paths if len(scales[path].places) > 1][:_MOST_AXES]
    if not shown:
        return None
    width = max(6.0, _AXIS_WIDTH * (len(shown) + 1) + 0.6)
    sheet = style.new_sheet(
        width,
        4.2,
        f"{sweep.name}: settings and what they reached",
        "",
        f"A line is a trial; the better its {sweep.metric}, the darker. The best one is orange. "
        "A line has a gap where a parameter is not used.",
    )
    ((axes,),) = style.add_panels(sheet, 1, 1)
    objective = _objective(sweep)
    for place, path in enumerate(shown):
        _draw_axis(axes, place, scales[path])
    _draw_axis(axes, len(shown), objective)
    _draw_lines(axes, sweep, [scales[path] for path in shown], objective, shown)
    axes.set_xlim(-0.25, len(shown) + 0.45)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    titles = [shortened(scale.title, 20) for scale in [*(scales[p] for p in shown), objective]]
    axes.set_xticks(range(len(shown) + 1), titles)
    axes.xaxis.tick_top()
    style.without_frame(axes)
    return sheet.figure


def _scale(path: str, sweep: SweepInput) -> _Scale:
    """Numbers lie where they are on their axis, anything else at equal distances."""
    values = [trial.values[path] for trial in sweep.trials if path in trial.values]
    title = path.rpartition(".")[2]
    distinct = sorted({_text(value): value for value in values}.items(), key=_order)
    numbers = [value for _, value in distinct if _is_number(value)]
    if len(numbers) < len(distinct) or len(distinct) <= _MOST_LABELS:
        last = max(1, len(distinct) - 1)
        places = {text: position / last for position, (text, _) in enumerate(distinct)}
        return _Scale(title, places, [(place, text) for text, place in places.items()])
    log = path in sweep.logarithmic
    raw = np.array([float(str(value)) for value in numbers])
    line = np.log(raw) if log else raw
    shares = (line - line.min()) / (line.max() - line.min())
    places = {text: float(share) for (text, _), share in zip(distinct, shares, strict=True)}
    return _Scale(title, places, _ticks(raw, log))


def _objective(sweep: SweepInput) -> _Scale:
    scores = np.array([trial.score for trial in sweep.trials])
    return _Scale(sweep.metric, {}, _ticks(scores, log=False))


def _ticks(values: Any, log: bool) -> list[tuple[float, str]]:
    low, high = float(values.min()), float(values.max())
    shares = [0.0, 0.25, 0.5, 0.75, 1.0] if high > low else [0.5]
    between = [
        math.exp(math.log(low) + s * (math.log(high) - math.log(low)))
        if log
        else low + s * (high - low)
        for s in shares
    ]
    return [(share, number(value)) for share, value in zip(shares, between, strict=True)]


def _draw_axis(axes: style.Axes, place: int, scale: _Scale) -> None:
    axes.plot([place, place], [0, 1], color=style.GREY, linewidth=0.9, zorder=3)
    for height, text in scale.labels:
        axes.plot([place - 0.02, place + 0.02], [height, height], color=style.GREY, zorder=3)
        axes.text(
            place + 0.05,
            height,
            shortened(text, 14),
            va="center",
            fontsize=style.SMALL,
            zorder=4,
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8},
        )


def _draw_lines(
    axes: style.Axes,
    sweep: SweepInput,
    scales: Sequence[_Scale],
    objective: _Scale,
    paths: Sequence[str],
) -> None:
    order = sorted(sweep.trials, key=lambda t: t.score if sweep.maximize else -t.score)
    scores = np.array([trial.score for trial in order])
    norm = Normalize(scores.min(), scores.max())
    heights = norm(scores) if scores.max() > scores.min() else np.full(len(scores), 0.5)
    best = sweep.ranked[0]
    for rank, (trial, height) in enumerate(zip(order, heights, strict=True)):
        aside = _SPREAD * (rank / max(1, len(order) - 1) - 0.5)
        line = [*(place + aside for place in _places(trial, scales, paths)), float(height)]
        colour = style.BLUES(rank / max(1, len(order) - 1))
        look = {"color": colour, "linewidth": 0.9, "alpha": 0.8, "zorder": 1 + rank / len(order)}
        if trial is best:
            look = {"color": style.ORANGE, "linewidth": 2.2, "alpha": 1.0, "zorder": 2.5}
        axes.plot(range(len(line)), line, **look)


def _places(trial: Trial, scales: Sequence[_Scale], paths: Sequence[str]) -> list[float]:
    return [
        scale.places[_text(trial.values[path])] if path in trial.values else math.nan
        for scale, path in zip(scales, paths, strict=True)
    ]


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | float):
        return number(float(value)) if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        return ", ".join(str(part) for part in value.values())
    return str(value)


def _order(item: tuple[str, object]) -> tuple[bool, float, str]:
    text, value = item
    return (False, float(str(value)), "") if _is_number(value) else (True, 0.0, text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
