"""What only `dl` has, or names in a way of its own: entries beside those of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dl.vocabulary.spec import Kind


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """A thing of `dl`'s own.

    Attributes:
        name: Its canonical name.
        summary: One line on what it does.
        aliases: Other spellings.
        default_name: What it is called in the history where no name is given.
        required: The parameters that must be given.
        defaults: The other parameters with their defaults.
    """

    name: str
    summary: str
    aliases: tuple[str, ...] = ()
    default_name: str | None = None
    required: tuple[str, ...] = ()
    defaults: Mapping[str, object] = field(default_factory=dict)


OWN: Mapping[Kind, tuple[OwnEntry, ...]] = {
    Kind.METRIC: (
        OwnEntry(
            "accuracy",
            "Share of the rows that are predicted right, whatever the form of the target.",
            aliases=("acc", "Accuracy"),
            default_name="accuracy",
            defaults={"name": "accuracy"},
        ),
    ),
    Kind.ACTIVATION: (OwnEntry("heaviside", "The threshold unit: 1 where x >= 0, else 0."),),
    Kind.CALLBACK: (
        OwnEntry(
            "StopAtZeroErrors",
            "Stop after an epoch in which every row was predicted right.",
            aliases=("stop_at_zero_errors",),
            defaults={"monitor": "accuracy"},
        ),
    ),
    Kind.LOSS: (
        OwnEntry(
            "Perceptron",
            "The perceptron's loss -(y - h) w·x of heaviside outputs h.",
            aliases=("perceptron",),
            default_name="perceptron",
        ),
        OwnEntry(
            "crossentropy",
            "The cross-entropy that fits the output and the form of the target.",
            aliases=("ce",),
            default_name="crossentropy",
        ),
    ),
}
"""Keras gives the names `accuracy` and `crossentropy` a meaning by the shape of the output."""
