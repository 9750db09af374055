"""All pictures of a run: `draw` makes those that suit the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from dl.report import (
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

__all__ = ["PLOTS", "Plot", "PlotInput", "draw"]


@dataclass(frozen=True, slots=True)
class Plot:
    """A kind of picture: its file, and the function that builds it or tells that it does not apply.

    `build` returns None where the run has nothing to show in such a picture.
    """

    file: str
    build: Callable[[PlotInput], Figure | None]


PLOTS: tuple[Plot, ...] = (
    Plot("learning_curves.png", curves.build),
    Plot("confusion_matrix.png", confusion.build),
    Plot("confusion_matrix.png", multilabel.build),
    Plot("predicted_true.png", regression.build_predicted_true),
    Plot("residuals.png", regression.build_residuals),
    Plot("parameter_path.png", parameter_path.build),
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
            figure = plot.build(run)
            if figure is not None:
                style.save(figure, folder / plot.file)
                drawn.append(folder / plot.file)
    for name in {plot.file for plot in PLOTS} - {path.name for path in drawn}:
        (folder / name).unlink(missing_ok=True)
    return drawn
