"""Rules on the target: its kind against the loss, and its classes against the outputs."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.partial import Facts
from dl.config.rules.words import right_loss, spoken
from dl.errors import closest
from dl.vocabulary.spec import Finding, Path
from dl.vocabulary.traits import (
    BINARY,
    CLASSIFICATION,
    CROSS_ENTROPIES,
    FITTING,
    LINEAR,
    ONE_HOT,
    REGRESSION,
    SPARSE,
    UNBOUNDED,
)

_LOSS: Path = ("training", "loss")


def classes_of(facts: Facts) -> int | None:
    """Returns the number of classes, where the config or a look at the data tells it."""
    if facts.data is not None and facts.data.classes is not None:
        return len(facts.data.classes)
    return facts.peek.classes


def is_regression(facts: Facts) -> bool:
    """Tells whether the target is certainly a number to predict, not a class."""
    if facts.data is None:
        return False
    if facts.data.task is not None:
        return facts.data.task == "regression"
    if facts.data.classes is not None or facts.peek.target in ("classes", "text"):
        return False
    if facts.peek.target == "numbers":
        return True
    loss = facts.training.loss.type if facts.training else None
    return loss in REGRESSION and facts.output is not None and facts.output.activation == LINEAR


def task_fits_loss(facts: Facts) -> Iterator[Finding]:
    """A task that the config states agrees with the loss."""
    if facts.data is None or facts.data.task is None or facts.training is None:
        return
    task, loss = facts.data.task, facts.training.loss
    units = facts.output.units if facts.output is not None else None
    # Binary losses compare several shares of 1, too, and the divergence compares distributions.
    of_numbers = {"KLDivergence"} | (BINARY if facts.peek.columns != 1 else set())
    wrong = {
        "regression": CLASSIFICATION - of_numbers,
        "multiclass": BINARY if units == 1 else frozenset(),
        "multilabel": SPARSE | ONE_HOT | FITTING,
    }
    advice = {
        "regression": "mean_squared_error",
        "multiclass": "sparse_categorical_crossentropy",
        "multilabel": "binary_crossentropy",
    }
    if loss.type in wrong.get(task, frozenset()):
        yield Finding(
            _LOSS,
            f"does not fit data.task: {task}",
            expected=f"a loss for {task}, such as {advice[task]}",
            found=spoken(loss),
        )


def target_fits_loss(facts: Facts) -> Iterator[Finding]:
    """Text needs a loss for classes, numbers need a loss for regression."""
    if facts.training is None or facts.data is None or facts.data.task is not None:
        return
    loss, peek = facts.training.loss, facts.peek
    column = _target_name(facts)
    if peek.target == "numbers" and loss.type in CROSS_ENTROPIES:
        yield Finding(
            _LOSS,
            f"needs classes, but {column} holds numbers",
            expected="a loss for regression",
            found=spoken(loss),
            hint="use loss: mean_squared_error with a Dense output of one unit and no activation",
        )
    unbounded = facts.output is not None and facts.output.activation in UNBOUNDED
    if peek.target == "text" and loss.type in REGRESSION and unbounded:
        yield Finding(
            _LOSS,
            f"needs numbers, but {column} holds text{labels_text(facts)}",
            expected="a loss for classification",
            found=spoken(loss),
            hint=f"use loss: {right_loss(peek.classes)}",
        )


def _target_name(facts: Facts) -> str:
    target = getattr(facts.data, "target", None)
    return f"the target `{target}`" if isinstance(target, str) else "the target"


def classes_place(facts: Facts) -> str:
    """Returns the words for where the classes come from."""
    if facts.data is not None and facts.data.classes is not None:
        return "data.classes"
    target = getattr(facts.data, "target", None)
    return f"the column `{target}`" if isinstance(target, str) else "the data"


def labels_text(facts: Facts) -> str:
    """Returns the few known classes in brackets with a space before, or nothing."""
    given = facts.data.classes if facts.data is not None else None
    labels = given or facts.peek.labels
    if not labels or len(labels) > 10:
        return ""
    return f" ({', '.join(label[:30] for label in labels)})"


def target_is_not_scaled_for_classes(facts: Facts) -> Iterator[Finding]:
    """Only a regression target can be scaled."""
    if facts.preprocess is None or facts.preprocess.target == "none":
        return
    loss = facts.training.loss if facts.training else None
    stated = facts.data.task if facts.data else None
    classes = stated is None and loss is not None and loss.type in CLASSIFICATION
    if classes or stated not in (None, "regression"):
        reason = f"the loss is {spoken(loss)}" if loss else f"data.task is {stated}"
        yield Finding(
            ("preprocess", "target"),
            f"scales numbers, but the target holds classes: {reason}",
            expected="none",
            found=repr(facts.preprocess.target),
        )


def classes_weigh_only_classes(facts: Facts) -> Iterator[Finding]:
    """`class_weight` belongs to classification, and its keys are classes."""
    if facts.training is None or facts.training.class_weight is None:
        return
    weights = facts.training.class_weight
    if is_regression(facts):
        yield Finding(
            ("training", "class_weight"),
            "weighs classes, but the target is a number (regression)",
            found=f"loss: {spoken(facts.training.loss)}",
            hint="remove class_weight",
        )
    elif isinstance(weights, dict):
        yield from _unknown_classes(facts, tuple(weights))


def _unknown_classes(facts: Facts, keys: tuple[str, ...]) -> Iterator[Finding]:
    given = facts.data.classes if facts.data is not None else None
    known = given or facts.peek.labels
    for key in keys:
        if known is not None and key not in known:
            near = closest(key, known)
            yield Finding(
                ("training", "class_weight", key),
                f"is not a class of {classes_place(facts)}",
                expected=f"one of {', '.join(known[:10])}{' ...' if len(known) > 10 else ''}",
                found=key,
                hint=f"did you mean {near}?" if near else None,
                at_key=True,
            )


def stratify_needs_classes(facts: Facts) -> Iterator[Finding]:
    """A split can keep the shares of classes only where there are classes."""
    if facts.data is None or facts.data.split.stratify is not True or not is_regression(facts):
        return
    yield Finding(
        ("data", "split", "stratify"),
        "keeps the shares of classes, but the target is a number (regression)",
        expected="false, or a target with classes",
        found="true",
        hint="remove stratify",
    )
