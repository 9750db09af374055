"""The section `data`: where the rows come from, what is the target and how they are split."""

from __future__ import annotations

import contextlib
import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from dl.config.remote import remote_files
from dl.vocabulary.sections import AboveZero, Count, Fraction, NotNegative, Section, Texts, key
from dl.vocabulary.traits import BUILTIN, KERAS, SYNTHETIC
from dl.vocabulary.types import Choice, Integer, ListOf, Number, OneOf, Text

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
    OneOf(
        (
            Text("a time such as 7d, 12h or 30m", r"\d+(\.\d+)?[wdhms]"),
            Number(above=0),
        )
    ),
]


@dataclass(frozen=True, kw_only=True)
class Split(Section):
    """Fractions of the rows for validation and test, and what decides which rows they are."""

    validation: Fraction = key(0.1, "Fraction of the rows for validation.")
    test: Fraction = key(0.2, "Fraction of the rows for the test.")
    stratify: bool | None = key(
        None,
        "Keep the fractions of the classes in each part. Default: for classification.",
    )
    folds: Annotated[int, Integer(2)] | None = key(
        None,
        "Cut what is not a test row into so many folds, for cross-validation; one of them "
        "validates, and `validation` is not used.",
    )
    fold: Count = key(1, "Which of the folds validates, from 1.")
    by: str | None = key(
        None,
        "Column of groups: rows with the same value, such as those of a patient, stay in one part. "
        "Tables only. It is no input unless `features` names it.",
    )
    order: Literal["time", "rows"] | None = key(
        None,
        "Train on the earliest rows, validate on later ones, test on the latest; of folds, each "
        "validates the next piece. time: by the dates or numbers in the column `by`; rows: as the "
        "rows of the file follow each other.",
    )
    gap: Gap | None = key(
        None,
        "Time that is left out between two parts in order: 7d, 12h, 30m; a number where `by` "
        "holds numbers, of rows with `order: rows`.",
    )
    column: str | None = key(
        None,
        "Column that says the part of each row: train, validation or test. Tables only.",
    )

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


@dataclass(frozen=True, kw_only=True)
class Window(Section):
    """Windows over rows that follow each other: some steps are an input, what follows is asked."""

    length: Count = key(about="Steps of a window.")
    every: Count = key(
        1, "Rows from one step to the next, of inputs and of outputs: 6 takes each sixth row."
    )
    ahead: Count = key(1, "Rows from the last step of a window to the first one to predict.")
    outputs: Count | Literal["each"] = key(
        1, "Steps to predict; each: one for each step of the window, `ahead` rows after it."
    )
    stride: Count = key(1, "Rows from the start of one window to that of the next.")
    by: str | None = key(
        None,
        "Column of groups, such as sensors: the rows of each are a series of their own. It is no "
        "input unless `features` names it.",
    )
    season: Count | None = key(
        None,
        "Rows of a season, for the forecast that says what was a season before. Default: found in "
        "the training part, if there is one.",
    )

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


@dataclass(frozen=True, kw_only=True)
class Duplicates(Section):
    """Rows that are there more than once."""

    across_parts: Literal["allow", "warn", "error"] = key(
        "allow",
        "The same inputs in two parts, as the network gets them: say nothing, warn how many there "
        "are and where, or refuse them.",
    )


_OWN = "`inputs`: the network gives back its inputs. Default: what the data hold to be predicted."


@dataclass(frozen=True, kw_only=True)
class _Data(Section):
    split: Split = key(
        Split(),
        "Fractions of the rows; a part that has rows of its own takes none.",
    )
    duplicates: Duplicates = key(Duplicates(), "Rows that are there more than once.")
    task: Task | None = key(None, "Kind of task. Default: from the target, loss and output.")
    classes: Texts | None = key(
        None,
        "Names of the classes in the order of the outputs. Default: those of the data.",
    )


@dataclass(frozen=True, kw_only=True)
class ColumnForm(Section):
    """The kind of a column, and how its values are written."""

    kind: ColumnKind = key(about="How the values are read.")
    decimal: Annotated[str, Text("a point or a comma", "[.,]")] | None = key(
        None,
        "The sign before the decimals of a number. Default: a point; a comma where `thousands` is "
        "a point.",
    )
    thousands: Annotated[str, Text("a comma, point, space or apostrophe", "[,. ']")] | None = key(
        None, "The sign between the thousands of a number."
    )
    unit: str | None = key(
        None, "What may stand before or behind a number, and is left out: `41 %` is 41."
    )
    format: str | None = key(None, 'The format of a date, as of Python\'s strptime: "%m/%d/%Y".')

    @property
    def point(self) -> str:
        """The sign before the decimals."""
        return self.decimal or ("," if self.thousands == "." else ".")


