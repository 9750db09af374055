"""Which losses expect what: the families that the rules distinguish."""

from __future__ import annotations

from dl.vocabulary.spec import Spec

BINARY = frozenset({"BinaryCrossentropy", "BinaryFocalCrossentropy"})
ONE_HOT = frozenset({"CategoricalCrossentropy", "CategoricalFocalCrossentropy"})
SPARSE = frozenset({"SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy"})
FITTING = frozenset({"crossentropy"})
"""The loss of `dl` that is binary for one output and categorical for several."""
CROSS_ENTROPIES = BINARY | ONE_HOT | SPARSE | FITTING
HINGES = frozenset({"Hinge", "SquaredHinge", "CategoricalHinge"})
CLASSIFICATION = CROSS_ENTROPIES | HINGES | {"KLDivergence"}
PERCEPTRON = "Perceptron"
"""The loss of the perceptron, whose outputs are 0 or 1 already: its rule takes the rows in turn,
and its rate only sets the scale."""
REGRESSION = frozenset(
    {
        "MeanSquaredError",
        "MeanAbsoluteError",
        "MeanAbsolutePercentageError",
        "MeanSquaredLogarithmicError",
        "Huber",
        "LogCosh",
    }
)


def from_logits(loss: Spec) -> bool:
    """Tells whether the loss applies the softmax or sigmoid itself."""
    return loss.parameters.get("from_logits") is True


def right_loss(classes: int | None) -> str:
    """Returns the loss to advise for a target of that many classes."""
    return "binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy"
