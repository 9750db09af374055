"""The losses of a training so far, as lines of block characters that are redrawn as they grow."""

from __future__ import annotations

import math
from collections.abc import Mapping

_NAMES = ("loss", "val_loss")
_MOST_POINTS = 512
"""More than a line has columns: what is kept, and looked at for each drawing, stays small."""
_WIDEST = 64
_GAP = "  "
_LEAST = 8


class LossCurves:
    """The training and the validation loss by epoch, on one scale; of many epochs their means."""

    def __init__(self) -> None:
        self._curves: dict[str, _Curve] = {}

    def see(self, row: Mapping[str, float]) -> None:
        """Is given the row of an epoch that has ended."""
        for name in _NAMES:
            if name in row:
                self._curves.setdefault(name, _Curve()).add(row[name])

    def lines(self, width: int, *, ascii_only: bool = False) -> list[tuple[str, str]]:
        """Returns name and chart of each loss, together at most `width` columns; none at first."""
        from dl.report.terminal import sparklines

        room = min(width - len(max(_NAMES, key=len)) - len(_GAP), _WIDEST)
        curves = {name: curve.values for name, curve in self._curves.items()}
        if room < _LEAST or not any(len(values) > 1 for values in curves.values()):
            return []
        longest = max(map(len, curves))
        drawn = sparklines(list(curves.values()), room, ascii_only=ascii_only)
        return [
            (f"{name:{longest}}{_GAP}", chart) for name, chart in zip(curves, drawn, strict=True)
        ]


class _Curve:
    """Values that thin out as they become many: each is then the mean of 2, 4, 8… epochs."""

    def __init__(self) -> None:
        self._means: list[float] = []
        self._begun: list[float] = []
        self._each = 1

    def add(self, value: float) -> None:
        self._begun.append(value)
        if len(self._begun) == self._each:
            self._means.append(math.fsum(self._begun) / self._each)
            self._begun = []
        if len(self._means) == _MOST_POINTS:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._means = [(first + second) / 2 for first, second in pairs]
            self._each *= 2

    @property
    def values(self) -> list[float]:
        rest = [math.fsum(self._begun) / len(self._begun)] if self._begun else []
        return [*self._means, *rest]
