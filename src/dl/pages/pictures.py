"""Pictures inside a page: PNG in the text of a `data:` address."""

from __future__ import annotations

import base64
import io

from PIL import Image

from dl.data.types import Array
from dl.report.input import PlotInput
from dl.report.pixels import has_pictures, pictures

_SIDE = 84
"""Pixels; pictures are shown at this width."""


def data_uris(run: PlotInput, rows: Array) -> list[str]:
    """Returns the picture of each row, or an empty text for each where rows are no pictures."""
    if not has_pictures(run) or not len(rows):
        return [""] * len(rows)
    return [_uri_of(picture) for picture in pictures(run, [int(row) for row in rows], _SIDE)]


def png_uri(content: bytes) -> str:
    """Returns the address that holds the content of a PNG file."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _uri_of(picture: Array) -> str:
    content = io.BytesIO()
    Image.fromarray(picture).convert("RGB").quantize(64).save(content, "PNG", optimize=True)
    return png_uri(content.getvalue())
