"""Builds the metrics of a config: each is given target and outputs in the form that it means.

Keras' metrics compare whatever they are given: logits with a threshold of probabilities, the
largest of a single output, scaled numbers in float32. What fits as it is goes to Keras' own metric
directly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from dl.config.rules.facts import output_of
from dl.config.rules.metrics import METRIC_FORMS, values_of
from dl.config.schema import Config
from dl.data.target import Target
from dl.model.objects import build_object
from dl.model.views import OverRows, View, Views, just_below, same
from dl.vocabulary.names import with_names
from dl.vocabulary.spec import Spec

AUTOMATIC_METRIC = "accuracy"
_OF_CLASSES = ("class_id", "top_k", "average", "label_weights", "num_labels")
"""Parameters that ask for a column of each class, also where there are two."""
_COUNTS = "float64"
"""Holds every count of pixels; counts of whole numbers cannot be shared among devices."""

Build = Callable[..., Any]


class Adapted(keras.metrics.Metric):  # type: ignore[misc]
    """A metric that sees target and outputs in another form than the loss does."""

    def __init__(self, metric: Any, truth: View, outputs: View, plain: Any = None) -> None:
        super().__init__(name=metric.name, dtype=metric.dtype)
        self.metric = metric
        self._views = (truth, outputs)
        self._plain = None if plain is None else keras.metrics.serialize(plain)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds rows, as the loss takes them; each counts by its weight, shape (rows,), or each of
        its places does, shape (rows, *places)."""
        truth, outputs = self._views
        seen = truth(y_true)
        if sample_weight is not None and len(seen.shape) < len(sample_weight.shape):
            sample_weight = tf.reshape(sample_weight, (-1,))  # a row for each place
        if sample_weight is not None and isinstance(self.metric, keras.metrics.BinaryIoU):
            # It counts each label of a row, and takes a weight for each.
            sample_weight = tf.broadcast_to(tf.reshape(sample_weight, (-1, 1)), tf.shape(seen))
        self.metric.update_state(seen, outputs(y_pred), sample_weight)

    @classmethod
    def of_mixed(cls, metric: Any, views: Views) -> Adapted:
        """Returns a metric that takes the mixed target of a row for the one it has most of."""
        if not isinstance(metric, cls):
            return cls(metric, views.most, same, metric)
        truth, outputs = metric._views
        metric._views = (lambda y: truth(views.most(y)), outputs)
        return metric

    def result(self) -> Any:
        """Returns the value so far."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Forgets all rows."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Returns the metric of Keras that a saved model has, None where none says the same."""
        return {"metric": self._plain}


def build_metrics(config: Config, target: Target) -> list[Any]:
    """Returns the metrics of a config for a target."""
    logits = values_of(config.training.loss, output_of(config.model).activation) == "logits"
    built = []
    for index, spec in enumerate(with_names(config.training.metrics)):

        def build(spec: Spec = spec, index: int = index, **changed: object) -> Any:
            asked = replace(spec, parameters={**spec.parameters, **changed})
            return build_object(asked, seed=config.seed, path=("training", "metrics", index))

        built.append(_fitting(spec, build, target, logits))
    if config.training.mixing.type != "none":
        return [Adapted.of_mixed(metric, Views(target)) for metric in built]
    return built


def _fitting(spec: Spec, build: Build, target: Target, logits: bool) -> Any:
    views, sees = Views(target), METRIC_FORMS[spec.type]["sees"]
    if spec.type == AUTOMATIC_METRIC:
        return _accuracy(target, views, str(spec.parameters["name"]))
    if sees == "rows":
        metric = OverRows(spec, 1 if target.places else None)
        return Adapted(metric, views.from_center, views.predicted_from_center, build())
    if target.form == "numbers":
        return _of_numbers(spec, views, build, target)
    if sees == "decisions":
        return _of_decisions(spec, views, build)
    if sees == "classes":
        return _of_classes(spec, views, build)
    if sees == "margins":
        return build()
    if sees == "errors":
        return _with(build(), views.natural, views.probabilities if logits else same)
    return _of_probabilities(spec, views, build, logits)


