"""The section `engine`: how the training is run; it changes the speed, not what is learned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dl.config.sections.base import PositiveInt, Section


class Engine(Section):
    """How the steps of the training are run."""

    compile: bool | Literal["auto"] = Field(
        default="auto",
        description="Compile the steps with XLA. Default: where the layers and sizes gain by it.",
    )
    steps_per_call: PositiveInt | Literal["auto"] = Field(
        default="auto",
        description="Steps between two looks at progress and signals. Default: from the sizes.",
    )
    memory: PositiveInt | Literal["auto"] = Field(
        default="auto",
        description="Megabytes that the rows of a csv, parquet or images source may take as "
        "numbers. Larger data is kept on disk and streamed: the same results, slower reading. "
        "Default: a tenth of the available memory.",
    )
    distribute: Literal["none", "mirrored"] = Field(
        default="none",
        description="Share each batch among all GPUs of this machine (`mirrored`, by "
        "tf.distribute.MirroredStrategy); then the batch size is a multiple of their number.",
    )
