"""The section `data`: where the rows come from, what is the target and how they are split."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Annotated, ClassVar, Literal

from dl.vocabulary.composed import ListOf, OneOf
from dl.vocabulary.sections import AboveZero, Count, Fraction, NotNegative, Section, Texts
from dl.vocabulary.traits import BUILTIN, KERAS, SYNTHETIC
from dl.vocabulary.types import AMOUNT, Choice, Integer, Number, Text

Task = Literal["binary", "multiclass", "multilabel", "regression"]
ColumnKind = Literal["numeric", "categorical", "date", "text"]
INPUTS = "inputs"
"""The target of a network that gives back its inputs."""
CHARACTER = "character"
"""The column of a text that is read as a table of its characters."""
BLANKS = "blanks"
"""The separator that is any run of spaces and tabs."""
Gap = Annotated[
    float | str,
    OneOf((Text("a time such as 7d, 12h or 30m", r"\d+(\.\d+)?[wdhms]"), Number(above=0))),
]


class Split(Section):
    """Fractions of the rows for validation and test, and what decides which rows they are."""

    validation: Fraction = 0.1
    test: Fraction = 0.2
    stratify: bool | None = None
    folds: Annotated[int, Integer(2)] | None = None
    fold: Count = 1
    by: str | None = None
    order: Literal["time", "rows"] | None = None
    gap: Gap | None = None
    column: str | None = None

    @property
    def validation_share(self) -> float:
        """The fraction of the rows that validates: about that of a fold, where there are folds."""
        if self.folds is None:
            return self.validation
        pieces = self.folds + 1 if self.order else self.folds  # the first piece is never validated
        return (1 - self.test) / pieces

    @property
    def gap_text(self) -> str:
        """The gap as it is written: `7d`, `5`."""
        return f"{self.gap:g}" if isinstance(self.gap, float) else self.gap or ""

    @property
    def rows_by(self) -> str | None:
        """The column that decides in which part a row is; None where chance or the order does."""
        return self.by or self.column

    @property
    def ordered_by(self) -> str:
        """Words for what orders the rows."""
        return f"column {self.by!r}" if self.order == "time" else "the order of the rows"


class Window(Section):
    """Windows over rows that follow each other: some steps are an input, what follows is asked."""

    length: Count
    every: Count = 1
    ahead: Annotated[int, AMOUNT] = 1
    outputs: Count | Literal["each"] = 1
    stride: Count = 1
    by: str | None = None
    season: Count | None = None
    difference: bool = False

    @property
    def input_rows(self) -> range:
        """The rows of the inputs, counted from the last one, which is 0."""
        return range((1 - self.length) * self.every, 1, self.every)

    @property
    def target_rows(self) -> range:
        """The rows to predict, counted likewise."""
        if self.outputs == "each":
            return range(self.input_rows[0] + self.ahead, self.ahead + 1, self.every)
        return range(self.ahead, self.ahead + self.outputs * self.every, self.every)

    @property
    def span(self) -> int:
        """Rows from the first step to the last one to predict."""
        return self.target_rows[-1] - self.input_rows[0] + 1


class Duplicates(Section):
    """Rows that are there more than once."""

    across_parts: Literal["allow", "warn", "error"] = "allow"


class _Data(Section):
    split: Split = Split()
    duplicates: Duplicates = Duplicates()
    task: Task | None = None
    classes: Texts | None = None


class ColumnForm(Section):
    """The kind of a column, and how its values are written."""

    kind: ColumnKind
    decimal: Annotated[str, Text("a point or a comma", "[.,]")] | None = None
    thousands: Annotated[str, Text("a comma, point, space or apostrophe", "[,. ']")] | None = None
    unit: str | None = None
    format: str | None = None

    @property
    def point(self) -> str:
        """The sign before the decimals."""
        return self.decimal or ("," if self.thousands == "." else ".")


class _Table(_Data):
    features: Texts | None = None
    exclude: Texts | None = None
    columns: dict[str, ColumnKind | ColumnForm] | None = None

    @property
    def forms(self) -> dict[str, ColumnForm]:
        """How the values of columns are written that are not written plainly."""
        return {n: c for n, c in (self.columns or {}).items() if isinstance(c, ColumnForm)}

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kinds of columns that are stated."""
        columns = self.columns or {}
        return {n: c.kind if isinstance(c, ColumnForm) else c for n, c in columns.items()}


class TableFile(_Table):
    """A table in a file: what all its forms share."""

    path: str | Texts
    target: str | Texts
    validation_path: str | Texts | None = None
    test_path: str | Texts | None = None
    missing_values: Texts | dict[str, Texts] | None = None
    merge_classes: dict[str, Texts] | None = None
    missing_target: Literal["error", "drop"] = "error"
    weight: str | None = None
    rows: Count | None = None
    window: Window | None = None
    remote: bool = False

    @property
    def merged(self) -> dict[str, str]:
        """The class of each value of the target, where classes are made of several values."""
        made = self.merge_classes or {}
        return {value: name for name, values in made.items() for value in values}

    def missing_in(self, column: str) -> tuple[str, ...]:
        """Returns the texts that stand for a missing value in a column."""
        texts = self.missing_values or ()
        return texts if isinstance(texts, tuple) else texts.get(column, ())


class CsvData(TableFile):
    """A table in a CSV file."""

    source: Literal["csv"]
    header: bool | Texts = True
    separator: Annotated[str, Text("a single character, or blanks", f".|{BLANKS}")] = ","
    encoding: str = "utf-8"


class ParquetData(TableFile):
    """A table in a Parquet file."""

    source: Literal["parquet"]


class OtherData(TableFile):
    """A table in a file of JSON Lines, Feather, Stata, SAS or SPSS."""

    source: Literal["jsonl", "feather", "stata", "sas", "spss"]