@dataclass(frozen=True, kw_only=True)
class _Table(_Data):
    features: Texts | None = key(
        None,
        "Input columns. Default: every column but the target; with `window` the target, too: its "
        "past is known.",
    )
    exclude: Texts | None = key(None, "Columns to leave out, such as an identifier.")
    columns: dict[str, ColumnKind | ColumnForm] | None = key(
        None,
        "Kind of each input column, or its kind and form; of a target, too, its form. Default: "
        "from the values, but for text: words, prepared by `preprocess.text`.",
    )

    @property
    def forms(self) -> dict[str, ColumnForm]:
        """How the values of columns are written that are not written plainly."""
        return {n: c for n, c in (self.columns or {}).items() if isinstance(c, ColumnForm)}

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kinds of columns that are stated."""
        columns = self.columns or {}
        return {n: c.kind if isinstance(c, ColumnForm) else c for n, c in columns.items()}


@dataclass(frozen=True, kw_only=True)
class TableFile(_Table):
    """A table in a file: what all its forms share."""

    path: str | Texts = key(
        about="The file, relative to the config. Or several, whose rows follow each other: a "
        "list, a pattern (`parts/*.csv`), a folder of files of one kind."
    )
    target: str | Texts = key(
        about="The column, or columns, to predict. `inputs`: the network gives back its inputs; "
        "a column of this name is `[inputs]`."
    )
    validation_path: str | Texts | None = key(None, "The same, of validation rows.")
    test_path: str | Texts | None = key(None, "The same, of test rows.")
    missing_values: Texts | dict[str, Texts] | None = key(
        None,
        "Texts that stand for a missing value, such as `NA`: of all columns, or by "
        "column. An empty cell always does.",
    )
    merge_classes: dict[str, Texts] | None = key(
        None,
        'Classes that are made of several values of the target each: `{adopted: ["0", "1"], not '
        'adopted: ["2"]}`. Every value belongs to one.',
    )
    missing_target: Literal["error", "drop"] = key(
        "error", "A row without a target: refuse it, or leave it out."
    )
    weight: str | None = key(
        None,
        "Column of numbers from 0: how much each row counts, in the loss and in every metric. Only "
        "their ratios matter. It is no input.",
    )
    rows: Count | None = key(
        None, "Read only so many rows, from the start of each part. Default: all."
    )
    window: Window | None = key(
        None, "The rows are a series: inputs are windows over rows, the target lies after them."
    )
    remote: bool = key(
        False,
        "Whether the paths may be in a store of your own, `s3://bucket/rows.csv` or `gs://…`, read "
        "with the credentials of the environment.",
    )

    @property
    def merged(self) -> dict[str, str]:
        """The class of each value of the target, where classes are made of several values."""
        made = self.merge_classes or {}
        return {value: name for name, values in made.items() for value in values}

    def missing_in(self, column: str) -> tuple[str, ...]:
        """Returns the texts that stand for a missing value in a column."""
        texts = self.missing_values or ()
        return texts if isinstance(texts, tuple) else texts.get(column, ())


@dataclass(frozen=True, kw_only=True)
class CsvData(TableFile):
    """A table in a CSV file."""

    source: Literal["csv"]
    header: bool | Texts = key(
        True,
        "Whether the first row holds the names of the columns. If not, they are `c1`, `c2`… or "
        "the names of this list.",
    )
    separator: Annotated[str, Text("a single character, or blanks", f".|{BLANKS}")] = key(
        ",", "The character between two values; `blanks`: any run of spaces and tabs."
    )
    encoding: str = key("utf-8", "The text encoding of the file.")


@dataclass(frozen=True, kw_only=True)
class ParquetData(TableFile):
    """A table in a Parquet file."""

    source: Literal["parquet"]


@dataclass(frozen=True, kw_only=True)
class OtherData(TableFile):
    """A table in a file of JSON Lines, Feather, Stata, SAS or SPSS."""

    source: Literal["jsonl", "feather", "stata", "sas", "spss"]


@dataclass(frozen=True, kw_only=True)
class ExcelData(TableFile):
    """A table in a sheet of an Excel file with a header row."""

    source: Literal["excel"]
    sheet: str | None = key(None, "The sheet. Default: the first.")


@dataclass(frozen=True, kw_only=True)
class CharactersData(TableFile):
    """One long text, or several: a table of the column `character`, with a row for each."""

    source: Literal["characters"]
    target: Literal["character"] = key("character", "The next character is what is predicted.")
    window: Window = key(about="How many characters are an input, and which of the next are asked.")
    split: Split = key(
        Split(order="rows"), "Fractions of the text: its beginning trains, its end tests."
    )
    encoding: str = key("utf-8", "The text encoding of the file.")
    lower: bool = key(False, "Whether capital letters are small ones.")

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kinds of the columns: figures are characters, too."""
        return {CHARACTER: "categorical", **super().kinds}


