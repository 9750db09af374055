"""What was learned, where it fits on a picture: a plane of inputs, a path of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dl.pages.context import Context
from dl.pages.pictures import png_uri
from dl.runs.files import read_regular

_PICTURES = {
    "boundary.png": "What the network says at every point of the plane of its two inputs.",
    "parameter_path.png": "The path of bias and weight over the contours of the loss.",
}


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns the pictures that training drew; None for a network of more inputs."""
    plots = context.entry.run.plots
    found = [
        {"address": png_uri(read_regular(plots / name)), "says": says}
        for name, says in _PICTURES.items()
        if (plots / name).is_file()
    ]
    return {"pictures": found} if found else None
