"""The table of a config as an audit sees it: inputs, targets, other columns, parts of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dl.config.data import Split, TableFile, Task, window_of
from dl.config.load import Loaded, load_text
from dl.config.nodes import MapNode
from dl.config.rules.facts import Advice
from dl.data.doubts import advice_on
from dl.data.load import SplitData, read_split, refuse_changed
from dl.data.read import read_parts, source_title
from dl.data.target_values import number_text
from dl.data.types import Array, Column, Raw, RawTable, step_over
from dl.errors import DataError, Mark
from dl.init.columns import open_table, typed_column
from dl.init.draft import first_config
from dl.progress import Reporter, SilentReporter
from dl.vocabulary.spec import Findings

MOST_ROWS = 200_000
"""Of more rows, so many are looked at, evenly spread: enough for every fraction, in seconds."""
_MOST_COLUMNS = 1000
"""Arrays of more columns are pictures or texts, of which no column says anything by itself."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its rows in the order of the source.

    Attributes:
        title: The file, or the name of the data set.
        loaded: The config, that of `dl init` for a file; None for one without a target.
        columns: The input columns; empty for pictures and other arrays of several axes.
        texts: Those of texts, of which a value as a whole says nothing.
        others: Columns of the file that are no inputs, as far as they can be read.
        targets: The target columns.
        task: Kind of task.
        part: The part of each row, as a position in `sizes`, shape (rows,).
        sizes: Rows of each part, by its name; also of those that are not looked at.
        step: Distance between two rows of a part that are looked at.
        advice: What `dl lint` says of the columns.
        about: What the files were like that hold a row each, in sentences.
        named: What classes are called whose values are other words or numbers.
    """

    title: str
    loaded: Loaded | None
    columns: Mapping[str, Column]
    others: Mapping[str, Column]
    targets: Mapping[str, Column]
    task: Task
    part: Array
    sizes: Mapping[str, int]
    step: int
    advice: tuple[Advice, ...]
    about: tuple[str, ...] = ()
    texts: Mapping[str, Column] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.part)

    @property
    def every_column(self) -> dict[str, Column]:
        """The targets, the inputs and the other columns."""
        return {**self.targets, **self.texts, **self.columns, **self.others}

    @property
    def target(self) -> Column | None:
        """The target, where it is a single column of classes or numbers."""
        several = len(self.targets) != 1 or self.task == "multilabel"
        return None if several else next(iter(self.targets.values()))

    @property
    def in_classes(self) -> bool:
        """Whether the target is one of several classes, in one column."""
        return self.task in ("binary", "multiclass") and len(self.targets) == 1

    def classes(self) -> tuple[list[str], Array]:
        """Returns the names of the classes, and the position there of each row; -1 for none."""
        [target] = self.targets.values()
        names, codes = list(target.categories), target.values
        if target.kind != "categorical":
            missing = target.missing()
            values, positions = np.unique(target.values[~missing], return_inverse=True)
            names, codes = list(map(number_text, values)), np.full(len(missing), -1)
            codes[~missing] = positions
        return [self.named.get(name, name) for name in names], codes


def file_config(path: Path, targets: Sequence[str]) -> Loaded:
    """Returns the config that `dl init` writes for a file; raises as that does."""
    loaded = load_text(Path(f"{path.stem}.yaml"), first_config(path, targets).encode())
    # It is in no file: what is to be written has no place in one.
    return replace(loaded, root=MapNode({}, Mark(str(path))))


def read_file(path: Path) -> Table:
    """Reads a table of which nobody has said what is to be predicted; raises as `dl init`."""
    _, block, *_ = open_table(path)
    typed = {name: typed_column(block, name) for name in block.names}
    columns = {name: column for name, column in typed.items() if isinstance(column, Column)}
    part, sizes = np.zeros(block.length, np.int64), {"all": block.length}
    return Table(str(path), None, columns, {}, {}, "regression", part, sizes, 1, ())


def read_table(loaded: Loaded, reporter: Reporter, fingerprint: str | None = None) -> Table:
    """Reads the data of a config as a training does, and the columns that it leaves out.

    Raises:
        ConfigError: The config asks for what makes no sense for this data.
        DataError: The data cannot be used as the config says.
        RunError: The fingerprint, of the data of a run, is that of others.
    """
    try:
        split = read_split(loaded.config, reporter)
    except Findings as error:
        raise loaded.error(error.findings) from error
    if fingerprint is not None:
        refuse_changed(split.parts, fingerprint)
    parts: dict[str, Raw] = dict(split.parts.named)
    if window_of(loaded.config.data):  # windows reach back into rows of earlier parts
        found = split.rows.positions.items()
        parts |= {name: split.whole.take(rows) for name, rows in found if len(rows)}
    sizes = {name: len(raw) for name, raw in parts.items()}
    step = step_over(sum(sizes.values()), MOST_ROWS)
    looked = {
        name: raw.take(np.arange(0, len(raw), step)) if step > 1 else raw
        for name, raw in parts.items()
    }
    rows = np.concatenate([raw.rows for raw in looked.values()])
    part = np.repeat(np.arange(len(looked)), [len(raw) for raw in looked.values()])
    # A part that has a file of its own has the same numbers of rows again.
    order = np.argsort(rows) if len(np.unique(rows)) == len(rows) else np.arange(len(rows))
    inputs = _in_order([_inputs(raw) for raw in looked.values()], order)
    targets = _in_order([_targets(raw, split) for raw in looked.values()], order)
    others = _in_order(_others(loaded, looked), order)
    known = {**inputs, **targets}
    return Table(
        source_title(loaded.config),
        loaded,
        {name: column for name, column in inputs.items() if column.kind != "text"},
        {name: column for name, column in others.items() if name not in known},
        targets,
        split.target.task,
        part[order],
        sizes,
        step,
        tuple(advice_on(split.whole, loaded.config.data, loaded.config.preprocess)),
        tuple(dict.fromkeys(said for raw in looked.values() for said in getattr(raw, "about", ()))),
        {name: column for name, column in inputs.items() if column.kind == "text"},
        dict(zip(split.target.values, split.target.classes, strict=False)),
    )


def _inputs(raw: Raw) -> Mapping[str, Column]:
    if isinstance(raw, RawTable):
        return raw.columns
    if len(raw.x.shape) != 2 or raw.x.shape[1] > _MOST_COLUMNS:
        return {}
    return {f"x{place}": _numbers(values) for place, values in enumerate(raw.x[:].T, start=1)}


def _targets(raw: Raw, split: SplitData) -> Mapping[str, Column]:
    if isinstance(raw, RawTable):
        return raw.targets
    if raw.y is None or len(raw.y.shape) > 2 or split.target.places:
        return {}
    y = raw.y[:]
    if y.dtype.kind in "OSU":
        texts, codes = np.unique(y.reshape(-1).astype(str), return_inverse=True)
        (name,) = raw.names or ("target",)
        return {name: Column("categorical", codes.astype(np.int32), tuple(map(str, texts)))}
    columns = y.reshape(len(y), -1).T
    return dict(zip(split.target.names, map(_numbers, columns), strict=False))


def _numbers(values: Array) -> Column:
    floats = values.astype(np.float64)
    return Column("numeric", floats, integral=bool(np.all(floats == np.floor(floats))))


def _others(loaded: Loaded, looked: Mapping[str, Raw]) -> list[Mapping[str, Column]]:
    """Returns all columns of the file, also those that are no inputs; none that cannot be read."""
    data = loaded.config.data
    if not isinstance(data, TableFile):
        return []
    if data.features is None and data.exclude is None and data.split.rows_by is None:
        return []
    every = replace(data, features=None, exclude=None, split=Split())
    everything = replace(loaded.config, data=every)
    try:
        read = read_parts(everything, SilentReporter())
    except DataError:  # what is no input may be anything
        return []
    found: list[Mapping[str, Column]] = []
    for name, raw in looked.items():
        source = read.named.get(name, read.train)
        if isinstance(source, RawTable):
            found.append(source.take(np.searchsorted(source.rows, raw.rows)).columns)
    return found


def _in_order(parts: Sequence[Mapping[str, Column]], order: Array) -> dict[str, Column]:
    """Joins the columns of several parts; their categories may be others in each."""
    names = list(parts[0]) if parts else []
    return {name: _joined([part[name] for part in parts]).take(order) for name in names}


def _joined(columns: Sequence[Column]) -> Column:
    first = columns[0]
    if all(column.categories == first.categories for column in columns):
        return replace(first, values=np.concatenate([column.values for column in columns]))
    texts = sorted({text for column in columns for text in column.categories})
    place = {text: position for position, text in enumerate(texts)}
    values = [
        np.array([*(place[text] for text in column.categories), -1], np.int32)[column.values]
        for column in columns
    ]
    return replace(first, values=np.concatenate(values), categories=tuple(texts))