@dataclass(frozen=True, kw_only=True)
class Arrays(Section):
    """The names of the arrays in an `.npz` file."""

    x_train: str = key("x_train", "Training inputs.")
    y_train: str = key("y_train", "Training targets.")
    x_validation: str | None = key(None, "Validation inputs.")
    y_validation: str | None = key(None, "Validation targets.")
    x_test: str | None = key(None, "Test inputs. Default: `x_test` where the file has it.")
    y_test: str | None = key(None, "Test targets. Default: `y_test` where the file has it.")


@dataclass(frozen=True, kw_only=True)
class NpzData(_Data):
    """Arrays in an `.npz` file, named as Keras names them or by `arrays`."""

    source: Literal["npz"]
    path: str = key(about="The file, relative to the config.")
    target: Literal["inputs"] | None = key(None, _OWN)
    arrays: Arrays = key(Arrays(), "Names of the arrays in the file.")


_MASK_VALUE = OneOf((Integer(0, 65535), Text('a colour "#rrggbb"', "#[0-9a-f]{6}")))


@dataclass(frozen=True, kw_only=True)
class FilesData(_Data):
    """Files that hold a row each: what all their kinds share."""

    path: str = key(
        about="The folder, relative to the config: of a folder for each class, or of the files "
        "that `table` lists."
    )
    validation_path: str | None = key(
        None, "A folder of the same layout; beside `table`, another such table."
    )
    test_path: str | None = key(None, "The same, of test rows.")
    table: str | None = key(
        None, "A table that lists the files and their targets: CSV, Parquet, Excel and others."
    )
    column: str | None = key(None, "Its column of the names of the files, from `path` on.")
    ending: Annotated[str, Text("an ending such as .jpg", r"[^/\\]+")] | None = key(
        None, "What these names lack at their end, such as `.jpg`."
    )
    target: str | Texts | None = key(
        None,
        "Its column, or columns, to predict; without a table, `inputs`: the network gives back "
        "its inputs.",
    )
    corrupt: Literal["error", "skip"] = key(
        "error", "A file that cannot be read: refuse it, or leave it out and say so."
    )

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


@dataclass(frozen=True, kw_only=True)
class ImagesData(FilesData):
    """A folder with a folder of images for each class; images that a table lists; or with masks."""

    source: Literal["images"]
    image_size: tuple[Count, Count] = key(
        (64, 64), "Height and width, in pixels, that images are resized to."
    )
    color: Literal["rgb", "grayscale"] = key("rgb", "Channels to read.")
    masks: str | None = key(
        None,
        "Folder of masks: for each image below `path` a picture of the same name but for the "
        "ending, whose pixels are classes.",
    )
    validation_masks: str | None = key(None, "The same, of the images of `validation_path`.")
    test_masks: str | None = key(None, "The same, of the images of `test_path`.")
    mask_values: Annotated[tuple[int | str, ...], ListOf(_MASK_VALUE)] | None = key(
        None,
        "What stands in the masks for each class, in the order of `classes`: numbers, or colours "
        '"#rrggbb". Default: 0, 1, 2…; without `classes`, the values of the masks.',
    )
    mask_ignore: Annotated[int | str, _MASK_VALUE] | None = key(
        None, "What stands in the masks for pixels that do not count, such as 255."
    )


@dataclass(frozen=True, kw_only=True)
class AudioData(FilesData):
    """A folder with a folder of WAV files for each class, or sounds that a table lists."""

    source: Literal["audio"]
    rate: Annotated[int, Integer(1, 384_000)] = key(
        16_000, "Samples of a second; a sound of another rate is resampled."
    )
    seconds: AboveZero = key(
        1.0, "How long each sound is made: cut where it is longer, else followed by silence."
    )
    align: Literal["start", "center"] = key(
        "start", "What of a longer sound is kept, and where in the silence a shorter one is."
    )


