"""The data sets that a config takes by their name: what is known of each without loading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_DIGITS = tuple("0123456789")
_NUMBERED = tuple(map(str, range(100)))


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set.

    Attributes:
        rows: Its rows, without a test part of its own; of made-up rows the default.
        shape: The shape of a row; None where the config sets it (texts).
        classes: The names of the classes in the order of their numbers; empty for numbers to
            predict.
        target: The column to predict, of a table.
        file: Where Keras keeps it, in its folder `datasets`.
        picture: Whether a row is a picture.
        noise: The default standard deviation of the noise of made-up rows.
    """

    rows: int
    shape: tuple[int, ...] | None
    classes: tuple[str, ...] = ()
    target: str = "target"
    file: str = ""
    picture: bool = False
    noise: float = 0.0


BUILTIN: Mapping[str, DataSet] = {
    "iris": DataSet(150, (4,), ("setosa", "versicolor", "virginica"), "species"),
    "wine": DataSet(178, (13,), ("class_0", "class_1", "class_2"), "cultivar"),
    "breast_cancer": DataSet(569, (30,), ("malignant", "benign"), "diagnosis"),
    "digits": DataSet(1797, (64,), _DIGITS, "digit"),
    "diabetes": DataSet(442, (10,), target="progression"),
}
"""scikit-learn's, which lie in its package: `sklearn.datasets.load_NAME`."""
KERAS: Mapping[str, DataSet] = {
    "mnist": DataSet(60_000, (28, 28), _DIGITS, file="mnist.npz", picture=True),
    "fashion_mnist": DataSet(
        60_000,
        (28, 28),
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        file="fashion-mnist/train-images-idx3-ubyte.gz and the three others",
        picture=True,
    ),
    "cifar10": DataSet(
        50_000,
        (32, 32, 3),
        (
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
        file="cifar-10-batches-py/",
        picture=True,
    ),
    "cifar100": DataSet(50_000, (32, 32, 3), _NUMBERED, file="cifar-100-python/", picture=True),
    "california_housing": DataSet(16_512, (8,), file="california_housing.npz"),
    "boston_housing": DataSet(404, (13,), file="boston_housing.npz"),
    "imdb": DataSet(25_000, None, ("negative", "positive"), file="imdb.npz"),
    "reuters": DataSet(8_982, None, _NUMBERED[:46], file="reuters.npz"),
}
"""Those that Keras downloads: `keras.datasets.NAME`; their test rows lie apart."""
_GATE = DataSet(4, (2,), ("0", "1"))
_CURVES = DataSet(1000, (2,), ("0", "1"), noise=0.1)
SYNTHETIC: Mapping[str, DataSet] = {
    "and": _GATE,
    "or": _GATE,
    "xor": _GATE,
    "moons": _CURVES,
    "circles": _CURVES,
    "spiral": _CURVES,
    "blobs": DataSet(1000, (2,), ("0", "1"), noise=1.0),
    "linear": DataSet(1000, (1,), noise=1.0),
}
"""Made-up rows."""
WORDS, LENGTH = 10_000, 200
"""Of data sets of texts: how many words are kept, and how many of each text."""
