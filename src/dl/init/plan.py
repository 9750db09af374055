"""Chooses a network and a training for an amount of data, and writes their lines.

The numbers come from trials on small public tables and made-up ones: below a thousand rows one
hidden layer with dropout, small batches and patience do best on all of them; larger tables bear
two layers and larger batches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dl.config.data import Task
from dl.init.columns import Target
from dl.init.lines import commented, shown
from dl.text import plural

FEWEST_ROWS_TO_SPLIT = 30
_FEWEST_OF_CLASS = 3
"""A rarer class cannot be in all three parts."""
_RARE = 0.2
"""A class is rare with less than a fifth of the rows that it would have if all had as many."""
_SMALLEST_POOLED = 8
"""Pixels of a side from which pooling goes on: less leaves the dense layer no shape to see."""
_MOST_POOLINGS = 3
"""Halvings of a picture of 64 pixels that end at `_SMALLEST_POOLED`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to split, what network to build and how long to train.

    Attributes:
        validation: Fraction of the rows for validation; 0 where there are too few to hold any back.
        test: Fraction of the rows for the test.
        hidden: Units of the hidden layers; none for pictures, whose network is convolutional.
        dropout: Fraction of units that are hidden in each step.
        batch_size: Rows of a step.
        epochs: Most epochs.
        patience: Epochs without progress after which the training stops; 0 to never stop.
    """

    validation: float
    test: float
    hidden: tuple[int, ...]
    dropout: float
    batch_size: int
    epochs: int
    patience: int


_TINY = (FEWEST_ROWS_TO_SPLIT, Plan(0, 0, (16,), 0, 4, 300, 0))
_SMALL = (1_000, Plan(0.15, 0.2, (64,), 0.3, 16, 300, 30))
_LARGE = (200_000, Plan(0.1, 0.1, (256, 128), 0.2, 128, 50, 8))
_HUGE = (math.inf, Plan(0.05, 0.05, (256, 128), 0.1, 1024, 20, 4))
_CLASSES = (_TINY, _SMALL, (10_000, Plan(0.1, 0.2, (128, 64), 0.3, 32, 100, 15)), _LARGE, _HUGE)
_NUMBERS = (_TINY, _SMALL, (10_000, Plan(0.1, 0.2, (128,), 0.2, 32, 100, 15)), _LARGE, _HUGE)
_PICTURES = (
    _TINY,
    (1_000, Plan(0.15, 0.2, (), 0.5, 16, 60, 10)),
    (10_000, Plan(0.1, 0.2, (), 0.5, 32, 30, 5)),
    (math.inf, Plan(0.1, 0.1, (), 0.5, 64, 10, 3)),
)
"""Plans for fewer rows than the number before each."""


def plan(rows: int, task: Task, *, pictures: bool = False) -> Plan:
    """Returns the plan for so much data."""
    plans = _PICTURES if pictures else _NUMBERS if task == "regression" else _CLASSES
    return next(plan for most, plan in plans if rows < most)


def split_line(plan: Plan, target: Target, own_test: bool) -> str:
    """Returns the line `split`, with a word on why."""
    if not plan.validation:
        few = "too few rows to hold any back: this learns them by heart"
        return commented("  split: {validation: 0, test: 0}", few)
    parts = f"validation: {plan.validation}" + ("" if own_test else f", test: {plan.test}")
    if target.task not in ("binary", "multiclass"):
        return f"  split: {{{parts}}}"
    if target.rarest < _FEWEST_OF_CLASS:
        few = f"a class has only {plural(target.rarest, 'row')}"
        return commented(f"  split: {{{parts}, stratify: false}}", few)
    return commented(f"  split: {{{parts}, stratify: true}}", "the same mix of classes in each")


def dense_layers(plan: Plan, target: Target) -> list[str]:
    """Returns hidden Dense layers, with dropout behind each, and the output layer."""
    lines: list[str] = []
    why = f"hides {plan.dropout:.0%} of the units in each step, against overfitting"
    for place, units in enumerate(plan.hidden):
        lines.append(f"    - {{type: Dense, units: {units}, activation: relu}}")
        if plan.dropout:
            dropout = f"    - {{type: Dropout, rate: {plan.dropout}}}"
            lines.append(commented(dropout, "" if place else why))
    return [*lines, _output_layer(target)]


def image_layers(height: int, width: int, target: Target) -> list[str]:
    """Returns convolutions that halve the picture while it is large enough, and the output."""
    lines: list[str] = []
    for place in range(_MOST_POOLINGS):
        filters = min(32 * 2**place, 128)
        kernel = "kernel_size: 3, padding: same, activation: relu"
        lines.append(f"    - {{type: Conv2D, filters: {filters}, {kernel}}}")
        lines.append("    - MaxPooling2D")
        height, width = height // 2, width // 2
        if min(height, width) < _SMALLEST_POOLED:
            break
    return [*lines, "    - Flatten", "    - {type: Dropout, rate: 0.5}", _output_layer(target)]


_OUTPUTS = {
    "binary": (", activation: sigmoid", "the probability of {last}"),
    "multiclass": (", activation: softmax", "a probability for each class"),
    "multilabel": (", activation: sigmoid", "a probability for each target of its own"),
    "regression": ("", "no activation: any number may come out"),
}
_TRAININGS = {
    "binary": ("binary_crossentropy", "accuracy, AUC"),
    "multiclass": ("sparse_categorical_crossentropy", "accuracy"),
    "multilabel": ("binary_crossentropy", "binary_accuracy"),
    "regression": ("mean_squared_error", "mean_absolute_error, RootMeanSquaredError"),
}


def _output_layer(target: Target) -> str:
    """Returns the last layer: the right number of units and activation for the task."""
    units = {"binary": 1, "regression": len(target.names)}.get(target.task, len(target.classes))
    activation, why = _OUTPUTS[target.task]
    last = shown(target.classes[-1]) if target.classes else ""
    return commented(f"    - {{type: Dense, units: {units}{activation}}}", why.format(last=last))


def training_lines(plan: Plan, target: Target, rows: int) -> list[str]:
    """Returns loss, optimizer, metrics, batches, epochs and early stopping."""
    loss, metrics = _TRAININGS[target.task]
    if target.task == "multiclass" and len(target.names) > 1:  # one-hot
        loss = "categorical_crossentropy"
    lines = [
        f"  loss: {loss}",
        "  optimizer: {type: adam, learning_rate: 1e-3}",
        f"  metrics: [{metrics}]",
        f"  batch_size: {plan.batch_size}",
    ]
    if not plan.patience:
        return [*lines, f"  epochs: {plan.epochs}"]
    limit = "at most: it stops when validation no longer improves"
    lines.append(commented(f"  epochs: {plan.epochs}", limit))
    classes = len(target.classes) if target.task in ("binary", "multiclass") else 0
    if classes and target.rarest < _RARE * rows / classes:
        words = f"the rarest class has {target.rarest} rows; this makes it count as much"
        lines.append(commented("  # class_weight: balanced", words))
    stop = f"monitor: val_loss, patience: {plan.patience}, restore_best_weights: true"
    return [*lines, "  callbacks:", f"    - {{type: EarlyStopping, {stop}}}"]
