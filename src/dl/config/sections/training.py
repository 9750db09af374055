"""The section `training`: loss, optimizer, metrics, batches, epochs and callbacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from dl.config.objects import ObjectOf
from dl.config.sections.base import PositiveFloat, PositiveInt, Section
from dl.vocabulary.measured import called_here, metric_name
from dl.vocabulary.spec import Kind, Spec


class Training(Section):
    """How the model learns."""

    loss: Annotated[Spec, ObjectOf(Kind.LOSS)] = Field(description="What is minimised.")
    optimizer: Annotated[Spec, ObjectOf(Kind.OPTIMIZER)] = Field(
        default="adam",
        validate_default=True,
        description="How the weights are changed.",
    )
    metrics: tuple[Annotated[Spec, ObjectOf(Kind.METRIC)], ...] = Field(
        default=(), description="What is measured beside the loss."
    )
    batch_size: PositiveInt | Literal["full"] = Field(
        default=32, description="Rows of a step, or `full` for plain gradient descent."
    )
    solver: Literal["gradient_descent", "normal_equation"] = Field(
        default="gradient_descent",
        description="How the weights are found: step by step, or for one linear Dense layer under "
        "mean_squared_error at once by the normal equation.",
    )
    epochs: PositiveInt = Field(default=10, description="Passes over the training part.")
    shuffle: bool = Field(default=True, description="Take the rows in a new order each epoch.")
    sampling: Literal["without_replacement", "with_replacement"] = Field(
        default="without_replacement",
        description="Every row once an epoch, or as many rows drawn at random, some of them twice.",
    )
    class_weight: Literal["balanced"] | dict[str, PositiveFloat] | None = Field(
        default=None,
        description="Weight of each class in the loss: `balanced`, or a number for each class.",
    )
    callbacks: tuple[Annotated[Spec, ObjectOf(Kind.CALLBACK)], ...] = Field(
        default=(), description="Keras' callbacks."
    )

    @field_validator("callbacks")
    @classmethod
    def _watch_what_is_measured(
        cls, callbacks: tuple[Spec, ...], info: ValidationInfo
    ) -> tuple[Spec, ...]:
        """Calls what a callback watches as the history does: `val_mae`, whatever was written."""
        metrics = info.data.get("metrics", ())
        return tuple(_watching(callback, metrics) for callback in callbacks)


def _watching(callback: Spec, metrics: tuple[Spec, ...]) -> Spec:
    monitor = callback.parameters.get("monitor")
    if not isinstance(monitor, str):
        return callback
    names = [f"{part}{metric_name(metric)}" for metric in metrics for part in ("", "val_")]
    named = called_here(monitor, names, metrics)
    return replace(callback, parameters={**callback.parameters, "monitor": named})
