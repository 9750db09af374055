"""The section `evaluation`: how the outputs of the model become decisions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dl.config.sections.base import Section, Worded

Probability = Annotated[
    float, Field(gt=0, lt=1, allow_inf_nan=False), Worded("a number between 0 and 1")
]


class Evaluation(Section):
    """What the metrics, the pictures and the predictions take for granted."""

    threshold: Probability = Field(
        default=0.5,
        description="Probability from which a row is of the second of two classes, or has a "
        "label: for predictions, accuracy, and metrics that count decisions (Precision, Recall, "
        "F1Score, BinaryIoU, TruePositives and the like), also under logits.",
    )
