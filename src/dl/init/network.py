"""Writes the layers and the training of a first config."""

from __future__ import annotations

from dl.init.facts import Target
from dl.init.plan import Plan
from dl.init.yaml_text import commented, shown

_RARE = 0.1
_SMALLEST_POOLED = 8
_MOST_POOLINGS = 3


def dense_layers(plan: Plan, target: Target) -> list[str]:
    """Returns hidden Dense layers, with dropout behind each, and the output layer."""
    lines = []
    for units in plan.hidden:
        lines.append(f"    - {{type: Dense, units: {units}, activation: relu}}")
        if plan.dropout:
            share = f"hides {plan.dropout:.0%} of the units in each step, against overfitting"
            dropout = f"    - {{type: Dropout, rate: {plan.dropout}}}"
            lines.append(commented(dropout, "" if len(lines) > 1 else share))
    return [*lines, output_layer(target)]


def image_layers(height: int, width: int, target: Target) -> list[str]:
    """Returns convolutions that halve the picture while it is large enough, and the output."""
    lines, filters = [], 32
    for _ in range(_MOST_POOLINGS):
        kernel = "kernel_size: 3, padding: same, activation: relu"
        line = f"    - {{type: Conv2D, filters: {filters}, {kernel}}}"
        lines += [line, "    - MaxPooling2D"]
        height, width, filters = height // 2, width // 2, min(2 * filters, 128)
        if min(height, width) < _SMALLEST_POOLED:
            break
    return [*lines, "    - Flatten", "    - {type: Dropout, rate: 0.5}", output_layer(target)]


def output_layer(target: Target) -> str:
    """Returns the last layer: the right number of units and activation for the task."""
    units = {"binary": 1, "regression": len(target.names)}.get(target.task, len(target.classes))
    activation = {"binary": ", activation: sigmoid", "multilabel": ", activation: sigmoid"}
    shape = activation.get(target.task, ", activation: softmax")
    if target.task == "regression":
        shape = ""
    layer = f"    - {{type: Dense, units: {units}{shape}}}"
    return commented(layer, _OUTPUT[target.task].format(last=_last(target)))


_OUTPUT = {
    "binary": "the probability of {last}",
    "multiclass": "a probability for each class",
    "multilabel": "a probability for each target of its own",
    "regression": "no activation: any number may come out",
}


def _last(target: Target) -> str:
    return shown(target.classes[-1]) if target.classes else ""


def training_lines(plan: Plan, target: Target, rows: int) -> list[str]:
    """Returns loss, optimizer, metrics, batches, epochs and early stopping."""
    lines = [
        f"  loss: {_loss(target)}",
        "  optimizer: {type: adam, learning_rate: 1e-3}",
        f"  metrics: [{_METRICS[target.task]}]",
        f"  batch_size: {plan.batch_size}",
    ]
    if not plan.patience:
        return [*lines, f"  epochs: {plan.epochs}"]
    limit = "at most: it stops when validation no longer improves"
    stop = f"monitor: val_loss, patience: {plan.patience}, restore_best_weights: true"
    return [
        *lines,
        commented(f"  epochs: {plan.epochs}", limit),
        *_rare_class(target, rows),
        "  callbacks:",
        f"    - {{type: EarlyStopping, {stop}}}",
    ]


_METRICS = {
    "binary": "accuracy, AUC",
    "multiclass": "accuracy",
    "multilabel": "binary_accuracy",
    "regression": "mean_absolute_error, RootMeanSquaredError",
}


def _loss(target: Target) -> str:
    if target.task == "multiclass":
        one_hot = len(target.names) > 1
        return "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    return "mean_squared_error" if target.task == "regression" else "binary_crossentropy"


def _rare_class(target: Target, rows: int) -> list[str]:
    """Returns an offer to weight the classes where one is much rarer than its share."""
    if target.task not in ("binary", "multiclass"):
        return []
    if target.rarest >= 2 * _RARE * rows / len(target.classes):
        return []
    words = f"the rarest class has {target.rarest} rows; this makes it count as much"
    return [commented("  # class_weight: balanced", words)]
