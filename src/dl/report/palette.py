"""The one palette: what each colour means, and its hex value on light and on dark ground.

Blue is training and orange is validation everywhere: in the terminal, in pictures, on pages. More
than seven colours do not stay apart for every reader: what is beyond them is grey.
`tests/report/test_palette.py` computes contrasts, and what colour-blind readers see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours on one ground, each as `#rrggbb`.

    Attributes:
        ink: Text.
        quiet: What is less important than text, and series that are not told apart.
        paper: The ground.
        raised: The ground of tiles and buttons.
        line: Rules, grids and frames.
        accent: Links and what is chosen.
        warm: Warnings and failures.
        series: The series of a chart, in their order.
    """

    ink: str
    quiet: str
    paper: str
    raised: str
    line: str
    accent: str
    warm: str
    series: tuple[str, ...]

    @property
    def training(self) -> str:
        """The training part, and what is right."""
        return self.series[0]

    @property
    def validation(self) -> str:
        """The validation part, and what is wrong."""
        return self.series[1]

    @property
    def test(self) -> str:
        """The test part."""
        return self.series[2]


LIGHT = Palette(
    ink="#1f2933",
    quiet="#586471",
    paper="#ffffff",
    raised="#f5f7f9",
    line="#dde3e8",
    accent="#00639c",
    warm="#b3261e",
    series=("#0072b2", "#d55e00", "#b5177a", "#004d33", "#8a7aff", "#521277", "#7a5a00"),
)
DARK = Palette(
    ink="#e6ebf0",
    quiet="#a5b1bd",
    paper="#12171c",
    raised="#1b222a",
    line="#313b45",
    accent="#6cb8ea",
    warm="#ff8a80",
    series=("#56b4e9", "#ff8f3e", "#d0509a", "#8af5d0", "#5c6cf0", "#e0e040", "#7d7d20"),
)

NAMES = ("blue", "orange", "pink", "dark green", "violet", "purple", "brown")
"""What the series are called on light ground."""

TERMINAL: Mapping[str, str] = {
    "training": LIGHT.training,
    "validation": LIGHT.validation,
    "test": LIGHT.test,
    "good": "green",
    "bad": "red",
    "quiet": "dim",
    "strong": "bold",
}
"""Styles of rich. The ground of a terminal is not known: the parts' colours are read on black and
on white; green and red are those of the user's own theme."""


def colour(index: int, palette: Palette = LIGHT) -> str:
    """Returns the colour of a series; grey for one beyond the palette, and for a negative index."""
    return palette.series[index] if 0 <= index < len(palette.series) else palette.quiet


def ansi(colour: str) -> str:
    """Returns the code of terminals for the nearest of the 216 colours that nearly all have."""
    levels = [round(int(colour[place : place + 2], 16) / 51) for place in (1, 3, 5)]
    return f"38;5;{16 + 36 * levels[0] + 6 * levels[1] + levels[2]}"


def css() -> str:
    """Returns the palette as CSS variables: `--ink`, `--training`, `--c0`…, light and dark."""
    on_dark = "@media screen and (prefers-color-scheme: dark)"  # paper is white
    dark = f"{on_dark} {{ :root:not(.paper) {{ {_variables(DARK)} }} }}"
    return f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}\n{dark}\n"


def _variables(palette: Palette) -> str:
    named = {name: value for name, value in asdict(palette).items() if name != "series"}
    parts = {name: getattr(palette, name) for name in ("training", "validation", "test")}
    series = {f"c{place}": value for place, value in enumerate(palette.series)}
    return " ".join(f"--{name}: {value};" for name, value in {**named, **parts, **series}.items())
