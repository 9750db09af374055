"""Tables and learning curves as plain text, 80 columns wide; light: nothing heavy is imported."""

from __future__ import annotations

import math
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dl.report.charts import Chart, History, best_epoch, learning_charts, wants_log
from dl.text import number, one_line, painted, shortened

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_LEVELS = "_.:-=+*#"
_NOT_FINITE = "!"
_GAP = "  "
_LABEL_WIDTH = 24
# Columns; a line may be wider than asked for rather than have a chart that shows nothing.
_LEAST_CHART = 8
# Columns of a cell and of a header below which they do not tell rows and columns apart.
_LEAST_TEXT = 12
_LEAST_HEADER = 8
_LOOKS_NUMERIC = re.compile(r"[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?( ?%)?|nan|[+-]?inf", re.I)


@dataclass(frozen=True, slots=True)
class Styled:
    """A cell of a table with a style, which a terminal with colours shows: see `painted`."""

    value: object
    style: str


def table(
    rows: Sequence[Sequence[object]],
    columns: Sequence[str],
    *,
    width: int | None = None,
    spare: Sequence[str] = (),
) -> str:
    """Returns an aligned table: a header line, then a line for each row.

    Columns of numbers, given as numbers or as text, are aligned right, all others left. A column of
    floats has as many decimals as four digits of its greatest value need. None is an empty cell.
    On a narrow screen long words lose their middle, numbers nothing; where that is not enough,
    columns are left out, and a last line names them.

    Args:
        rows: The cells of each row; a short row is filled with empty cells.
        columns: The header of each column.
        width: The most columns of the screen to take; None for those of the terminal, and for no
            limit where stdout is none.
        spare: Headers of the columns to leave out first, the least important one first; after
            them come the others from the right, but not the first column.
    """
    room = screen_width() if width is None else width
    shown = [
        _Column.of(header, [row[place] if place < len(row) else None for row in rows])
        for place, header in enumerate(columns)
    ]
    expendable = [*spare, *(name for name in reversed(columns[1:]) if name not in spare)]
    hidden: list[str] = []
    while room is not None and len(shown) > 1 and _taken(c.least for c in shown) > room:
        hidden.append(expendable.pop(0))
        shown = [shown[0], *(column for column in shown[1:] if column.header != hidden[-1])]
    text = _joined([c.cells(width) for c, width in zip(shown, _widths(shown, room), strict=True)])
    left_out = list(dict.fromkeys(name for name in columns[1:] if name in hidden))
    return f"{text}\n{_not_shown(left_out, room or 0)}" if left_out else text


