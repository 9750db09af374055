"""Tables and learning curves as plain text, 80 columns wide; light: nothing heavy is imported."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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
from dl.text import number, one_line, shortened

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_LEVELS = "_.:-=+*#"
_NOT_FINITE = "!"
_GAP = "  "
_LABEL_WIDTH = 24
_LEAST_CHART = 8
_LOOKS_NUMERIC = re.compile(r"[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?( ?%)?|nan|[+-]?inf", re.I)


def table(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> str:
    """Returns an aligned table: a header line, then a line for each row.

    Columns of numbers, given as numbers or as text, are aligned right, all others left. A column of
    floats has as many decimals as four digits of its greatest value need. None is an empty cell.

    Args:
        rows: The cells of each row; a short row is filled with empty cells.
        columns: The header of each column.
    """
    filled = [(*row, *[None] * (len(columns) - len(row))) for row in rows]
    laid_out = [
        _column(header, [row[place] for row in filled]) for place, header in enumerate(columns)
    ]
    return _joined(laid_out)


def learning_curves(history: History, width: int = 80, *, ascii_only: bool = False) -> str:
    """Returns a chart for the loss and each metric on the training and the validation part.

    The parts of one measure share their scale, so their heights can be compared; it is logarithmic
    where the values span more than two decades. Beside each chart are the first value, the one of
    the best epoch and the last. An empty history gives an empty text.

    Args:
        history: The rows of the history.
        width: The most columns that a line may take.
        ascii_only: Draw with ASCII characters, for terminals without block characters.
    """
    best = best_epoch(history)
    lines = [line for name in measures(history) for line in _measure_lines(history, name)]
    if not lines:
        return ""
    left = [
        _aligned(["", *(line.label for line in lines)]),
        _aligned(["", *(line.part for line in lines)]),
    ]
    if len(history) == 1:
        return _joined([*left, _numbers("epoch 1", [line.shown.values[0] for line in lines])])
    right = _number_columns(lines, best)
    taken = sum(len(column[0]) + len(_GAP) for column in [*left, *right])
    levels = ASCII_LEVELS if ascii_only else BLOCKS
    room = max(_LEAST_CHART, width - taken)
    drawn = [_scaled(line.shown.values, line.scale, room, levels) for line in lines]
    chart = _aligned([f"epochs 1 to {len(history)}", *drawn])
    text = _joined([*left, chart, *right])
    return text.replace("…", "~") if ascii_only else text


def charts(curves: Sequence[Sequence[float]], width: int, *, ascii_only: bool = False) -> list[str]:
    """Returns a sparkline for each of several curves, all on one scale.

    It is logarithmic where the values span more than two decades.
    """
    scale = [value for curve in curves for value in curve if math.isfinite(value)]
    levels = ASCII_LEVELS if ascii_only else BLOCKS
    return [_scaled(curve, scale, width, levels) for curve in curves]


@dataclass(frozen=True, slots=True)
class _Line:
    """One chart: the values of a measure on one part, and the finite values of both parts."""

    label: str
    part: str
    shown: Series
    scale: list[float]


def _measure_lines(history: History, name: str) -> list[_Line]:
    parts = {"train": series(history, name), "validation": series(history, VALIDATION + name)}
    scale = [value for part in parts.values() for value in part.finite]
    label = shortened(name, _LABEL_WIDTH)
    lines: list[_Line] = []
    for part, shown in parts.items():
        if shown.values:
            lines.append(_Line("" if lines else label, part, shown, scale))
    return lines


def _scaled(curve: Sequence[float], scale: Sequence[float], width: int, levels: str) -> str:
    values = list(curve)
    if wants_log(scale):
        values = [math.log(v) if v > 0 and math.isfinite(v) else math.nan for v in values]
        scale = [math.log(value) for value in scale]
    return _spark(values, width, levels, (min(scale, default=0.0), max(scale, default=0.0)))


def _number_columns(lines: Sequence[_Line], best: int | None) -> list[list[str]]:
    first = _numbers("first", [line.shown.values[0] for line in lines])
    last = _numbers("last", [line.shown.values[-1] for line in lines])
    if best is None:
        return [first, last]
    return [first, _numbers(f"best: {best}", [value_at(line.shown, best) for line in lines]), last]


def _numbers(header: str, values: Sequence[float | None]) -> list[str]:
    texts = ["" if value is None else number(float(value)) for value in values]
    return _aligned([header, *texts], right=True)


def _joined(columns: Sequence[Sequence[str]]) -> str:
    return "\n".join(_GAP.join(cells).rstrip() for cells in zip(*columns, strict=True))


def _spark(values: Sequence[float], width: int, levels: str, scale: tuple[float, float]) -> str:
    return "".join(_level(value, levels, scale) for value in _grouped(values, width))


def _level(value: float, levels: str, scale: tuple[float, float]) -> str:
    if not math.isfinite(value):
        return _NOT_FINITE
    low, high = scale
    share = (value - low) / (high - low) if high > low else 0.0
    return levels[min(len(levels) - 1, int(share * len(levels)))]


def _grouped(values: Sequence[float], width: int) -> list[float]:
    """Returns at most `width` means of neighbours; a group with a value that is none is none."""
    if len(values) <= width:
        return list(values)
    bounds = [len(values) * place // width for place in range(width + 1)]
    groups = [values[start:end] for start, end in pairwise(bounds)]
    return [math.fsum(group) / len(group) if _all_finite(group) else math.nan for group in groups]


def _all_finite(values: Sequence[float]) -> bool:
    return all(math.isfinite(value) for value in values)


def _column(header: str, cells: Sequence[object]) -> list[str]:
    texts = _cell_texts(cells)
    shown = [text for text in texts if text]
    numeric = bool(shown) and all(_LOOKS_NUMERIC.fullmatch(text) for text in shown)
    return _aligned([one_line(header), *texts], right=numeric)


def _cell_texts(cells: Sequence[object]) -> list[str]:
    decimals = _decimals([cell for cell in cells if isinstance(cell, float)])
    return [_cell_text(cell, decimals) for cell in cells]


def _cell_text(cell: object, decimals: int) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if not isinstance(cell, float):
        return one_line(str(cell))
    tiny = cell != 0 and abs(cell) < 10 ** (1 - decimals)
    if not math.isfinite(cell) or tiny or abs(cell) >= 1e7:
        return number(cell)
    return f"{cell:.{decimals}f}"


def _decimals(values: Sequence[float]) -> int:
    """Returns the decimals for a column: four digits of its greatest value, no common zeros."""
    sizes = [abs(value) for value in values if math.isfinite(value) and abs(value) < 1e7]
    greatest = max(sizes, default=0.0)
    most = 4 if greatest < 1 else max(0, 3 - math.floor(math.log10(greatest)))
    needed = [len(f"{size:.{most}f}".rstrip("0").partition(".")[2]) for size in sizes]
    return max(needed, default=0)


def _aligned(texts: Sequence[str], *, right: bool = False) -> list[str]:
    width = max(map(_width, texts), default=0)
    pads = [" " * (width - _width(text)) for text in texts]
    return [pad + text if right else text + pad for text, pad in zip(texts, pads, strict=True)]


def _width(text: str) -> int:
    """Returns the columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    combining = sum(unicodedata.combining(character) > 0 for character in text)
    return len(text) + wide - combining
