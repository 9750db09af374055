"""The parameters of activations, initializers, regularizers and constraints."""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.tables.ranges import (
    ABOVE_ZERO,
    ANY_NUMBER,
    AXES,
    NOT_NEGATIVE,
    Row,
)
from dl.vocabulary.types import Choice, Integer, Nullable

FUNCTIONS: Mapping[str, Row] = {
    "alpha": (ANY_NUMBER, "Scale below zero."),
    "distribution": (
        Choice(("truncated_normal", "untruncated_normal", "uniform")),
        "Distribution of the random numbers.",
    ),
    "gain": (ANY_NUMBER, "Factor of the matrix."),
    "input_axes": (Nullable(AXES), "Axes of the weights that belong to the input."),
    "l1": (NOT_NEGATIVE, "Weight of the sum of absolute values."),
    "l2": (NOT_NEGATIVE, "Weight of the sum of squares."),
    "max_value": (ABOVE_ZERO, "Largest value or norm."),
    "maxval": (ANY_NUMBER, "Upper limit of the random numbers."),
    "mean": (ANY_NUMBER, "Mean of the random numbers."),
    "min_value": (NOT_NEGATIVE, "Least norm."),
    "minval": (ANY_NUMBER, "Lower limit of the random numbers."),
    "output_axes": (Nullable(AXES), "Axes of the weights that belong to the output."),
    "seed": (Nullable(Integer(0)), "Seed of its own; none takes one from the run's seed."),
    "stddev": (NOT_NEGATIVE, "Standard deviation of the random numbers."),
    "value": (ANY_NUMBER, "The value."),
}
