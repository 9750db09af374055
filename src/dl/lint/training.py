"""Rules on the section `training`: rate, batches, epochs, metrics and callbacks."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.output import output_of
from dl.config.rules.words import spoken
from dl.lint.advice import Advice, Case
from dl.text import plural
from dl.vocabulary.spec import Path, Spec
from dl.vocabulary.traits import (
    BINARY,
    CLASSIFICATION,
    CROSS_ENTROPIES,
    OF_DECISIONS,
    PERCEPTRON,
    RATES,
)

_RATE: Path = ("training", "optimizer", "learning_rate")
_SLOW_SGD = 1e-3
_FEW_ROWS = 20


def learning_rate(case: Case) -> Iterator[Advice]:
    """Each optimizer has a range of rates that make sense."""
    optimizer = case.config.training.optimizer
    rate = _rate(optimizer)
    known = RATES.get(optimizer.type)
    if rate is None or known is None or case.config.training.loss.type == PERCEPTRON:
        return
    least, most, start = known
    if rate > most:
        why = "The steps are so large that the loss jumps about or leaves the numbers."
    elif rate < least:
        why = "The steps are so small that the loss hardly falls within the epochs."
    else:
        return
    message = f"is {rate:g}, outside of {least:g} to {most:g}, the range for {optimizer.type}"
    yield Advice(_RATE, message, why, f"{start:g}")


def slow_sgd(case: Case) -> Iterator[Advice]:
    """Plain SGD with a tiny rate hardly moves."""
    optimizer = case.config.training.optimizer
    rate = _rate(optimizer)
    if optimizer.type != "SGD" or rate is None or optimizer.parameters.get("momentum"):
        return
    if case.config.training.loss.type == PERCEPTRON or not RATES["SGD"][0] <= rate < _SLOW_SGD:
        return
    yield Advice(
        ("training", "optimizer", "momentum"),
        f"is 0 with a learning rate of {rate:g}",
        "Plain SGD with so small a rate needs very many epochs; momentum adds up steps of the "
        "same direction, tenfold at 0.9.",
        "0.9",
    )


def batch_size(case: Case) -> Iterator[Advice]:
    """A batch larger than the training part is the whole of it."""
    size, rows = case.config.training.batch_size, case.counts.training
    if size == "full" or rows is None or size <= rows:
        return
    if "batch_size" not in case.config.training.model_fields_set:
        return
    yield Advice(
        ("training", "batch_size"),
        f"is {size:,}, more than the {plural(rows, 'row')} that are trained on",
        "Each epoch is then a single step, on all rows: plain gradient descent. Say so, or take "
        "smaller batches, which give more steps an epoch.",
        "full" if rows < 2 * _FEW_ROWS else "32",
    )


def one_epoch(case: Case) -> Iterator[Advice]:
    """One pass is seldom enough."""
    if case.config.training.epochs == 1:
        yield Advice(
            ("training", "epochs"),
            "is 1: each row is seen once",
            "A learning curve needs several epochs to show whether the network still learns.",
            "10",
        )


def no_shuffle(case: Case) -> Iterator[Advice]:
    """Rows in the same order each epoch pull the weights in the same way each time."""
    training = case.config.training
    if training.shuffle or training.batch_size == "full" or training.loss.type == PERCEPTRON:
        return
    yield Advice(
        ("training", "shuffle"),
        "is false: each epoch takes the rows in the same order",
        "Where the file is sorted, a batch holds rows of one kind, and the last batches of each "
        "epoch count most.",
        "true",
    )


def no_metrics(case: Case) -> Iterator[Advice]:
    """A classifier is judged by its accuracy."""
    training = case.config.training
    if training.loss.type in CLASSIFICATION | {PERCEPTRON} and not training.metrics:
        yield Advice(
            ("training", "metrics"),
            "is empty: only the loss is measured",
            "A cross-entropy says little to a reader; the share of rows that are right does.",
            "[accuracy]",
        )


def no_accuracy(case: Case) -> Iterator[Advice]:
    """A softmax classifier with other metrics lacks the one that people ask for."""
    training, output = case.config.training, output_of(case.config.model)
    if output is None or output.activation != "softmax" or not training.metrics:
        return
    if training.loss.type not in CROSS_ENTROPIES - BINARY:
        return
    if any(metric.type in OF_DECISIONS for metric in training.metrics):
        return
    names = ", ".join(spoken(metric) for metric in training.metrics)
    yield Advice(
        ("training", "metrics"),
        "measures no accuracy of a softmax classifier",
        "The share of rows that are right is what classifiers are compared by.",
        f"[accuracy, {names}]",
    )


def callback_never_fires(case: Case) -> Iterator[Advice]:
    """A patience as long as the training is no patience."""
    training = case.config.training
    for index, callback in enumerate(training.callbacks):
        if callback.type not in ("EarlyStopping", "ReduceLROnPlateau"):
            continue
        patience = callback.parameters.get("patience")
        start = callback.parameters.get("start_from_epoch") or 0
        if not isinstance(patience, int) or not isinstance(start, int):
            continue
        if start + patience + 1 < training.epochs:
            continue
        later = f" from epoch {start}" if start else ""
        yield Advice(
            ("training", "callbacks", index, "patience"),
            f"is {patience}{later} in a training of {plural(training.epochs, 'epoch')}: "
            f"{callback.type} cannot act",
            "It acts after so many epochs without improvement; the training ends first.",
            str(max(1, training.epochs // 5)),
        )


def keep_best(case: Case) -> Iterator[Advice]:
    """Early stopping without the best weights keeps those that had begun to overfit."""
    for index, callback in enumerate(case.config.training.callbacks):
        if callback.type != "EarlyStopping" or callback.parameters.get("restore_best_weights"):
            continue
        yield Advice(
            ("training", "callbacks", index, "restore_best_weights"),
            "is false: the weights of the last epoch are kept",
            "When it stops, the network has got worse for `patience` epochs; the best weights "
            "are those before.",
            "true",
        )


def _rate(optimizer: Spec) -> float | None:
    """Returns the rate of the first step, where it is a plain number."""
    rate = optimizer.parameters.get("learning_rate")
    if isinstance(rate, Spec):
        rate = rate.parameters.get("initial_learning_rate")
    return float(rate) if isinstance(rate, int | float) else None
