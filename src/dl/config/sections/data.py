"""The section `data`: where the rows come from, what is the target and how they are split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dl.config.sections.base import (
    NonNegativeFloat,
    PositiveInt,
    Section,
    Share,
    Text,
    Texts,
)
from dl.vocabulary.data_sets import BUILTIN, KERAS, SYNTHETIC

Task = Literal["binary", "multiclass", "multilabel", "regression"]
ColumnKind = Literal["numeric", "categorical", "date"]


class Split(Section):
    """Shares of the rows for validation and test."""

    validation: Share = Field(default=0.1, description="Share of the rows for validation.")
    test: Share = Field(default=0.2, description="Share of the rows for the test.")
    stratify: bool | None = Field(
        default=None,
        description="Keep the shares of the classes in each part. Default: for classification.",
    )
    folds: Annotated[int, Field(ge=2)] | None = Field(
        default=None,
        description="Cut what is no test row into so many folds, for cross-validation; one of them "
        "validates, and `validation` takes no share.",
    )
    fold: PositiveInt = Field(default=1, description="Which of the folds validates, from 1.")

    @property
    def validation_share(self) -> float:
        """The share of the rows that validates: about that of a fold, where there are folds."""
        return self.validation if self.folds is None else (1 - self.test) / self.folds


class _Data(Section):
    split: Split = Field(
        default=Split(),
        description="Shares of the rows; a part that has rows of its own takes no share.",
    )
    task: Task | None = Field(
        default=None, description="Kind of task. Default: from the target, loss and output."
    )
    classes: Texts | None = Field(
        default=None,
        description="Names of the classes in the order of the outputs. Default: those of the data.",
    )


class _Table(_Data):
    features: Texts | None = Field(
        default=None, description="Input columns. Default: every column but the target."
    )
    columns: dict[str, ColumnKind] | None = Field(
        default=None, description="Kind of each input column. Default: from the values."
    )


class _TableFile(_Table):
    path: Text = Field(description="The file, relative to the config.")
    target: Text | Texts = Field(description="The column, or columns, to predict.")
    validation_path: Text | None = Field(default=None, description="A file of validation rows.")
    test_path: Text | None = Field(default=None, description="A file of test rows.")
    missing_values: Texts | dict[str, Texts] | None = Field(
        default=None,
        description="Texts that stand for a missing value, such as `NA`: of all columns, or by "
        "column. An empty cell always does.",
    )
    missing_target: Literal["error", "drop"] = Field(
        default="error", description="A row without a target: refuse it, or leave it out."
    )

    def missing_in(self, column: str) -> tuple[str, ...]:
        """Returns the texts that stand for a missing value in a column."""
        texts = self.missing_values or ()
        return texts if isinstance(texts, tuple) else texts.get(column, ())


class CsvData(_TableFile):
    """A table in a CSV file with a header row."""

    source: Literal["csv"]
    separator: Annotated[str, Field(min_length=1, max_length=1)] = Field(
        default=",", description="The character between two values."
    )
    encoding: Text = Field(default="utf-8", description="The text encoding of the file.")


class ParquetData(_TableFile):
    """A table in a Parquet file."""

    source: Literal["parquet"]


class Arrays(Section):
    """The names of the arrays in an `.npz` file."""

    x_train: Text = Field(default="x_train", description="Training inputs.")
    y_train: Text = Field(default="y_train", description="Training targets.")
    x_validation: Text | None = Field(default=None, description="Validation inputs.")
    y_validation: Text | None = Field(default=None, description="Validation targets.")
    x_test: Text | None = Field(
        default=None, description="Test inputs. Default: `x_test` where the file has it."
    )
    y_test: Text | None = Field(
        default=None, description="Test targets. Default: `y_test` where the file has it."
    )


class NpzData(_Data):
    """Arrays in an `.npz` file, named as Keras names them or by `arrays`."""

    source: Literal["npz"]
    path: Text = Field(description="The file, relative to the config.")
    arrays: Arrays = Field(default=Arrays(), description="Names of the arrays in the file.")


class ImagesData(_Data):
    """A folder with a folder of images for each class."""

    source: Literal["images"]
    path: Text = Field(description="The folder, relative to the config.")
    validation_path: Text | None = Field(default=None, description="A folder of the same layout.")
    test_path: Text | None = Field(default=None, description="A folder of the same layout.")
    image_size: tuple[PositiveInt, PositiveInt] = Field(
        default=(64, 64), description="Height and width, in pixels, that images are resized to."
    )
    color: Literal["rgb", "grayscale"] = Field(default="rgb", description="Channels to read.")


class BuiltinData(_Table):
    """A data set that comes with scikit-learn: no download."""

    source: Literal["builtin"]
    dataset: Literal[tuple(BUILTIN)] = Field(description="Name of the data set.")  # type: ignore[valid-type]


class KerasData(_Data):
    """A data set that Keras downloads."""

    source: Literal["keras"]
    dataset: Literal[tuple(KERAS)] = Field(description="Name of the data set.")  # type: ignore[valid-type]
    words: PositiveInt | None = Field(
        default=None, description="Most frequent words to keep. imdb, reuters only. Default: 10000."
    )
    length: PositiveInt | None = Field(
        default=None, description="Words of each text. imdb, reuters only. Default: 200."
    )


class SyntheticData(_Data):
    """Rows that are made up, from the seed."""

    source: Literal["synthetic"]
    dataset: Literal[tuple(SYNTHETIC)] = Field(description="Name of the problem.")  # type: ignore[valid-type]
    rows: PositiveInt | None = Field(
        default=None, description="Number of rows. Default: 4 for and, or, xor; else 1000."
    )
    noise: NonNegativeFloat | None = Field(
        default=None,
        description="Standard deviation of the noise. Default: 0 for and, or, xor; 1 for linear "
        "and blobs; else 0.1.",
    )


Data = Annotated[
    CsvData | ParquetData | NpzData | ImagesData | BuiltinData | KerasData | SyntheticData,
    Field(discriminator="source"),
]


def own_paths(data: Data) -> list[Path]:
    """Returns the files and folders that a section names; none for data that comes by a name."""
    named = (getattr(data, name, None) for name in ("path", "validation_path", "test_path"))
    return [Path(path) for path in named if path]
