"""The nearness of words: a hint that is not near is worse than none."""

from __future__ import annotations

import pytest

from dl.config.load import known_paths
from dl.errors import closest
from dl.vocabulary.catalog import names
from dl.vocabulary.spec import Kind

KEYS = sorted(known_paths())
FILES = ("wine.yaml", "iris.yaml", "mnist.yaml", "digits.yaml", "train.csv")


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("epohcs", KEYS, "epochs"),
        ("epoch", KEYS, "epochs"),
        ("Batch-Size", KEYS, "batch_size"),
        ("batchsize", KEYS, "batch_size"),
        ("optimiser", KEYS, "optimizer"),
        ("callback", KEYS, "callbacks"),
        ("trianing", KEYS, "training"),
        ("traning", KEYS, "training"),
        ("preproces", KEYS, "preprocess"),
        ("val", KEYS, "validation"),
        ("categorial", KEYS, "categorical"),
        ("class_weights", KEYS, "class_weight"),
        ("metric", KEYS, "metrics"),
        ("Dens", names(Kind.LAYER), "Dense"),
        ("Droput", names(Kind.LAYER), "Dropout"),
        ("BatchNorm", names(Kind.LAYER), "BatchNormalization"),
        ("Conv2", names(Kind.LAYER), "Conv2D"),
        ("rlu", names(Kind.ACTIVATION), "relu"),
        ("sofmax", names(Kind.ACTIVATION), "softmax"),
        ("tahn", names(Kind.ACTIVATION), "tanh"),
        ("addam", names(Kind.OPTIMIZER), "adam"),
        ("sdg", names(Kind.OPTIMIZER), "sgd"),
        ("acuracy", names(Kind.METRIC), "accuracy"),
        ("squared_error", names(Kind.LOSS), "mean_squared_error"),
        ("categorical_cross_entropy", names(Kind.LOSS), "categorical_crossentropy"),
        ("sparse_crossentropy", names(Kind.LOSS), "sparse_categorical_crossentropy"),
        ("mnits.yaml", FILES, "mnist.yaml"),
        ("wine", FILES, "wine.yaml"),
        ("wine.yml", FILES, "wine.yaml"),
        ("tarin.csv", FILES, "train.csv"),
        ("irises", ("iris", "wine"), "iris"),
        ("cifar", ("cifar10", "cifar100"), "cifar10"),
        ("val_acuracy", ("loss", "accuracy", "val_loss", "val_accuracy"), "val_accuracy"),
        ("petal widht", ("petal length", "petal width"), "petal width"),
    ],
)  # fmt: skip
def test_typo_leads_to_the_word_that_was_meant(
    word: str, known: tuple[str, ...] | list[str], near: str
) -> None:
    assert closest(word, known) == near


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("sample_weight", KEYS),
        ("validate", KEYS),
        ("max_iter", KEYS),
        ("monitor", KEYS),
        ("generator", KEYS),
        ("alpha", KEYS),
        ("Conv4D", names(Kind.LAYER)),
        ("Linear", names(Kind.LAYER)),
        ("LBFGS", names(Kind.OPTIMIZER)),
        ("mean_error", names(Kind.LOSS)),
        ("than", names(Kind.ACTIVATION)),
        ("nothing.yaml", FILES),
        ("train.yaml", FILES),
        ("a.yaml", ("b.yaml", "c.yaml")),
        ("x5", ("x4", "x6")),
        ("p10", ("p1", "p11")),
        ("fold-2", ("fold-1", "fold-3")),
        ("cat", ("dog", "car wash")),
        ("price", ("pixel", "place of birth")),
        ("", ("a", "abc")),
        ("a" * 1_000_000, ("a",)),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_far_word_leads_nowhere(word: str, known: tuple[str, ...] | list[str]) -> None:
    assert closest(word, known) is None