def _accuracy(target: Target, views: Views, name: str) -> Any:
    """Returns the accuracy that fits the form of the target and decides as predictions do."""
    if target.form == "labels":
        return keras.metrics.SparseCategoricalAccuracy(name=name)
    if target.form == "one_hot":
        return keras.metrics.CategoricalAccuracy(name=name)
    return keras.metrics.BinaryAccuracy(name=name, threshold=views.output_threshold)


def _of_numbers(spec: Spec, views: Views, build: Build, target: Target) -> Any:
    """Returns a metric in the target's own unit; in float64 where that is another than scaled."""
    logits = target.activation != "none"
    if logits and "from_logits" in spec.parameters:
        return build(from_logits=True)
    if target.scaling == "none" and not logits:
        return build()
    metric = build() if target.scaling == "none" else build(dtype="float64")
    return Adapted(metric, views.numbers, views.predicted_numbers, None if logits else build())


def _of_decisions(spec: Spec, views: Views, build: Build) -> Any:
    """Returns a metric that counts what predictions decide, or at a threshold of its own.

    Of several classes, Keras' Precision and the like count each whose probability is above 0.5:
    of the most probable alone, all of them would be the accuracy.
    """
    name = "thresholds" if "thresholds" in spec.parameters else "threshold"
    own = spec.parameters.get(name)
    changed: dict[str, object] = {"dtype": _COUNTS} if spec.type == "BinaryIoU" else {}
    changed[name] = 0.5 if own is None else _at_least(float(str(own)), spec)
    if "average" in spec.parameters:
        changed["average"] = spec.parameters["average"] or "macro"
    if spec.parameters.get("top_k") is not None:
        changed[name] = own
    by_class = _by_class(spec)
    every_class = name == "thresholds" and views.several_probabilities
    if own is None and spec.parameters.get("top_k") is None and not every_class:
        outputs = views.decided_of_class if by_class else views.decided
    else:
        outputs = views.probabilities_of_class if by_class else views.flat_probabilities
    truth = views.flat_columns_of_class if by_class else views.columns
    plain = None
    if views.like_keras and not by_class:
        plain = build(
            **{**changed, name: views.probability_threshold if own is None else changed[name]}
        )
    return Adapted(build(**changed), truth, outputs, plain)


def _at_least(threshold: float, spec: Spec) -> float:
    """Returns the threshold that counts outputs from it on; Keras takes none below 0."""
    if spec.type == "BinaryIoU":
        return threshold
    return max(0.0, just_below(threshold))


def _of_classes(spec: Spec, views: Views, build: Build) -> Any:
    """Returns a metric that looks for the largest output, or the decision of a single one."""
    if spec.type in ("IoU", "MeanIoU"):
        metric = build(sparse_y_true=True, sparse_y_pred=True, dtype=_COUNTS)
        return Adapted(metric, views.index, views.predicted)
    if spec.type in ("OneHotIoU", "OneHotMeanIoU"):
        return _with(build(sparse_y_pred=False, dtype=_COUNTS), views.natural, same)
    sparse = spec.type.startswith("Sparse")
    return _with(build(), views.numbered if sparse else views.natural, same)


def _of_probabilities(spec: Spec, views: Views, build: Build, logits: bool) -> Any:
    """Returns a metric of probabilities; cross-entropies take logits, which are more exact."""
    if spec.type.endswith("Crossentropy"):
        sparse = spec.type.startswith("Sparse")
        truth = views.numbered if sparse else views.natural
        return _with(build(from_logits=logits), truth, same)
    if spec.type == "KLDivergence":
        return _with(build(), views.natural, views.probabilities if logits else same)
    changed = {"from_logits": False} if "from_logits" in spec.parameters else {}
    if _by_class(spec):
        truth, outputs = views.flat_columns_of_class, views.probabilities_of_class
        return Adapted(build(**changed), truth, outputs)
    plain = build() if views.like_keras else None
    return Adapted(build(**changed), views.columns, views.flat_probabilities, plain)


def _by_class(spec: Spec) -> bool:
    return any(spec.parameters.get(name) is not None for name in _OF_CLASSES)


def _with(metric: Any, truth: View, outputs: View) -> Any:
    """Returns a metric that sees these views; Keras' own where both are what the loss sees."""
    return metric if truth is same and outputs is same else Adapted(metric, truth, outputs)
