"""The look of all pictures: colours, sizes, titles, and how a figure becomes a file.

The colours are those of Okabe and Ito, told apart also by colour-blind readers. Since a picture may
be printed in grey, colour is never the only difference: lines differ in their dashes and markers.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from dl.report.numbers import number, plain
from dl.runs.files import write_bytes

Axes = Any
"""An axes of matplotlib, which has no types of its own."""

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREY = "#66707A"
INK = "#1F2933"
GRID = "#E4E8EC"
BLUES = LinearSegmentedColormap.from_list("blues", ["#DCEBF5", BLUE, "#002B45"])

SMALL = 7.5
NORMAL = 9.0
LARGE = 12.0
MARGIN = 0.1
"""Inches around everything in a picture."""

_SETTINGS = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "figure.facecolor": "white",
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": NORMAL,
    "text.color": INK,
    "text.parse_math": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-4, 6),
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": NORMAL,
}
_OF_THE_MACHINE = ("backend", "backend_fallback", "interactive", "toolbar", "timezone")


@contextmanager
def applied() -> Iterator[None]:
    """Gives the pictures made inside their look, whatever a user's own matplotlibrc says."""
    defaults = {
        key: value
        for key, value in dict.items(matplotlib.rcParamsDefault)
        if key not in _OF_THE_MACHINE
    }
    with matplotlib.rc_context(), warnings.catch_warnings():
        dict.update(matplotlib.rcParams, defaults)
        matplotlib.rcParams.update(_SETTINGS)
        warnings.filterwarnings("ignore", message=".*missing from font.*")
        yield


def new_figure(width: float, height: float, title: str, *, fixed: bool = False) -> Figure:
    """Returns an empty figure with its title at the top left.

    Args:
        width: In inches.
        height: In inches.
        title: What the picture shows.
        fixed: The caller places everything; otherwise panels are moved so that no texts overlap.
    """
    figure = Figure(figsize=(width, height), layout="none" if fixed else "constrained")
    FigureCanvasAgg(figure)
    left, top = MARGIN / width, 1 - MARGIN / height
    figure.suptitle(plain(title), x=left, y=top, ha="left", fontsize=LARGE, fontweight="bold")
    return figure


def add_note(figure: Figure, text: str) -> None:
    """Writes a grey line below everything else that says how to read the picture."""
    width, height = figure.get_size_inches()
    left, bottom = MARGIN / width, MARGIN / height
    figure.supxlabel(text, x=left, y=bottom, ha="left", fontsize=8, color=GREY)


def write_aside(axes: Axes, text: str) -> None:
    """Writes small grey text at the right of the title of a panel."""
    axes.set_title(text, loc="right", fontsize=SMALL, fontweight="normal", color=GREY)


def without_frame(axes: Axes) -> None:
    """Removes grid, frame and tick marks; tick labels stay."""
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def tick_number(value: float, _position: int | None = None) -> str:
    """Writes the label of a tick of a logarithmic axis without mathematical typesetting."""
    return number(value).replace("-", "\N{MINUS SIGN}") if value < 0 else number(value)


def save(figure: Figure, path: Path) -> None:
    """Writes the picture as a PNG, whole or not at all; the same picture gives the same bytes.

    Raises:
        DiskError: The file could not be written.
    """
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    write_bytes(path, stream.getvalue())
