"""What a learning-rate range test has found: as a picture, and in the terminal."""

from __future__ import annotations

import math

from dl.inspect.rates import RateTest
from dl.report.charts import Chart, Line, Mark
from dl.report.drawing import chart_sheet
from dl.report.png import applied, png
from dl.text import number

_ROWS, _COLUMNS = 10, 64
_PANEL = (6.5, 3.6)
_SHOWN = 1.5
"""The picture ends above the first loss: what diverges would press the rest to the ground."""


def picture(test: RateTest) -> bytes:
    """Returns the losses over the rates as a PNG; the suggestion is marked."""
    lines = (
        Line("each batch", test.rates, test.losses, colour=-1),
        Line("smoothed", test.rates[: len(test.smoothed)], test.smoothed),
    )
    mark = (Mark(test.suggestion, f"{test.suggestion:g}"),)
    chart = Chart("loss", "learning rate", "loss", lines, mark, log_x=True)
    title = f"{test.name}: learning_rate {test.suggestion:g}"
    with applied():
        sheet, panels = chart_sheet([chart], 1, _PANEL, (title, test.reason, ""))
        panels[0].legend()
        panels[0].set_ylim(top=_top(test))
        return png(sheet.figure)


def terminal_text(test: RateTest) -> str:
    """Returns the smoothed losses over the rates as a picture of characters."""
    values = [min(value, _top(test)) for value in test.smoothed]
    rates = test.rates[: len(values)]
    low, high = min(values), max(values)
    first, span = math.log(rates[0]), math.log(rates[-1] / rates[0])

    def column(rate: float) -> int:
        return round((math.log(rate) - first) / span * (_COLUMNS - 1))

    grid = [[" "] * _COLUMNS for _ in range(_ROWS)]
    here = column(test.suggestion)
    for line in grid:
        line[here] = "┊"
    for rate, value in zip(rates, values, strict=True):
        row = round((high - value) / (high - low) * (_ROWS - 1))
        grid[row][column(rate)] = "•"
    labels = [number(high), *[""] * (_ROWS - 2), number(low)]
    width = max(map(len, labels))
    lines = [f"{label:>{width}} {''.join(line)}" for label, line in zip(labels, grid, strict=True)]
    ends = f"{rates[0]:.0e}", f"{test.suggestion:g}", f"{rates[-1]:.2g}"
    axis = list(f"{ends[0]:<{_COLUMNS - len(ends[2])}}{ends[2]}")
    start = min(max(here - len(ends[1]) // 2, len(ends[0]) + 1), _COLUMNS - len(ends[2]) - 4)
    axis[start : start + len(ends[1])] = ends[1]
    lines.append(f"{'':{width}} {''.join(axis)}")
    return "\n".join(line.rstrip() for line in lines)


def _top(test: RateTest) -> float:
    first, low = test.smoothed[0], min(test.smoothed)
    return first + (_SHOWN - 1) * (first - low)
