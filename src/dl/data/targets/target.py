"""What is known about a target: a part of `preprocess.json`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from dl.config.data import Task
from dl.config.schema import TargetScaling
from dl.errors import UsageError
from dl.runs.typed import Count, Finite, NotZero

Form = Literal["labels", "one_hot", "single", "multilabel", "numbers"]
"""How the loss wants `y`: class numbers as int32 (rows,); one-hot rows as float32 (rows, classes);
0 or 1 as float32 (rows, 1); 0 or 1 for each label as float32 (rows, labels); numbers as float32
(rows, targets).

Where a row has a class, labels or a number at each of several places, such as the steps of a
sequence or the pixels of a mask, the places come behind the rows: class numbers as (rows, *places),
one-hot as (rows, *places, classes), 0 or 1 as (rows, *places, 1), numbers as (rows, *places)."""

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
        units: Number of outputs that the model must have, at each place, where one can tell.
        activation: Function that makes probabilities of the model's outputs.
        probabilities: Whether outputs, after `activation`, are probabilities.
        cut: Value of an output, after `activation`, from which it means the second class or a
            label: the threshold of probabilities, and of what is none.
        scaling: How numbers are scaled; `input`: as the input is, which they are.
        center: Subtracted from each number; one for each target, or for each position on the last
            axis, or one for all.
        spread: What the difference is divided by; one for each target.
        places: The shape of the places of a row; empty where a row has one class or number.
    """

    task: Task
    names: tuple[str, ...]
    form: Form
    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    units: int | None = None
    activation: OutputFunction = "none"
    probabilities: bool = False
    cut: Finite = 0.5
    scaling: TargetScaling | Literal["input"] = "none"
    center: tuple[Finite, ...] = ()
    spread: tuple[NotZero, ...] = ()
    places: tuple[Count, ...] = ()

    @property
    def has_threshold(self) -> bool:
        """Whether a probability is cut at `cut`; of several classes the most probable is taken."""
        return self.probabilities and self.form in ("single", "multilabel")

    def with_threshold(self, threshold: float | None, title: str) -> Target:
        """Returns the target with another threshold of its probabilities, where one is given.

        Args:
            threshold: Probability from which a row is of the second class, or has a label.
            title: What the model is called, for the error.

        Raises:
            UsageError: The model has no probability that a threshold could cut.
        """
        if threshold is None:
            return self
        if not self.has_threshold:
            raise UsageError(
                f"--threshold has no meaning for {title}",
                expected="a model of one probability for two classes, or of a probability for each "
                "label",
                found=decision(self),
                hint="leave --threshold out",
            )
        return replace(self, cut=threshold)


def decision(target: Target) -> str:
    """Words for what decides where no threshold does."""
    if target.task == "regression":
        return "a model that predicts numbers"
    if target.form in ("single", "multilabel"):
        return "a model whose outputs are no probabilities"
    return f"a model of {len(target.classes)} outputs: the largest one decides"
