"""Which metric measures which form of target: one table, for the rules, the engine and the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Form = Literal["one", "two", "several", "labels", "number", "numbers"]
"""What a model answers for a row, or for a step or pixel of it: which of two classes, by one output
or by two; which of several classes; which labels it has; one number; several numbers."""

FORMS: Mapping[Form, str] = {
    "one": "two classes told apart by one output",
    "two": "two classes with an output each",
    "several": "several classes",
    "labels": "several labels",
    "number": "one number",
    "numbers": "several numbers",
}
"""The forms in words, for `does not fit a target of …`."""

Sees = Literal["classes", "decisions", "probabilities", "margins", "errors", "rows"]
"""What a metric compares with the truth: the largest output; what is decided by it; the
probabilities; the margins of a hinge loss; numbers, each with its own; all rows at once."""


@dataclass(frozen=True, slots=True)
class MetricForms:
    """What a metric sees, and for each form what to write instead of it; nothing where it fits."""

    sees: Sees
    instead: Mapping[Form, str]


def _metric(sees: Sees, instead: Mapping[Form, str] | None = None) -> MetricForms:
    """Returns a row of the table; a form that is not named fits."""
    return MetricForms(sees, {**dict.fromkeys(FORMS, ""), **(instead or {})})


def _of_classes_alone(instead: str) -> dict[Form, str]:
    """Returns what to write instead of a metric of classes where the target is numbers."""
    return {"number": instead, "numbers": instead}


def _of_numbers_alone(instead: str) -> dict[Form, str]:
    """Returns what to write instead of a metric of numbers where the target is classes."""
    return {"one": instead, "two": instead, "several": instead, "labels": instead}


_NO_CLASS = _of_classes_alone("MeanAbsoluteError")
_DECISIONS = _metric("decisions", _NO_CLASS)
_CURVE = _metric("probabilities", _of_classes_alone("R2Score"))
_LARGEST = _metric("classes", {"one": "accuracy", "labels": "accuracy", **_NO_CLASS})
_AMONG_SEVERAL = _metric(
    "classes", {"one": "accuracy", "two": "accuracy", "labels": "accuracy", **_NO_CLASS}
)
_DISTRIBUTION = _metric(
    "probabilities",
    {
        "one": "BinaryCrossentropy",
        "labels": "BinaryCrossentropy",
        **_of_classes_alone("MeanSquaredError"),
    },
)
_OVERLAP = _metric("classes", {"labels": "BinaryIoU", **_NO_CLASS})
_ONE_HOT_OVERLAP = _metric("classes", {"one": "BinaryIoU", "labels": "BinaryIoU", **_NO_CLASS})
_HINGE = _metric("margins", _NO_CLASS)
_ERROR = _metric("errors")
_ALL_ROWS = _metric("rows", _of_numbers_alone("accuracy"))

METRIC_FORMS: Mapping[str, MetricForms] = {
    "AUC": _CURVE,
    "BinaryAccuracy": _metric("decisions", {"several": "accuracy", **_NO_CLASS}),
    "BinaryCrossentropy": _metric(
        "probabilities",
        {
            "two": "CategoricalCrossentropy",
            "several": "CategoricalCrossentropy",
            **_of_classes_alone("MeanSquaredError"),
        },
    ),
    "BinaryIoU": _metric("decisions", {"several": "MeanIoU", **_NO_CLASS}),
    "CategoricalAccuracy": _LARGEST,
    "CategoricalCrossentropy": _DISTRIBUTION,
    "CategoricalHinge": _metric("margins", {"one": "Hinge", "labels": "Hinge", **_NO_CLASS}),
    "ConcordanceCorrelation": _ALL_ROWS,
    "CosineSimilarity": _metric(
        "errors", {**_of_numbers_alone("accuracy"), "number": "PearsonCorrelation"}
    ),
    "F1Score": _DECISIONS,
    "FBetaScore": _DECISIONS,
    "FalseNegatives": _DECISIONS,
    "FalsePositives": _DECISIONS,
    "Hinge": _HINGE,
    "IoU": _OVERLAP,
    "KLDivergence": _DISTRIBUTION,
    "LogCoshError": _ERROR,
    "MeanAbsoluteError": _ERROR,
    "MeanAbsolutePercentageError": _metric("errors", _of_numbers_alone("MeanAbsoluteError")),
    "MeanIoU": _OVERLAP,
    "MeanSquaredError": _ERROR,
    "MeanSquaredLogarithmicError": _metric("errors", _of_numbers_alone("MeanSquaredError")),
    "OneHotIoU": _ONE_HOT_OVERLAP,
    "OneHotMeanIoU": _ONE_HOT_OVERLAP,
    "PearsonCorrelation": _ALL_ROWS,
    "Poisson": _metric("errors", _of_numbers_alone("MeanSquaredError")),
    "Precision": _DECISIONS,
    "PrecisionAtRecall": _CURVE,
    "R2Score": _ALL_ROWS,
    "Recall": _DECISIONS,
    "RecallAtPrecision": _CURVE,
    "RootMeanSquaredError": _ERROR,
    "SensitivityAtSpecificity": _CURVE,
    "SparseCategoricalAccuracy": _LARGEST,
    "SparseCategoricalCrossentropy": _DISTRIBUTION,
    "SparseTopKCategoricalAccuracy": _AMONG_SEVERAL,
    "SpecificityAtSensitivity": _CURVE,
    "SquaredHinge": _HINGE,
    "TopKCategoricalAccuracy": _AMONG_SEVERAL,
    "TrueNegatives": _DECISIONS,
    "TruePositives": _DECISIONS,
    "accuracy": _metric("classes", _NO_CLASS),
}
"""Every metric of the vocabulary. What to write instead depends on the loss in a few places more:
`dl.config.rules.metrics` knows them."""
