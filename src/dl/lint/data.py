"""Rules on rows and labels: scaling, parts, balance, and the loss against the labels."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.monitors import has_validation
from dl.config.rules.words import right_loss, spoken
from dl.config.sections.data import BuiltinData, CsvData, ImagesData, ParquetData
from dl.lint.advice import Advice, Case
from dl.vocabulary.traits import CLASSIFICATION, REGRESSION, SCALING

_FEW_ROWS = 20
_MOST_CLASSES = 50
_UNEVEN = 5


def unscaled_inputs(case: Case) -> Iterator[Advice]:
    """Large inputs make large steps."""
    data, preprocess = case.config.data, case.config.preprocess
    first = next((layer for layer in case.config.model.layers if layer.type != "Input"), None)
    if first is None or first.type in SCALING or first.type == "Embedding":
        return
    if isinstance(data, CsvData | ParquetData | BuiltinData) and preprocess.numeric == "none":
        yield Advice(
            ("preprocess", "numeric"),
            "is none: the columns keep their own units",
            "A column of large numbers drowns the others, and one learning rate cannot suit both.",
            "standardize",
        )
    elif isinstance(data, ImagesData) and preprocess.scale == 1:
        yield Advice(
            ("preprocess", "scale"),
            "is 1: pixels keep their values from 0 to 255",
            "Inputs far from 0 saturate the units and make the first steps much too large.",
            "255",
        )


def no_validation(case: Case) -> Iterator[Advice]:
    """Without a validation part, overfitting does not show."""
    rows = case.counts.training
    if has_validation(case.config.data) or (rows is not None and rows < _FEW_ROWS):
        return
    yield Advice(
        ("data", "split", "validation"),
        "is 0: there is no validation part",
        "The training loss falls even while the network learns rows by heart; only rows that it "
        "does not train on show that.",
        "0.1",
    )


def loss_for_classes(case: Case) -> Iterator[Advice]:
    """Squared errors teach a classifier slowly."""
    loss, output = case.config.training.loss, case.output
    known = case.config.data.task in ("binary", "multiclass") or case.peek.target == "classes"
    squashed = output is not None and output.activation in ("sigmoid", "softmax")
    if loss.type not in REGRESSION or not known or not squashed or output is None:
        return
    classes = 2 if output.activation == "sigmoid" else output.units
    yield Advice(
        ("training", "loss"),
        f"is {spoken(loss)}, a loss for numbers, but the target holds classes",
        f"Where a {output.activation} output is surely wrong, the slope of the squared error is "
        "almost 0: the network learns least from its worst mistakes.",
        right_loss(classes),
    )


def imbalance(case: Case) -> Iterator[Advice]:
    """A rare class is ignored unless it counts more."""
    training, counts = case.config.training, dict(case.counts.classes)
    counts.pop("", None)
    if training.class_weight is not None or training.loss.type not in CLASSIFICATION:
        return
    if not 2 <= len(counts) <= _MOST_CLASSES or sum(counts.values()) < _FEW_ROWS:
        return
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] < _UNEVEN * counts[least]:
        return
    yield Advice(
        ("training", "class_weight"),
        f"is missing: {counts[most]:,} rows are {most[:30]!r}, only {counts[least]:,} are "
        f"{least[:30]!r}",
        "A network that always answers the frequent class is right most of the time; weights "
        "make rows of the rare class count more.",
        "balanced",
    )