@dataclass(frozen=True, kw_only=True)
class TextData(_Data):
    """A folder with a folder of `.txt` files for each class: a table of the columns `text`, of
    which `preprocess.text` says what becomes, and `class`."""

    source: Literal["text"]
    path: str = key(about="The folder, relative to the config.")
    validation_path: str | None = key(None, "A folder of the same layout.")
    test_path: str | None = key(None, "A folder of the same layout.")
    encoding: str = key("utf-8", "The text encoding of the files.")

    @property
    def target(self) -> str:
        """The column to predict."""
        return "class"

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kinds of the columns."""
        return {"text": "text"}


@dataclass(frozen=True, kw_only=True)
class NpyData(FilesData):
    """A folder with a folder of `.npy` files for each class, or arrays that a table lists."""

    source: Literal["npy"]


@dataclass(frozen=True, kw_only=True)
class BuiltinData(_Table):
    """A data set that comes with scikit-learn: no download."""

    source: Literal["builtin"]
    dataset: Annotated[str, Choice(tuple(BUILTIN))] = key(about="Name of the data set.")
    target: Literal["inputs"] | None = key(None, _OWN)


@dataclass(frozen=True, kw_only=True)
class KerasData(_Data):
    """A data set that Keras downloads."""

    source: Literal["keras"]
    dataset: Annotated[str, Choice(tuple(KERAS))] = key(about="Name of the data set.")
    target: Literal["inputs"] | None = key(None, _OWN)
    words: Count | None = key(
        None, "Most frequent words to keep. imdb, reuters only. Default: 10000."
    )
    length: Count | None = key(None, "Words of each text. imdb, reuters only. Default: 200.")


@dataclass(frozen=True, kw_only=True)
class SyntheticData(_Data):
    """Rows that are made up, from the seed."""

    source: Literal["synthetic"]
    dataset: Annotated[str, Choice(tuple(SYNTHETIC))] = key(about="Name of the problem.")
    target: Literal["inputs"] | None = key(None, _OWN)
    rows: Count | None = key(None, "Number of rows. Default: 4 for and, or, xor; else 1000.")
    noise: NotNegative | None = key(
        None,
        "Standard deviation of the noise. Default: 0 for and, or, xor; 1 for linear "
        "and blobs; else 0.1.",
    )


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


def own_files(data: Data | FilesData, folder: str | Path = "") -> dict[str, list[Path]]:
    """Returns the files, or the folder of pictures, of each key that names some.

    Args:
        data: The section.
        folder: Where relative paths start.
    """
    found: dict[str, list[Path]] = {}
    for name in PATHS:
        named = getattr(data, name, None) or ()
        paths = [os.path.join(folder, at) for at in ((named,) if isinstance(named, str) else named)]
        if paths and isinstance(data, TableFile):
            found[name] = [file for path in paths for file in files_at(path, data.remote)]
        elif paths:
            found[name] = [Path(path) for path in paths]
    return found


def weight_of(data: Data) -> str | None:
    """Returns the column that says how much each row counts, if there is one."""
    return data.weight if isinstance(data, TableFile) else None


def window_of(data: Data) -> Window | None:
    """Returns the windows that rows are looked at through, if they are a series."""
    return data.window if isinstance(data, TableFile) else None


def own_paths(data: Data | FilesData) -> list[Path]:
    """Returns the files and folders that a section names; none for data that comes by a name."""
    return [path for paths in own_files(data).values() for path in paths]


def files_at(path: str, remote: bool = False) -> list[Path]:
    """Returns the files of a table that a path means, sorted: its own, a folder's or a pattern's.

    Of a folder, files whose names begin with a dot or a `_` are left out. Where there are none, it
    is the path itself.

    Args:
        path: The path.
        remote: Whether it may be the URL of a store.
    """
    if remote and (files := remote_files(path)):
        return files
    found: list[str] = []
    if os.path.isdir(path):
        with contextlib.suppress(OSError):
            names = (name for name in os.listdir(path) if not name.startswith((".", "_")))
            found = [os.path.join(path, name) for name in names]
    elif not os.path.exists(path) and any(character in path for character in "*?["):
        found = glob.glob(path, recursive=True)
    return [Path(file) for file in sorted(found) if os.path.isfile(file)] or [Path(path)]
