"""All pictures of a run: `draw` makes those that suit the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from dl.report import (
    boundary,
    boundary_film,
    confusion,
    curves,
    examples,
    mistakes,
    multilabel,
    parameter_path,
    regression,
    style,
)
from dl.report.input import PlotInput
from dl.runs.files import write_bytes

__all__ = ["PLOTS", "Plot", "PlotInput", "draw"]


@dataclass(frozen=True, slots=True)
class Plot:
    """A kind of picture: its file, and the function that builds it or tells that it does not apply.

    `build` returns a figure, or the content of the file where it is more than one still picture;
    None where the run has nothing to show in it.
    """

    file: str
    build: Callable[[PlotInput], Figure | bytes | None]


PLOTS: tuple[Plot, ...] = (
    Plot("learning_curves.png", curves.build),
    Plot("confusion_matrix.png", confusion.build),
    Plot("confusion_matrix.png", multilabel.build),
    Plot("predicted_true.png", regression.build_predicted_true),
    Plot("residuals.png", regression.build_residuals),
    Plot("parameter_path.png", parameter_path.build),
    Plot("boundary.png", boundary.build),
    Plot("boundary.gif", boundary_film.build),
    Plot("examples.png", examples.build),
    Plot("mistakes.png", mistakes.build),
)


def draw(folder: Path, run: PlotInput) -> list[Path]:
    """Draws every picture that applies to the run, and removes earlier ones that no longer do.

    The pictures depend on the run alone: not on the time, and not on a user's matplotlibrc.

    Args:
        folder: Where the pictures are put; it must exist.
        run: The run to show.

    Returns:
        The pictures, in the order of `PLOTS`.

    Raises:
        DiskError: A picture could not be written.
    """
    drawn: list[Path] = []
    with style.applied():
        for plot in PLOTS:
            built = plot.build(run)
            if built is not None:
                content = built if isinstance(built, bytes) else style.png(built)
                write_bytes(folder / plot.file, content)
                drawn.append(folder / plot.file)
    for name in {plot.file for plot in PLOTS} - {path.name for path in drawn}:
        (folder / name).unlink(missing_ok=True)
    return drawn
