"""The weight of each class in the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dl.data.targets.encode import class_indexes
from dl.data.targets.target import Target
from dl.data.types import Array
from dl.errors import closest
from dl.text import listing
from dl.vocabulary.spec import Finding, Findings


def class_weights(
    y: Array,
    target: Target,
    setting: Literal["balanced"] | Mapping[str, float] | None,
) -> dict[int, float] | None:
    """Returns Keras' `class_weight` for `training.class_weight`.

    `balanced` weighs each class by rows / (classes * rows of the class), so that every class counts
    the same; a class that the training part lacks weighs 1. A class that a mapping leaves out
    weighs 1.

    Args:
        y: The training targets in the target's form.
        target: What the model predicts.
        setting: `training.class_weight`.

    Raises:
        Findings: The target has no classes, or the setting names none of them.
    """
    if setting is None:
        return None
    if target.task in ("regression", "multilabel"):
        raise _no_classes(target)
    if setting == "balanced":
        return _balanced(class_indexes(y, target).reshape(-1), len(target.classes))
    _refuse_unknown(setting, target)
    return {position: setting.get(name, 1.0) for position, name in enumerate(target.classes)}


def row_weights(y: Array, target: Target, weights: Mapping[int, float] | None) -> Array | None:
    """Returns the weight of each row's class, or of each place, shape (rows, *places).

    Keras gives rows the same by its `class_weight`, but knows none for places.
    """
    if weights is None:
        return None
    table = np.array([weights[number] for number in range(len(weights))], np.float32)
    return np.asarray(table[class_indexes(y, target)])


def _balanced(positions: NDArray[np.integer[Any]], classes: int) -> dict[int, float]:
    counts = np.bincount(positions, minlength=classes)
    present = int((counts > 0).sum())
    return {
        position: len(positions) / (present * int(count)) if count else 1.0
        for position, count in enumerate(counts)
    }


def _no_classes(target: Target) -> Findings:
    many = target.task == "multilabel"
    return Findings.one(
        ("training", "class_weight"),
        "weighs classes, but the target has none",
        expected="a target of classes",
        found="several labels for each row" if many else "a target of numbers",
        hint="remove class_weight",
        at_key=True,
    )


def _refuse_unknown(setting: Mapping[str, float], target: Target) -> None:
    findings = [_unknown(name, target) for name in setting if name not in target.classes]
    if findings:
        raise Findings(findings)


def _unknown(name: str, target: Target) -> Finding:
    near = closest(name, target.classes)
    return Finding(
        ("training", "class_weight", name),
        "is not a class of the target",
        expected=f"one of {listing(target.classes, '', 12)}",
        found=name,
        hint=f"did you mean {near}?" if near else "name the classes as the data does",
        at_key=True,
    )
