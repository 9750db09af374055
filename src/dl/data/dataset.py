"""The parts of the data as arrays, and the preprocessing that was fitted on the training part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from dl.config.data import ColumnKind, Split, Window
from dl.config.rules import Advice
from dl.data.arrays import ArrayFeature
from dl.data.drift import ColumnSummary
from dl.data.features import Feature, categories_by_name, columns_of, feature_names, plain_feature
from dl.data.target import Target
from dl.data.types import IN_MEMORY, Part, Rows, Storage
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import damaged
from dl.rundir.record import read_json
from dl.rundir.typed import MisfitError, read_as

SCHEMA = 1
_LATER = ("by", "order", "gap", "column")
BEFORE_PLACES = 0
"""Schema of files without `target.places`: of a version that let metrics say something else than
their name, and recorded no variables of the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """What was fitted on the training part: the content of `preprocess.json`.

    Attributes:
        schema: Version of the file.
        source: Kind of the data's source.
        fingerprint: SHA-256 of what was read, as hexadecimal digits.
        split: The fractions of the rows that were taken for the parts.
        features: How each column of a table becomes numbers; of arrays, a single one for all.
        target: What the model is to predict.
        window: The windows over rows in series, with their season; None where a row is an input.
    """

    schema: int = SCHEMA
    source: str = ""
    fingerprint: str
    split: Split
    features: tuple[Feature | ArrayFeature, ...]
    target: Target
    window: Window | None = None

    def __post_init__(self) -> None:
        if len(self.features) != 1 and self.array is not None:
            raise MisfitError("must be a single one, or columns only", ("features",))
        features = categories_by_name(self.columns)
        single = [name for name, feature in features.items() if not feature.of]
        if any(name not in single for feature in features.values() for name in feature.of):
            raise MisfitError("must have the columns of each cross, as categories", ("features",))

    @property
    def array(self) -> ArrayFeature | None:
        """How arrays become numbers; None where the rows are those of a table."""
        arrays = (item for item in self.features if isinstance(item, ArrayFeature))
        return next(arrays, None)

    @property
    def columns(self) -> tuple[Feature, ...]:
        """How each column of a table becomes numbers; empty where the rows are arrays."""
        return tuple(item for item in self.features if not isinstance(item, ArrayFeature))

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The columns of a table that the features are made of, with their kinds."""
        return columns_of(self.columns)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns of `x`; empty where the rows are arrays."""
        return feature_names(self.columns)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of a row of `x`."""
        if self.array:
            return self.array.input_shape
        steps = (self.window.length,) if self.window else ()
        return (*steps, len(self.feature_names))

    def _info(self) -> dict[str, object]:
        """Returns what the data say about the model: it is in the file for other programs."""
        array, target = self.array, self.target
        return {
            "task": target.task,
            "input_shape": list(self.input_shape),
            "targets": list(target.names),
            "classes": list(target.classes),
            "features": list(self.feature_names),
            "image": array is not None and array.image,
            "pixel_max": array.pixel_max if array else 1.0,
        }

    def text(self) -> str:
        """Returns the content of `preprocess.json`."""
        features = [plain_feature(feature) for feature in self.features]
        content = {**asdict(self), "features": features, "info": self._info()}
        # Keys that earlier versions did not know stand there only where they say something.
        if self.window is None:
            del content["window"], content["target"]["in_series"]
        if self.target.last is None:
            del content["target"]["last"]
        if self.window is not None and not self.window.difference:
            del content["window"]["difference"]
        content["split"] = {k: v for k, v in content["split"].items() if k not in _LATER or v}
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def check(self, info: object) -> None:
        """Refuses `info` of a file whose parts say different things; raises `MisfitError`."""
        if len(self.target.values) != len(self.target.classes):
            raise MisfitError("must be as many as classes", ("target", "values"))
        own = self._info()
        for key in ("task", "classes", "targets", "features", "input_shape"):
            if not isinstance(info, dict) or info.get(key) != own[key]:
                raise MisfitError("must be as in `features` and `target`", ("info", key))


def read_preprocessing(run: RunDirectory) -> Preprocessing:
    """Reads what was fitted in a run; raises `RunError` where the file is damaged."""
    content = read_json(run.preprocess, dict[str, Any])
    try:
        fitted = read_as(Preprocessing, content)
        fitted.check(content.get("info"))
    except MisfitError as error:
        raise damaged(run.preprocess, error) from error
    earlier = "places" not in content["target"]
    return replace(fitted, schema=BEFORE_PLACES) if earlier else fitted


@dataclass(frozen=True, slots=True)
class Dataset:
    """All parts of the data, ready for Keras.

    Attributes:
        train: The training part.
        validation: The validation part, if there is one.
        test: The test part, if there is one.
        preprocessing: What was fitted on the training part.
        storage: Where the rows are held; the `x` of streamed parts lies on the disk.
        advice: What is doubtful in the data, each with the id of its rule.
        about: What else is to be told of a part, by its name: its groups, or its times.
        columns: What the columns of a table were like in the training part.
    """

    train: Part
    validation: Part | None
    test: Part | None
    preprocessing: Preprocessing
    storage: Storage = IN_MEMORY
    advice: tuple[Advice, ...] = ()
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    columns: tuple[ColumnSummary, ...] = ()

    @property
    def target(self) -> Target:
        """What the model is to predict."""
        return self.preprocessing.target

    @property
    def parts(self) -> dict[str, Part]:
        """The parts that there are, by name: train, validation, test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}

    def sizes(self) -> dict[str, Any]:
        """Returns the rows of each part, the shape of one and the bytes of all, as plain data.

        And what else is known of a part, where the rows were split by a column.
        """
        return {
            name: {
                "rows": len(part),
                "inputs": _size(part.x),
                "targets": _size(part.y),
                **self.about.get(name, {}),
            }
            for name, part in self.parts.items()
        }


def _size(rows: Rows) -> dict[str, Any]:
    size = int(np.prod(rows.shape, dtype=np.int64)) * rows.dtype.itemsize
    return {"shape": list(rows.shape[1:]), "type": rows.dtype.name, "bytes": size}