def screen_width() -> int | None:
    """Returns the columns of the terminal that shows stdout; None for a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    texts: list[str]
    styles: list[str]
    right: bool

    @classmethod
    def of(cls, header: str, cells: Sequence[object]) -> _Column:
        texts = _cell_texts([cell.value if isinstance(cell, Styled) else cell for cell in cells])
        styles = [cell.style if isinstance(cell, Styled) else "" for cell in cells]
        filled = [text for text in texts if text]
        numeric = bool(filled) and all(_LOOKS_NUMERIC.fullmatch(text) for text in filled)
        return cls(header, [one_line(header), *texts], ["", *styles], numeric)

    @property
    def width(self) -> int:
        return max(map(_width, self.texts))

    @property
    def least(self) -> int:
        """The width that it needs: a number is whole, or it would be another one."""
        widest = max(map(_width, self.texts[1:]), default=0)
        return max(
            widest if self.right else min(widest, _LEAST_TEXT),
            min(_width(self.texts[0]), _LEAST_HEADER),
        )

    def cells(self, width: int) -> list[str]:
        """Returns the header and the cells in so many columns of the screen."""
        texts = [_fitted(text, width) for text in self.texts]
        shown = map(painted, texts, self.styles)
        pads = [" " * (width - _width(text)) for text in texts]
        return [
            pad + text if self.right else text + pad for pad, text in zip(pads, shown, strict=True)
        ]


def _not_shown(names: Sequence[str], width: int) -> str:
    import textwrap  # half a millisecond, which most tables have no use for

    return textwrap.fill(f"not shown: {', '.join(names)}", width, break_long_words=False)


def _taken(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + len(_GAP) * (len(each) - 1)


def _widths(columns: Sequence[_Column], room: int | None) -> list[int]:
    """Returns the width of each column: where they are too many, the widest gives way first."""
    widths = [column.width for column in columns]
    least = [column.least for column in columns]
    if room is not None and len(columns) == 1:
        return [min(widths[0], max(room, 1))]
    while room is not None and _taken(widths) > room and widths != least:
        widest = max(
            range(len(widths)), key=lambda place: (widths[place] > least[place], widths[place])
        )
        widths[widest] -= 1
    return widths


def _fitted(text: str, width: int) -> str:
    """Returns a text in at most so many columns of the screen, its middle left out."""
    most = width
    while _width(text) > width and most > 0:
        text, most = shortened(text, most), most - 1
    return text


def _cell_texts(cells: Sequence[object]) -> list[str]:
    floats = [cell for cell in cells if isinstance(cell, float)]
    decimals = _decimals(floats)

    def text(cell: object) -> str:
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

    return [text(cell) for cell in cells]


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


def _joined(columns: Sequence[Sequence[str]]) -> str:
    return "\n".join(_GAP.join(cells).rstrip() for cells in zip(*columns, strict=True))


def learning_curves(history: History, width: int = 80, *, ascii_only: bool = False) -> str:
    """Returns a chart for the loss and each metric on the training and the validation part.

    The parts of one measure share their scale, so their heights can be compared; it is logarithmic
    where the values span a decade. Beside each chart are the first value, the one of
    the best epoch and the last. An empty history gives an empty text.

    Args:
        history: The rows of the history.
        width: The most columns that a line may take.
        ascii_only: Draw with ASCII characters, for terminals without block characters.
    """
    charts = learning_charts(history)
    lines = [(chart, line) for chart in charts for line in chart.lines]
    if not lines:
        return ""

    def numbers(header: str, values: Sequence[float | None]) -> list[str]:
        texts = ["" if value is None else number(float(value)) for value in values]
        return _aligned([header, *texts], right=True)

    firsts = [line.y[0] for _, line in lines]
    parts = ["train" if line.label == "training" else line.label for _, line in lines]
    left = [_aligned(["", *_labels(charts)]), _aligned(["", *parts])]
    if len(history) == 1:
        return _joined([*left, numbers("epoch 1", firsts)])
    right = [numbers("first", firsts), numbers("last", [line.y[-1] for _, line in lines])]
    best = best_epoch(history)
    if best is not None:
        right.insert(1, numbers(f"best: {best}", [line.at(best) for _, line in lines]))
    taken = sum(len(column[0]) + len(_GAP) for column in [*left, *right])
    room = max(_LEAST_CHART, width - taken)
    drawn = [_scaled(list(line.y), chart.finite, room, ascii_only) for chart, line in lines]
    chart = _aligned([f"epochs 1 to {len(history)}", *drawn])
    text = _joined([*left, chart, *right])
    return text.replace("…", "~") if ascii_only else text


def _labels(charts: Sequence[Chart]) -> list[str]:
    """Returns the name of each measure beside its first line alone."""
    return [
        "" if place else shortened(chart.title, _LABEL_WIDTH)
        for chart in charts
        for place in range(len(chart.lines))
    ]


def sparklines(
    curves: Sequence[Sequence[float]], width: int, *, ascii_only: bool = False
) -> list[str]:
    """Returns a line of blocks for each of several curves, all on one scale.

    It is logarithmic where the values span a decade.
    """
    scale = [value for curve in curves for value in curve if math.isfinite(value)]
    return [_scaled(curve, scale, width, ascii_only) for curve in curves]


def _scaled(curve: Sequence[float], scale: Sequence[float], width: int, ascii_only: bool) -> str:
    values = curve
    if wants_log(scale):
        values = [math.log(v) if v > 0 and math.isfinite(v) else math.nan for v in curve]
        scale = [math.log(value) for value in scale]
    low, high = min(scale, default=0.0), max(scale, default=0.0)
    levels = ASCII_LEVELS if ascii_only else BLOCKS

    def level(value: float) -> str:
        if not math.isfinite(value):
            return _NOT_FINITE
        fraction = (value - low) / (high - low) if high > low else 0.0
        return levels[min(len(levels) - 1, int(fraction * len(levels)))]

    return "".join(map(level, _grouped(values, width)))


def _grouped(values: Sequence[float], width: int) -> list[float]:
    """Returns at most `width` means of neighbours; NaN where one of them is not finite."""
    if len(values) <= width:
        return list(values)
    bounds = [len(values) * place // width for place in range(width + 1)]
    groups = [values[start:end] for start, end in pairwise(bounds)]
    return [
        math.fsum(group) / len(group) if all(map(math.isfinite, group)) else math.nan
        for group in groups
    ]
