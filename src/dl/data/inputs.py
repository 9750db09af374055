"""How inputs become numbers: the same front for tables and for arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl.config.schema import Config
from dl.data.arrays.prepare import ArrayFeature, array_feature_of, learn_arrays, transform_arrays
from dl.data.preprocessing import feature_names, learn_features, transform
from dl.data.preprocessing.features import Feature, document, features_of
from dl.data.preprocessing.transform import Warn
from dl.data.raw import Raw, RawParts, RawTable
from dl.data.tokens import Tokens, tokens_of
from dl.data.types import Array, Rows
from dl.errors import DataError
from dl.progress import Reporter


@dataclass(frozen=True, slots=True)
class TableInputs:
    """How the columns of a table become numbers.

    Attributes:
        features: What was learned about each column.
        tokens: What the model looks up, if it does.
    """

    features: tuple[Feature, ...]
    tokens: Tokens | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of `x`."""
        return feature_names(self.features)

    @property
    def image(self) -> bool:
        """Rows of a table are no pictures."""
        return False

    @property
    def pixel_max(self) -> float:
        """Meaningless for tables."""
        return 1.0

    @property
    def scaling(self) -> None:
        """Each column has a scaling of its own."""
        return None

    def apply(self, raw: Raw, reporter: Reporter) -> Array:
        """Returns the rows as numbers, shape (rows, columns)."""
        if not isinstance(raw, RawTable):
            raise DataError(f"{raw.source}: holds arrays, but the model takes columns of a table")
        return self.numbers(raw, lambda unseen: reporter.warn(unseen.text()))

    def numbers(self, table: RawTable, warn: Warn) -> NDArray[np.float32]:
        """Returns the rows as numbers; see `transform`."""
        return transform(table, self.features, warn, self.tokens)

    def document(self) -> list[dict[str, Any]]:
        """Returns what was learned as plain data, for `learned["features"]`."""
        return [document(feature) for feature in self.features]


@dataclass(frozen=True, slots=True)
class ArrayInputs:
    """How arrays become numbers.

    Attributes:
        feature: What was learned.
        tokens: What the model looks up, if it does.
    """

    feature: ArrayFeature
    tokens: Tokens | None

    @property
    def names(self) -> tuple[str, ...]:
        """Arrays have no columns with names."""
        return ()

    @property
    def image(self) -> bool:
        """Whether a row of `x` is a picture."""
        return self.feature.image

    @property
    def pixel_max(self) -> float:
        """The value of `x` that is full brightness."""
        return self.feature.pixel_max

    @property
    def scaling(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """What is subtracted from values as read and what they are divided by, if anything."""
        scale = self.feature.scale
        center, spread = self.feature.center or (0.0,), self.feature.spread or (1.0,)
        if scale == 1 and self.feature.scaling == "none":
            return None
        return tuple(scale * value for value in center), tuple(scale * value for value in spread)

    def apply(self, raw: Raw, reporter: Reporter) -> Rows:
        """Returns the rows as numbers, shape (rows, *input_shape)."""
        if isinstance(raw, RawTable):
            raise DataError(f"{raw.source}: is a table, but the model takes arrays")
        return transform_arrays(raw, self.feature, self.tokens)

    def document(self) -> list[dict[str, Any]]:
        """Returns what was learned as plain data, for `learned["features"]`."""
        return [self.feature.document()]


InputsLearned = TableInputs | ArrayInputs


def learn_inputs(config: Config, parts: RawParts, train: Raw, reporter: Reporter) -> InputsLearned:
    """Learns from the training rows how inputs become numbers.

    Raises:
        DataError: The inputs cannot be used as the config says.
        Findings: `model.input_shape` is another shape than that of the data.
    """
    tokens = tokens_of(config.model.layers)
    if isinstance(train, RawTable):
        return TableInputs(tuple(learn_features(train, config.preprocess)), tokens)
    return ArrayInputs(learn_arrays(train, config, parts.image, reporter), tokens)


def learned_inputs(learned: Mapping[str, Any], config: Config) -> InputsLearned:
    """Returns what `learned` tells about the inputs, and the config about what is looked up."""
    tokens = tokens_of(config.model.layers)
    if any(feature.get("kind") == "array" for feature in learned["features"]):
        return ArrayInputs(array_feature_of(learned), tokens)
    return TableInputs(features_of(learned), tokens)
