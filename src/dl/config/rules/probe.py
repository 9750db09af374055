"""What is known of the data: by a cheap look without numpy, or for certain when it was read.

A look never fails: what cannot be read is unknown, and the loading of the data words the error.
"""

from __future__ import annotations

import csv
import itertools
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dl.config.data import (
    BuiltinData,
    CharactersData,
    ColumnKind,
    CsvData,
    Data,
    FilesData,
    ImagesData,
    KerasData,
    NiftiData,
    NpzData,
    SyntheticData,
    TableFile,
    Task,
    TextData,
    target_is_input,
)
from dl.config.files import own_files
from dl.config.tables import csv_rows, finite_number, is_formatted
from dl.vocabulary.traits import BUILTIN, KERAS, SYNTHETIC

MOST_BYTES = 2_000_000
"""So much of a CSV file is read in some 50 ms; `dl validate` is to feel immediate."""
MOST_ENTRIES = 10_000
MANY_NUMBERS = 20
"""More distinct fractions than this are numbers, never classes."""

Form = Literal["one", "two", "several", "labels", "number", "numbers"]
"""What a model answers for a row, or for a step or pixel of it: which of two classes, by one output
or by two; which of several classes; which labels it has; one number; several numbers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model is to answer.

    Attributes:
        form: Its form.
        count: How many classes, labels or numbers there are; None where that is not known.
        units: How many outputs that takes, at each place; None where only Keras knows.
        places: Whether a row has an answer at each of several places, such as steps or pixels.
    """

    form: Form
    count: int | None
    units: int | None
    places: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known of the data; None, or empty, where it is not.

    Attributes:
        target: `classes`: only classes make sense. `text`: values that are not numbers.
            `integers`: whole numbers, which can be either. `numbers`: only regression makes sense.
        classes: Number of classes, or of distinct values of the target.
        labels: The classes as the data names them.
        columns: Number of target columns.
        input_shape: Shape of one row.
        rows: About how many rows are trained on.
        counts: Rows of each value of a target column.
        inputs: The least number of inputs of a table: a category makes several of one column.
        kinds: The input columns of a table with their kinds, when the data was read.
        tokens: How many numbers a layer has to look up that gets the tokens of texts.
        task: The task, when the data was read.
        answer: What is to be answered, when the data was read.
        near_zero: Words for how many of the numbers to predict are 0; empty for none.
        below_zero: Words for how many are below 0.
    """

    target: Literal["classes", "text", "integers", "numbers"] | None = None
    classes: int | None = None
    labels: tuple[str, ...] | None = None
    columns: int | None = None
    input_shape: tuple[int | None, ...] | None = None
    rows: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    inputs: int | None = None
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    tokens: int | None = None
    task: Task | None = None
    answer: Answer | None = None
    near_zero: str = ""
    below_zero: str = ""


def probe(data: Data, folder: Path) -> Probe:
    """Returns what is cheaply known of the data; `folder` is where relative paths start."""
    found = _probe(data, folder)
    if not target_is_input(data):
        return found
    return Probe("numbers", input_shape=found.input_shape, rows=found.rows)


def _probe(data: Data, folder: Path) -> Probe:
    match data:
        case BuiltinData() | KerasData() | SyntheticData():
            return _named(data)
        case ImagesData(masks=str()):
            values = None if data.mask_values is None else tuple(map(str, data.mask_values))
            labels = data.classes or values
            count, shape = len(labels) if labels else None, _shape_of(data)
            return Probe("classes", count, labels, input_shape=shape)
        case FilesData(table=None):
            labels = _class_folders(folder / data.path)
            classes, shape = len(labels) if labels else None, _shape_of(data)
            return Probe("classes", classes, labels, columns=1, input_shape=shape)
        case FilesData():
            return replace(_of_csv(data.listing, folder), inputs=None, input_shape=_shape_of(data))
        case TextData():
            labels = _class_folders(folder / data.path)
            return Probe("classes", len(labels) if labels else None, labels, columns=1)
        case CsvData():
            return _of_csv(data, folder)
        case CharactersData():
            return Probe("classes", columns=1)
        case TableFile():
            return Probe(columns=len(targets_of(data)))
    return Probe()


def _shape_of(data: FilesData) -> tuple[int | None, ...] | None:
    """Returns the shape of the row that a file holds."""
    if isinstance(data, ImagesData):
        return (*data.image_size, 3 if data.color == "rgb" else 1)
    if isinstance(data, NiftiData):
        return data.volume_size
    return None


def targets_of(data: Data) -> tuple[str, ...]:
    """Returns the target columns that the config names."""
    target = () if target_is_input(data) else getattr(data, "target", None) or ()
    return (target,) if isinstance(target, str) else tuple(target)


def has_own(data: Data, part: Literal["validation", "test"]) -> bool:
    """Tells whether a part has rows of its own, so that it takes none of the others."""
    if data.split.column is not None and not (data.split.folds and part == "validation"):
        return bool(getattr(data.split, part) > 0)
    if isinstance(data, TableFile | FilesData | TextData):
        return getattr(data, f"{part}_path") is not None
    if isinstance(data, NpzData):
        return getattr(data.arrays, f"x_{part}") is not None
    return isinstance(data, KerasData) and part == "test"


def has_validation(data: Data) -> bool:
    """Tells whether there will be a validation part."""
    return has_own(data, "validation") or data.split.validation_share > 0


def _trained_on(data: Data, rows: int) -> int:
    """Returns the rows that are left when the other parts have taken theirs."""
    validation = 0.0 if has_own(data, "validation") else data.split.validation_share
    test = 0.0 if has_own(data, "test") else data.split.test
    return max(1, round(rows * (1 - validation - test)))


def _named(data: BuiltinData | KerasData | SyntheticData) -> Probe:
    sets = {"builtin": BUILTIN, "keras": KERAS, "synthetic": SYNTHETIC}
    known = sets[data.source][data.dataset]
    shape, rows = known.shape, known.rows
    if isinstance(data, BuiltinData) and data.features is not None:
        shape = (len(data.features),)
    if isinstance(data, SyntheticData):
        rows = data.rows or rows
    if known is not SYNTHETIC["and"]:  # the corners of a gate are all that there is: not split
        rows = _trained_on(data, rows)
    found = Probe(columns=1, input_shape=shape, rows=rows)
    if not known.classes:
        return replace(found, target="numbers")
    return replace(found, target="classes", classes=len(known.classes), labels=known.classes)


def _class_folders(folder: Path) -> tuple[str, ...] | None:
    """Returns the names of the folders in `folder`; None where there are none to be read."""
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for _, entry in zip(range(MOST_ENTRIES), entries, strict=False)
                if entry.is_dir() and not entry.name.startswith(".")
            ]
    except OSError:
        return None
    return tuple(sorted(names)) or None


def _of_csv(data: CsvData, folder: Path) -> Probe:
    targets = targets_of(data)
    unknown = Probe(columns=len(targets))
    if data.remote:  # a look asks no network
        return unknown
    parts = list(own_files(data, folder).values())
    paths = [path for part in parts for path in part]
    try:
        sizes = [path.stat().st_size for path in paths if path.is_file()]  # a pipe is not asked
        if len(sizes) < len(paths) or not all(sizes) or sum(sizes) > MOST_BYTES:
            return unknown
        titles = next(csv_rows(data, paths[0]), [])
        counts, *others = (_counts(data, part, targets[0]) for part in parts)
    except (OSError, ValueError, LookupError, TypeError, csv.Error):
        return unknown
    apart = {*targets, *(data.exclude or ()), data.split.rows_by, data.weight}
    if data.window is not None:
        apart = {*(data.exclude or ()), data.split.rows_by, data.weight, data.window.by}
    inputs = len(set(titles) - apart)
    inputs = inputs if data.features is None else len(data.features)
    inputs *= data.window.length if data.window else 1
    found = replace(unknown, rows=_trained_on(data, counts.total()), inputs=inputs)
    if len(targets) > 1:
        return found
    return replace(_of_values(set().union(counts, *others) - {""}, found), counts=counts)


def _counts(data: CsvData, files: list[Path], name: str) -> Counter[str]:
    """Returns how often each value of a column is in the files of a part."""
    values = itertools.chain.from_iterable(_column(data, path, name) for path in files)
    return Counter(itertools.islice(values, data.rows))


def _column(data: CsvData, path: Path, name: str) -> Iterator[str]:
    """Yields the values of a column as the file writes them, `""` where one is missing."""
    rows = csv_rows(data, path)
    position = next(rows, []).index(name.strip())
    missing = data.missing_in(name)
    for row in rows:
        if len(row) > position:
            value = row[position]
            yield "" if value in missing else data.merged.get(value, value)


def _of_values(texts: set[str], found: Probe) -> Probe:
    numbers = {text: finite_number(text) for text in texts}
    finite = {number for number in numbers.values() if number is not None}
    if not finite:
        if not texts or 2 * sum(map(is_formatted, texts)) >= len(texts):
            return found
        return replace(found, target="text", classes=len(texts), labels=tuple(sorted(texts)))
    if None in numbers.values():
        return found
    if all(number.is_integer() for number in finite):
        labels = tuple(str(int(number)) for number in sorted(finite))
        return replace(found, target="integers", classes=len(labels), labels=labels)
    return replace(found, target="numbers") if len(finite) > MANY_NUMBERS else found
