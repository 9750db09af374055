"""What the parameters of a metric may be under a form of target."""

from __future__ import annotations

from typing import Any

import pytest

from dl.config.rules.metrics import METRIC_FORMS, Measurable, misfits
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Finding, Kind, Spec
from support.vocabulary import check_object


def spec(kind: Kind, value: object) -> Spec:
    found, findings = check_object(kind, value)
    assert found is not None, findings
    return found


def found(metric: dict[str, Any], form: Any, values: Any, loss: Any, count: int = 3) -> Finding:
    """Returns what is found about a metric."""
    known = Measurable(form, count, values, spec(Kind.LOSS, loss))
    (finding,) = misfits((spec(Kind.METRIC, metric),), known)
    return finding


@pytest.mark.parametrize(
    ("metric", "form", "values", "loss", "text"),
    [
        (
            {"type": "AUC", "from_logits": True},
            "one", "probabilities", "binary_crossentropy",
            ("from_logits", "asks for outputs without activation, but they are probabilities",
             "false", "from_logits: true", "remove from_logits"),
        ),
        (
            {"type": "MeanIoU", "num_classes": 2},
            "several", "probabilities", "categorical_crossentropy",
            ("num_classes", "is not the number of classes: there are 3 classes",
             "3", "num_classes: 2", "write num_classes: 3"),
        ),
        (
            {"type": "TopKCategoricalAccuracy", "k": 5},
            "several", "logits", "categorical_crossentropy",
            ("k", "counts every class, whatever the network says: there are 3 classes",
             "less than 3", "k: 5", "remove k"),
        ),
        (
            {"type": "Precision", "thresholds": 0.5},
            "one", "margins", "hinge",
            ("thresholds", "cuts probabilities, but there are none under hinge",
             None, "thresholds: 0.5", "remove thresholds: what predictions decide is counted"),
        ),
        (
            {"type": "BinaryAccuracy", "threshold": 0.0},
            "one", "logits", "binary_crossentropy",
            ("threshold",
             "counts every row as positive: it is a probability, also where there are logits",
             "a number above 0", "threshold: 0.0", "remove threshold: 0.5 is the logit 0"),
        ),
        (
            {"type": "PearsonCorrelation", "axis": 0},
            "number", "scores", "mean_squared_error",
            ("axis", "is not what it is measured along: it is measured over all rows",
             "-1", "axis: 0", "remove axis"),
        ),
        (
            {"type": "Recall", "class_id": 3},
            "several", "probabilities", "categorical_crossentropy",
            ("class_id", "names no class: there are 3 classes, counted from 0",
             "less than 3", "class_id: 3", "write the position of a class"),
        ),
        (
            {"type": "AUC", "multi_label": True, "num_labels": 2},
            "labels", "probabilities", "binary_crossentropy",
            ("num_labels", "is not the number of outputs: there are 3 labels",
             "3", "num_labels: 2", "remove it"),
        ),
    ],
)  # fmt: skip
def test_parameter_that_does_not_fit_is_refused_at_its_place(
    metric: dict[str, Any], form: Any, values: Any, loss: str, text: tuple[str, ...]
) -> None:
    finding = found(metric, form, values, loss)

    name, *words = text
    assert finding.path == ("training", "metrics", 0, name)
    assert [finding.message, finding.expected, finding.found, finding.hint] == words


@pytest.mark.parametrize("loss", ["circle", "ctc"])
def test_nothing_is_measured_where_outputs_are_no_answers(loss: str) -> None:
    finding = found({"type": "accuracy"}, "several", "probabilities", loss)

    assert finding.message.startswith("has nothing to measure: ")
    assert finding.path == ("training", "metrics", 0)


def test_table_has_every_metric() -> None:
    assert set(METRIC_FORMS) == set(entries(Kind.METRIC))
