"""The section `model`: the layers of a `Sequential` model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dl.config.objects import ObjectOf
from dl.config.sections.base import PositiveInt, Section
from dl.vocabulary.spec import Kind, Spec


class Model(Section):
    """A stack of layers."""

    input_shape: tuple[PositiveInt | None, ...] | None = Field(
        default=None, description="Shape of one input row. Default: that of the data."
    )
    layers: Annotated[
        tuple[Annotated[Spec, ObjectOf(Kind.LAYER)], ...],
        Field(min_length=1, description="The layers, from input to output."),
    ]
