"""`boundary.gif`: the plane of two inputs from the initial weights to those that were kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from dl.data.plane import Boundary, Frame
from dl.report.boundary import draw_ground, draw_rows, new_plane, note_of
from dl.report.history import History
from dl.report.input import PlotInput
from dl.text import number

_DPI = 90
_LEAST_FRAMES = 3
_COLOURS = 96
_MILLISECONDS, _FIRST, _LAST = 140, 1000, 3000


def build(run: PlotInput) -> bytes | None:
    """Returns the film as a GIF that repeats, or None where there is no plane or nothing moves."""
    if run.boundary is None or len(run.boundary.frames) < _LEAST_FRAMES:
        return None
    pictures = list(_pictures(run, run.boundary))
    palette = _palette(pictures)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    stream = io.BytesIO()
    durations = [_FIRST, *[_MILLISECONDS] * (len(frames) - 2), _LAST]
    frames[0].save(
        stream, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0
    )
    return stream.getvalue()


def _pictures(run: PlotInput, boundary: Boundary) -> Iterator[Image.Image]:
    """Yields the frames; what does not move is drawn once."""
    sheet, axes = new_plane(run, boundary, note_of(run, boundary))
    sheet.figure.set_dpi(_DPI)
    canvas: Any = FigureCanvasAgg(sheet.figure)
    above = [*draw_rows(axes, run, boundary), *axes.spines.values(), sheet.subtitle]
    for artist in above:
        artist.set_animated(True)
    canvas.draw()
    still = canvas.copy_from_bbox(sheet.figure.bbox)
    for frame in boundary.frames:
        canvas.restore_region(still)
        sheet.subtitle.set_text(caption(frame, run.history))
        ground = draw_ground(axes, run, boundary, frame)
        for artist in (*ground, *above):
            sheet.figure.draw_artist(artist)
        yield Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
        for artist in ground:
            artist.remove()


def caption(frame: Frame, history: History) -> str:
    """Returns the words above a frame: which weights, and the training loss at that time."""
    if frame.final:
        return "the weights that were kept"
    if frame.epoch == 0:
        return "epoch 0: the initial weights"
    loss = next((row.get("loss") for row in history if row.get("epoch") == frame.epoch), None)
    said = "" if loss is None else f", loss {number(loss)}"
    return f"epoch {frame.epoch:,}{said}"


def _palette(pictures: list[Image.Image]) -> Image.Image:
    """Returns the colours of the film, chosen from its start, middle and end."""
    chosen = [pictures[0], pictures[len(pictures) // 2], pictures[-1]]
    width, height = chosen[0].size
    together = Image.new("RGB", (width, height * len(chosen)))
    for place, picture in enumerate(chosen):
        together.paste(picture, (0, height * place))
    return together.quantize(_COLOURS, dither=Image.Dither.NONE)
