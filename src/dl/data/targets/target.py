"""What is known about a target, and its plain form in `preprocess.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dl.config.sections.data import Task
from dl.config.sections.preprocess import TargetScaling

Form = Literal["labels", "one_hot", "single", "multilabel", "numbers"]
"""How the loss wants `y`: class numbers as int32 (rows,); one-hot rows as float32 (rows, classes);
0 or 1 as float32 (rows, 1); 0 or 1 for each label as float32 (rows, labels); numbers as float32
(rows, targets)."""

OutputFunction = Literal["none", "softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Target:
    """What the model is to predict.

    Attributes:
        task: Kind of task.
        names: Names of the target columns; `target` for arrays and images of one column.
        form: How the loss wants the values.
        classes: Names of the classes in the order of the outputs; empty for regression.
        values: What stands in the data for each class; empty for regression.
        units: Number of outputs that the model must have, where one can tell.
        activation: Function that makes probabilities of the model's outputs.
        probabilities: Whether outputs, after `activation`, are probabilities.
        cut: Value of an output, after `activation`, from which it means the second class or a
            label: the threshold of probabilities, and of what is none.
        scaling: How numbers are scaled.
        center: Subtracted from each number; one for each target.
        spread: What the difference is divided by; one for each target.
    """

    task: Task
    names: tuple[str, ...]
    form: Form
    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    units: int | None = None
    activation: OutputFunction = "none"
    probabilities: bool = False
    cut: float = 0.5
    scaling: TargetScaling = "none"
    center: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    def document(self) -> dict[str, Any]:
        """Returns the target as plain data, for `learned["target"]`."""
        return {
            "task": self.task,
            "names": list(self.names),
            "form": self.form,
            "classes": list(self.classes),
            "values": list(self.values),
            "units": self.units,
            "activation": self.activation,
            "probabilities": self.probabilities,
            "cut": self.cut,
            "scaling": self.scaling,
            "center": list(self.center),
            "spread": list(self.spread),
        }


def target_of(learned: Mapping[str, Any]) -> Target:
    """Returns the target that `learned` tells of."""
    document: Mapping[str, Any] = learned["target"]
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    return Target(**fields)
