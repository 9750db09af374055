"""How inputs become numbers: the same front for tables and for arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dl.config.schema import Config
from dl.data.arrays.prepare import ArrayFeature, array_feature_of, learn_arrays, transform_arrays
from dl.data.preprocessing import feature_names, learn_features, transform
from dl.data.preprocessing.features import Feature, document, feature_of
from dl.data.raw import Raw, RawParts, RawTable
from dl.data.types import Array, Rows
from dl.errors import DataError
from dl.progress import Reporter


@dataclass(frozen=True, slots=True)
class TableInputs:
    """How the columns of a table become numbers."""

    features: tuple[Feature, ...]

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

    def apply(self, raw: Raw, reporter: Reporter) -> Array:
        """Returns the rows as numbers, shape (rows, columns)."""
        if not isinstance(raw, RawTable):
            raise DataError(f"{raw.source}: holds arrays, but the model takes columns of a table")
        return transform(raw, self.features, lambda unseen: reporter.warn(unseen.text()))

    def document(self) -> list[dict[str, Any]]:
        """Returns what was learned as plain data, for `learned["features"]`."""
        return [document(feature) for feature in self.features]


@dataclass(frozen=True, slots=True)
class ArrayInputs:
    """How arrays become numbers."""

    feature: ArrayFeature

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

    def apply(self, raw: Raw, reporter: Reporter) -> Rows:
        """Returns the rows as numbers, shape (rows, *input_shape)."""
        if isinstance(raw, RawTable):
            raise DataError(f"{raw.source}: is a table, but the model takes arrays")
        return transform_arrays(raw, self.feature)

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
    if isinstance(train, RawTable):
        return TableInputs(tuple(learn_features(train, config.preprocess)))
    return ArrayInputs(learn_arrays(train, config, parts.image, reporter))


def learned_inputs(learned: Mapping[str, Any]) -> InputsLearned:
    """Returns what `learned` tells about the inputs."""
    if any(feature["kind"] == "array" for feature in learned["features"]):
        return ArrayInputs(array_feature_of(learned))
    return TableInputs(tuple(feature_of(feature) for feature in learned["features"]))