class ExcelData(TableFile):
    """A table in a sheet of an Excel file with a header row."""

    source: Literal["excel"]
    sheet: str | None = None


class CharactersData(TableFile):
    """One long text, or several: a table of the column `character`, with a row for each."""

    source: Literal["characters"]
    target: Literal["character"] = "character"
    window: Window = field()  # required here
    split: Split = Split(order="rows")
    encoding: str = "utf-8"
    lower: bool = False

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kinds of the columns: figures are characters, too."""
        return {CHARACTER: "categorical", **super().kinds}


class Arrays(Section):
    """The names of the arrays in an `.npz` file."""

    x_train: str = "x_train"
    y_train: str = "y_train"
    x_validation: str | None = None
    y_validation: str | None = None
    x_test: str | None = None
    y_test: str | None = None


class NpzData(_Data):
    """Arrays in an `.npz` file, or a folder of `.npy` files; of Keras' names, or by `arrays`."""

    source: Literal["npz"]
    path: str
    target: Literal["inputs"] | None = None
    arrays: Arrays = Arrays()


_MASK_VALUE = OneOf((Integer(0, 65535), Text('a colour "#rrggbb"', "#[0-9a-f]{6}")))


class FilesData(_Data):
    """Files that hold a row each: what all their kinds share."""

    path: str
    validation_path: str | None = None
    test_path: str | None = None
    table: str | None = None
    column: str | None = None
    ending: Annotated[str, Text("an ending such as .jpg", r"[^/\\]+")] | None = None
    target: str | Texts | None = None
    corrupt: Literal["error", "skip"] = "error"

    @property
    def listing(self) -> CsvData:
        """The table as a section of its own; its files are of the format that their name tells."""
        column = self.column or ""
        return CsvData(
            source="csv",
            path=self.table or "",
            validation_path=self.validation_path,
            test_path=self.test_path,
            features=(column,),
            columns={column: "categorical"},
            target=self.target or (),
            split=self.split,
            task=self.task,
            classes=self.classes,
        )


class ImagesData(FilesData):
    """A folder with a folder of images for each class; images that a table lists; or with masks."""

    source: Literal["images"]
    image_size: tuple[Count, Count] = (64, 64)
    color: Literal["rgb", "grayscale"] = "rgb"
    masks: str | None = None
    validation_masks: str | None = None
    test_masks: str | None = None
    mask_values: Annotated[tuple[int | str, ...], ListOf(_MASK_VALUE)] | None = None
    mask_ignore: Annotated[int | str, _MASK_VALUE] | None = None


class AudioData(FilesData):
    """A folder with a folder of WAV files for each class, or sounds that a table lists."""

    source: Literal["audio"]
    rate: Annotated[int, Integer(1, 384_000)] = 16_000
    seconds: AboveZero = 1.0
    align: Literal["start", "center"] = "start"


class TextData(_Data):
    """A folder with a folder of `.txt` files for each class: a table of the columns `text`, of
    which `preprocess.text` says what becomes, and `class`."""

    source: Literal["text"]
    path: str
    validation_path: str | None = None
    test_path: str | None = None
    encoding: str = "utf-8"
    target: ClassVar[str] = "class"
    kinds: ClassVar[dict[str, ColumnKind]] = {"text": "text"}


class NpyData(FilesData):
    """A folder with a folder of `.npy` files for each class, or arrays that a table lists."""

    source: Literal["npy"]


class NiftiData(FilesData):
    """A folder with a folder of NIfTI files for each class, or volumes that a table lists."""

    source: Literal["nifti"]
    volume_size: tuple[Count, Count, Count] = (64, 64, 64)
    intensity: tuple[float, float] | None = None


class BuiltinData(_Table):
    """A data set that comes with scikit-learn: no download."""

    source: Literal["builtin"]
    dataset: Annotated[str, Choice(tuple(BUILTIN))]
    target: Literal["inputs"] | None = None


class KerasData(_Data):
    """A data set that Keras downloads."""

    source: Literal["keras"]
    dataset: Annotated[str, Choice(tuple(KERAS))]
    target: Literal["inputs"] | None = None
    words: Count | None = None
    length: Count | None = None


class SyntheticData(_Data):
    """Rows that are made up, from the seed."""

    source: Literal["synthetic"]
    dataset: Annotated[str, Choice(tuple(SYNTHETIC))]
    target: Literal["inputs"] | None = None
    rows: Count | None = None
    noise: NotNegative | None = None


Data = (
    CsvData
    | ParquetData
    | OtherData
    | ExcelData
    | CharactersData
    | NpzData
    | ImagesData
    | AudioData
    | NpyData
    | NiftiData
    | TextData
    | BuiltinData
    | KerasData
    | SyntheticData
)


TYPED = ("parquet", "jsonl", "feather", "stata", "sas", "spss", "excel")
"""The sources whose files tell what is a number; rows in memory take their place as Parquet."""
MASKS = ("masks", "validation_masks", "test_masks")
"""The keys that name folders of masks, in the order of the parts."""
PATHS = ("path", "validation_path", "test_path", "table", *MASKS)
"""The keys that name files or folders."""


def target_is_input(data: Data | FilesData) -> bool:
    """Tells whether the inputs are the target, as of an autoencoder."""
    return getattr(data, "target", None) == INPUTS


def weight_of(data: Data) -> str | None:
    """Returns the column that says how much each row counts, if there is one."""
    return data.weight if isinstance(data, TableFile) else None


def window_of(data: Data) -> Window | None:
    """Returns the windows that rows are looked at through, if they are a series.

    Windows that are given back themselves ask for no row behind their last one.
    """
    window = data.window if isinstance(data, TableFile) else None
    return replace(window, ahead=0) if window and target_is_input(data) else window
