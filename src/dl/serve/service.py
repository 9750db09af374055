"""What a served run says of the rows of requests, many requests at a time."""

from __future__ import annotations

import io
import json
import math
from collections.abc import KeysView, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow

from dl.data.drift import ColumnSummary, read_summaries
from dl.data.features import CategoricalFeature
from dl.data.read import wanted_by
from dl.data.requirements import requirements_of
from dl.data.sources.csv import csv_blocks
from dl.data.sources.dialect import Dialect
from dl.data.sources.other import cell_text
from dl.data.tables import Block, typed_table
from dl.data.target import decode
from dl.data.tokens import transform_rows
from dl.data.transform import UnseenCategories
from dl.data.types import Array
from dl.data.write import rows_output
from dl.errors import DataError, DlError, UsageError
from dl.predict.lite import Outputs, SavedFiles
from dl.text import plural

SOURCE = "rows"
"""What the rows of a request are called in messages: `rows:3` is a line of CSV."""
_ROW = 'an object of JSON with a value for each column: {"age": 41, "city": "Bern"}'

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows of a request.

    Attributes:
        rows: Objects of JSON, whose values are texts as a CSV file would have them; or CSV.
        single: Whether one object was sent, not a list.
    """

    rows: Sequence[Values] | bytes
    single: bool = False

    def __len__(self) -> int:
        return self.rows.count(b"\n") if isinstance(self.rows, bytes) else len(self.rows)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Rows as the network takes them, and what is odd about them."""

    x: Array
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of the predictions for the rows of a request, and what is odd about them."""

    columns: Mapping[str, Array]
    warnings: Sequence[str] = ()

    def csv(self) -> bytes:
        """Returns the bytes that `dl predict` writes."""
        content = io.BytesIO()
        with rows_output(content) as write:
            write(self.columns)
        return content.getvalue()

    def rows(self) -> list[Values]:
        """Returns an object for each row; null where a number is infinite or NaN."""
        values = zip(*map(_plain, self.columns.values()), strict=True)
        return [dict(zip(self.columns, row, strict=True)) for row in values]


def _plain(column: Array) -> list[Any]:
    if column.dtype.kind != "f":
        return list(column.tolist())
    # By its shortest text, as CSV has it: 0.1 of 32 bits is 0.10000000149 of 64.
    floats = column.tolist() if column.itemsize == 8 else map(float, column.astype(str))
    return [value if math.isfinite(value) else None for value in floats]


def parse_json(body: bytes) -> Asked:
    """Returns the rows of a request in JSON, numbers as they are written.

    Raises:
        DataError: It is not JSON, or not rows of a table.
    """
    try:
        told = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(f"{SOURCE}: not JSON: {said}", expected=f"{_ROW}, or a list") from error
    rows = told if isinstance(told, list) else [told]
    if not rows:
        raise DataError(f"{SOURCE}: there are none", expected=f"{_ROW}, or a list")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(
                f"{_place(number - 1)}: is not a row of a table", expected=_ROW, found=_cut(row)
            )
        for key, value in row.items():
            if isinstance(value, dict | list):
                raise DataError(
                    f"{_place(number - 1)}: column {key!r} has several values",
                    expected="a number, a text, true, false or null",
                    found=_cut(value),
                )
    return Asked(rows, single=isinstance(told, dict))


def _cut(found: object) -> str:
    # Numbers are texts here, and were sent without quotes.
    return (found if isinstance(found, str) else json.dumps(found))[:60]


def _place(row: int) -> str:
    return f"{SOURCE}: row {row + 1}"


class Service:
    """A run that is asked for predictions; one thread may use it at a time.

    Args:
        files: The run; one that `check_servable` lets pass.
        model: Computes its outputs.

    Raises:
        RunError: A file of the run is damaged.
    """

    def __init__(self, files: SavedFiles, model: Outputs) -> None:
        fitted, data = files.preprocessing, files.config.data
        self.label = files.run.label
        self.kinds = fitted.kinds
        self.target = fitted.target
        found = read_summaries(files.run, fitted.kinds)
        self.summaries: dict[str, ColumnSummary] = {each.name: each for each in found or ()}
        self.categories = {
            each.name: each.categories
            for each in fitted.columns
            if isinstance(each, CategoricalFeature) and not each.pooled and not each.edges
        }
        self._features, self._model = fitted.columns, model
        self._data, self._tokens = data, requirements_of(files.config).tokens
        self._has_texts = any(kind == "text" for kind in fitted.kinds.values())
        self._wanted = replace(wanted_by(data, fitted), targets=(), others={})
        # A first row loads what is loaded late, and tells what the columns are called.
        self.answers = list(self._said(np.zeros((1, *fitted.input_shape), np.float32)))

    def predict(self, several: Sequence[Asked]) -> list[Answer | DlError]:
        """Returns what is said of the rows of each request, or why they cannot be used."""
        prepared: Sequence[_Prepared | DlError] | None = self._together(several)
        if prepared is None:
            prepared = [self._alone(asked) for asked in several]
        said = iter(self._all_said([each for each in prepared if isinstance(each, _Prepared)]))
        return [next(said) if isinstance(each, _Prepared) else each for each in prepared]

    def _together(self, several: Sequence[Asked]) -> list[_Prepared] | None:
        """Prepares requests in JSON as one table.

        None where something is wrong with one of them, or to be told of it: then each is looked at
        alone, so that nobody is told of the rows of others.
        """
        rows: list[Values] = []
        for asked in several:
            if isinstance(asked.rows, bytes) or not _keys(asked.rows) >= self.kinds.keys():
                return None
            rows += asked.rows
        if len(several) == 1 or self._has_texts:
            return None
        try:
            made = self._prepared(self._block(rows))
        except DlError:
            return None
        if made.warnings:
            return None
        ends = np.cumsum([len(asked) for asked in several])
        return [_Prepared(x) for x in np.split(made.x, ends[:-1])]

    def _alone(self, asked: Asked) -> _Prepared | DlError:
        try:
            if not isinstance(asked.rows, bytes):
                self._wanted.selected(SOURCE, list(_keys(asked.rows)))
                return self._prepared(self._block(asked.rows))
            dialect = replace(Dialect.of(self._data, SOURCE), encoding="utf-8")
            read = csv_blocks(io.BytesIO(asked.rows), dialect, self._wanted, to_predict=True)
            return self._prepared(*(block() for block in read))
        except DlError as error:
            return error

    def _block(self, rows: Sequence[Values]) -> Block:
        def column(name: str) -> Any:
            return pyarrow.array([cell_text(row.get(name)) for row in rows], pyarrow.string())

        return Block(list(self.kinds), column, len(rows), SOURCE, _place)

    def _prepared(self, *blocks: Block) -> _Prepared:
        unseen = UnseenCategories()
        x = [
            transform_rows(typed_table(block, self._wanted), self._features, unseen, self._tokens)[
                :
            ]
            for block in blocks
        ]
        return _Prepared(np.concatenate(x), tuple(unseen.messages(SOURCE)))

    def _all_said(self, prepared: Sequence[_Prepared]) -> list[Answer | DlError]:
        """Asks the model about all rows at once; where it cannot take one of them, about each."""
        if not prepared:
            return []
        try:
            columns = self._said(np.concatenate([each.x for each in prepared]))
        except DlError as error:
            return [error] if len(prepared) == 1 else [self._all_said([p])[0] for p in prepared]
        ends = np.cumsum([len(each.x) for each in prepared])
        slices = [slice(end - len(each.x), end) for end, each in zip(ends, prepared, strict=True)]
        return [
            Answer({name: values[rows] for name, values in columns.items()}, each.warnings)
            for rows, each in zip(slices, prepared, strict=True)
        ]

    def _said(self, x: Array) -> dict[str, Array]:
        return decode(self._model(x), self.target)


def _keys(rows: Sequence[Values]) -> KeysView[str]:
    return (rows[0] if len(rows) == 1 else dict.fromkeys(key for row in rows for key in row)).keys()


def check_servable(files: SavedFiles) -> None:
    """Refuses a run whose rows are not those of a table, each of which is enough by itself.

    Raises:
        UsageError: With what to do instead.
    """
    fitted = files.preprocessing
    why = ""
    if fitted.array is not None:
        why = f"it takes {'images' if fitted.array.image else 'arrays'}"
    elif fitted.window is not None:
        why = f"it looks back over {plural(fitted.window.length, 'row')}"
    if why:
        raise UsageError(
            f"{files.run.label} cannot be served: {why}",
            expected="a run that was trained on a table, and predicts each row by itself",
            hint=f"predict from a file: dl predict {files.run.label} FILE",
        )
