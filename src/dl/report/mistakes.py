"""The mistakes of a network on a terminal: its confusion matrix, and its worst pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dl.report.evaluation import confusion_of
from dl.report.facts import RunFacts
from dl.report.palette import LIGHT, ansi
from dl.report.terminal import Styled, table
from dl.text import painted, shortened

_MOST_CLASSES = 10
_NAME = 12
_SHORT = 6
_WIDE = 16
"""Pixels of a picture in a line, of which each takes a column; two lines of them share one."""
_GAP = 3
_HALF = "▀"


def mistakes_text(run: RunFacts, width: int) -> str:
    """Returns what was taken for what, and the worst mistakes as pictures; may be empty.

    A matrix of up to ten classes has a row for each true class. Pictures need colours: a terminal
    without them gets none.

    Args:
        run: The run, with the answers of its network.
        width: The most columns that a line may take.
    """
    return "\n\n".join(filter(None, [_matrix(run), "\n".join(_pictures(run, width))]))


def _matrix(run: RunFacts) -> str:
    found = confusion_of(run)
    if found is None or len(found.rows) > _MOST_CLASSES:
        return ""
    right, wrong, rows = ansi(LIGHT.training), ansi(LIGHT.validation), []
    for line, (name, counts) in enumerate(zip(found.rows, found.counts.tolist(), strict=True)):
        cells = [
            Styled(str(count) if count else None, right if place == line else wrong)
            for place, count in enumerate(counts)
        ]
        rows.append([shortened(name, _NAME), *cells])
    names = [shortened(name, _SHORT) for name in found.columns]
    return (
        f"{run.about}: true classes by row, predicted ones by column\n{table(rows, ['', *names])}"
    )


def _pictures(run: RunFacts, width: int) -> Iterator[str]:
    """Yields lines with the worst mistakes beside each other, as many as have room."""
    given, gap = run.predicted, " " * _GAP
    if run.pictures is None or given is None or run.pictures.sounds or not run.in_classes:
        return
    rows = run.worst_rows(max(1, (width + _GAP) // (_WIDE + _GAP)))
    if not len(rows) or painted(_HALF, "dim") == _HALF:
        return
    pairs = zip(run.worded(run.true[rows]), run.worded(given[rows]), strict=True)
    yield "the surest mistakes"
    yield gap.join(f"{shortened(f'{true} as {said}', _WIDE):{_WIDE}}" for true, said in pairs)
    pixels = run.pictures.pixels(rows, _WIDE)
    for line in range(0, pixels.shape[1] - pixels.shape[1] % 2, 2):
        yield gap.join(
            "".join(_pair(*column) for column in zip(each[line], each[line + 1], strict=True))
            for each in pixels.tolist()
        )


def _pair(above: list[int], below: list[int]) -> str:
    """Returns two pixels, one over the other: the upper half of a block, and its ground."""
    return painted(_HALF, f"{_code(above)} {_code(below).replace('38', '48', 1)}")


def _code(colour: list[int]) -> str:
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return f"38;2;{';'.join(map(str, colour))}"
    return ansi("#" + "".join(f"{value:02x}" for value in colour))
