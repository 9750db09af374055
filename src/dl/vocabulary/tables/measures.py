"""The parameters of losses and metrics."""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.tables.ranges import (
    ABOVE_ZERO,
    AMOUNT,
    BOOLEAN,
    COUNT,
    DTYPE,
    INTEGER,
    NOT_NEGATIVE,
    SHARE,
    SHARE_BELOW_ONE,
    Row,
)
from dl.vocabulary.types import Choice, Integer, ListOf, Nullable, Number

_THRESHOLD = "Probability from which a row counts as positive; none decides as predictions do."

MEASURES: Mapping[str, Row] = {
    "apply_class_balancing": (BOOLEAN, "Weight the classes by `alpha`."),
    "beta": (NOT_NEGATIVE, "Weight of false negatives."),
    "class_aggregation": (
        Choice(("uniform_average", "variance_weighted_average")),
        "How the outputs are joined.",
    ),
    "class_id": (Nullable(AMOUNT), "The class to measure, counted from 0; none is all."),
    "curve": (Choice(("ROC", "PR", "PRGAIN")), "The curve whose area is measured."),
    "delta": (ABOVE_ZERO, "Where the loss turns from square to linear."),
    "dtype": (Nullable(DTYPE), "Type of numbers to compute in; none is float32."),
    "from_logits": (BOOLEAN, "The outputs are logits, not probabilities."),
    "from_sorted_ids": (BOOLEAN, "The outputs are class numbers, best first."),
    "gamma": (NOT_NEGATIVE, "How much easy rows are weighted down."),
    "ignore_class": (Nullable(INTEGER), "The class that does not count."),
    "k": (COUNT, "How many of the best classes count."),
    "label_smoothing": (SHARE_BELOW_ONE, "Share of the label spread over all classes."),
    "label_weights": (Nullable(ListOf(NOT_NEGATIVE)), "Weight of each label."),
    "margin": (SHARE, "Margin between like and unlike."),
    "multi_label": (BOOLEAN, "Each output is a label of its own."),
    "num_classes": (Integer(2), "Number of classes."),
    "num_labels": (Nullable(COUNT), "Number of labels."),
    "num_regressors": (AMOUNT, "Number of inputs, for the adjusted value; 0 is none."),
    "num_thresholds": (Integer(2), "Number of thresholds to try."),
    "precision": (SHARE, "The precision that is asked for."),
    "q": (Number(above=0, below=1), "From cross-entropy (near 0) to absolute error (near 1)."),
    "recall": (SHARE, "The recall that is asked for."),
    "reduction": (
        Choice(("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight")),
        "How the rows of a batch are joined.",
    ),
    "remove_diagonal": (BOOLEAN, "Leave out the pair of a row with itself."),
    "sensitivity": (SHARE, "The sensitivity that is asked for."),
    "sparse_y_pred": (BOOLEAN, "The outputs are class numbers."),
    "sparse_y_true": (BOOLEAN, "The targets are class numbers."),
    "specificity": (SHARE, "The specificity that is asked for."),
    "summation_method": (
        Choice(("interpolation", "minoring", "majoring")),
        "How the area is summed.",
    ),
    "target_class_ids": (ListOf(AMOUNT), "The classes to measure, counted from 0."),
    "threshold": (Nullable(SHARE), _THRESHOLD),
    "thresholds": (Nullable(SHARE), _THRESHOLD),
    "top_k": (Nullable(COUNT), "How many of the best classes count; none is all."),
}
