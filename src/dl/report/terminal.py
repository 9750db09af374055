"""Tables and learning curves as plain text, 80 columns wide; light: nothing heavy is imported."""

from __future__ import annotations

import math
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dl.report.braille import Best, plotted
from dl.report.charts import Chart, History, best_epoch, learning_charts
from dl.report.palette import LIGHT, ansi
from dl.text import WIDTH, measured, number, one_line, painted, shortened

_GAP = "  "
_HEIGHT = 6
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
    cells = [c.cells(width) for c, width in zip(shown, _widths(shown, room), strict=True)]
    text = "\n".join(_GAP.join(line).rstrip() for line in zip(*cells, strict=True))
    left_out = list(dict.fromkeys(name for name in columns[1:] if name in hidden))
    if not left_out:
        return text
    import textwrap  # half a millisecond, which most tables have no use for

    note = f"not shown: {', '.join(left_out)}"
    return f"{text}\n{textwrap.fill(note, room or 0, break_long_words=False)}"


def screen_width() -> int | None:
    """Returns the columns of the terminal that shows stdout; None for a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def text_width() -> int:
    """Returns the columns of a text for people: 80, or those of a narrower terminal."""
    return min(screen_width() or WIDTH, WIDTH)


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


def _width(text: str) -> int:
    """Returns the columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    combining = sum(unicodedata.combining(character) > 0 for character in text)
    return len(text) + wide - combining


def learning_curves(history: History, width: int = WIDTH, *, ascii_only: bool = False) -> str:
    """Returns the curves of the loss, and the numbers of it and of each metric in a table.

    These are the first value, that of the best epoch and the last one, by part. An empty history
    gives an empty text.

    Args:
        history: The rows of the history.
        width: The most columns that a line may take.
        ascii_only: Draw with ASCII characters.
    """
    charts = learning_charts(history)
    best = best_epoch(history) if len(history) > 1 else None
    rows = []
    for chart in charts:
        for place, line in enumerate(chart.lines):
            shown = [line.y[0], *([line.at(best)] if best else []), *line.y[1:][-1:]]
            rows.append(["" if place else chart.title, line.label, *map(measured, shown)])
    if not rows:
        return ""
    if len(history) == 1:
        return table(rows, ["", "", "epoch 1"], width=width)
    columns = ["", "", "first", *([f"best: {best}"] if best else []), "last"]
    numbers = table(rows, columns, width=width, spare=["first"])
    return "\n\n".join([*_curves(charts[0], best, width, ascii_only), numbers])


def _curves(chart: Chart, best: int | None, width: int, ascii_only: bool) -> list[str]:
    """Returns the curves with their legend as one text; none where no value is finite."""
    *_, last = chart.lines
    value = None if best is None else last.at(best)
    mark = None
    if best is not None and value is not None:
        mark = Best(list(last.x).index(best) / max(1, len(last.x) - 1), value, last.label)
    curves = {line.label: list(line.y) for line in chart.lines}
    styles = {"training": ansi(LIGHT.training), "validation": ansi(LIGHT.validation)}
    styles["quiet"] = "dim"
    told = [(f"{chart.title} by epoch", ""), *((f"  {label}", label) for label in curves)]
    if len(curves) > 1:
        how = " (" + ("o" if ascii_only else "dashed") + ")"
        told += [(how, "")] if len("".join(text for text, _ in told) + how) <= width else []
    lines = plotted(curves, width, _HEIGHT, best=mark, ascii_only=ascii_only)
    texts = [
        "".join(painted(text, styles.get(style, "")) for text, style in line).rstrip()
        for line in [told, *lines]
    ]
    return ["\n".join(texts)] if lines else []
