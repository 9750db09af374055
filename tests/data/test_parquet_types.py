"""Every type that Arrow has: its values are read, or the column is refused with its row."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from dl.data.sources import parquet
from dl.data.tables import Wanted, typed_table
from dl.data.types import Column, RawTable
from dl.errors import DataError
from support.tables import told

WANTED = Wanted(("c",), (), {})
NOT_IN_PARQUET = {
    "interval_months",
    "interval_day_time",
    "interval_month_day_nano",
    "dense_union",
    "sparse_union",
    "run_end_encoded",
}
"""Types that Arrow does not write into a Parquet file."""


@dataclass(frozen=True)
class Read:
    """What a column becomes: its kind, and its values; categories as their names."""

    kind: str
    values: list[object]


def numbers(*values: float | None) -> Read:
    return Read("numeric", [np.nan if value is None else float(value) for value in values])


def dates(*values: str | None) -> Read:
    return Read("date", [np.datetime64(value or "NaT", "us") for value in values])


def names(*values: str | None) -> Read:
    return Read("categorical", list(values))


def counted(kind: Any, *numbers: int | None) -> Any:
    """Returns numbers as dates, in the unit of the type."""
    integer = pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
    return pyarrow.array(numbers, integer).view(kind)


def unusable(kind: str) -> str:
    return (
        "rows.parquet: row 1: column 'c' cannot be used\n"
        "expected: numbers, text, booleans or dates\n"
        f"found: values of type {kind}\n"
        "hint: leave it out with `data.exclude`"
    )


def far(row: int, found: str, kind: str) -> str:
    return (
        f"rows.parquet: row {row}: column 'c' holds a date that is too far away\n"
        "expected: a date of the years 1 to 9999\n"
        f"found: '{found}'\n"
        f"hint: correct the value, or write the column in another unit than that of {kind}"
    )


DAY = datetime.date(2024, 2, 29)
TIME = datetime.time(1, 2, 3)
STAMP = 1_709_208_000  # 2024-02-29T12:00
TEXTS = ["b", None, "a"]
A = pyarrow.array
ZONES = (None, "UTC", "Europe/Berlin", "+02:00")

CASES: dict[str, tuple[Any, Read | str]] = {
    "null": (A([None, None]), numbers(None, None)),
    "bool": (A([True, None, False]), names("true", None, "false")),
    **{
        name: (A([1, None, 3], getattr(pyarrow, name)()), numbers(1, None, 3))
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    "float16": (A([np.float16(1.5), None], pyarrow.float16()), numbers(1.5, None)),
    "float32": (A([1.5, None], pyarrow.float32()), numbers(1.5, None)),
    "float64": (A([1.5, float("nan")], pyarrow.float64()), numbers(1.5, None)),
    "decimal32": (A([Decimal("1.25"), None], pyarrow.decimal32(5, 2)), numbers(1.25, None)),
    "decimal64": (A([Decimal("1.25"), None], pyarrow.decimal64(5, 2)), numbers(1.25, None)),
    "decimal128": (A([Decimal("-1.25"), None], pyarrow.decimal128(5, 2)), numbers(-1.25, None)),
    "decimal256": (A([Decimal("1.25"), None], pyarrow.decimal256(60, 2)), numbers(1.25, None)),
    "string": (A(TEXTS), names(*TEXTS)),
    "large_string": (A(TEXTS, pyarrow.large_string()), names(*TEXTS)),
    "string_view": (A(TEXTS, pyarrow.string_view()), names(*TEXTS)),
    "string_view-numbers": (A(["1", None, "2.5"], pyarrow.string_view()), numbers(1, None, 2.5)),
    "dictionary": (A(TEXTS).dictionary_encode(), names(*TEXTS)),
    "dictionary-numbers": (A([3, None, 4]).dictionary_encode(), numbers(3, None, 4)),
    "date32": (A([DAY, None], pyarrow.date32()), dates("2024-02-29", None)),
    "date64": (A([DAY, None], pyarrow.date64()), dates("2024-02-29", None)),
    **{
        f"timestamp-{unit}-{zone}": (
            counted(pyarrow.timestamp(unit, zone), STAMP * per, None),
            dates("2024-02-29T12:00", None),
        )
        for unit, per in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items()
        for zone in ZONES
    },
    **{
        f"timestamp-below-a-microsecond-{zone}": (
            counted(pyarrow.timestamp("ns", zone), STAMP * 10**9 + 123_456_789, None, -1),
            dates("2024-02-29T12:00:00.123456", None, "1969-12-31T23:59:59.999999"),
        )
        for zone in ZONES
    },
    "date32-far": (
        counted(pyarrow.date32(), 0, 2**31 - 1),
        far(2, "5881580-07-11", "date32[day]"),
    ),
    "timestamp-far": (
        counted(pyarrow.timestamp("ms"), 0, None, STAMP * 10**6),
        far(3, "56132-08-24T00:00:00.000", "timestamp[ms]"),
    ),
    "timestamp-far-zoned": (
        counted(pyarrow.timestamp("us", "UTC"), 0, -(2**62)),
        far(2, "-144169-06-28T09:59:32.612096", "timestamp[us, tz=UTC]"),
    ),
    "uint64-large": (
        A([1, 2**53 + 1], pyarrow.uint64()),
        "rows.parquet: row 2: column 'c' holds an integer that is too large to be exact\n"
        "expected: integers up to 2^53\n"
        "found: '9007199254740993'\n"
        "hint: leave an identifier out with `data.exclude`, or make it `categorical` in "
        "`data.columns`",
    ),
    "float16-infinite": (
        A(np.array([1, np.inf], np.float16)),
        "rows.parquet: row 2: column 'c' is infinite\n"
        "expected: a number between -3.4e+38 and 3.4e+38\n"
        "found: 'inf'\n"
        "hint: correct the value, or leave the field empty and set `preprocess.missing`",
    ),
    "no-text": (
        pyarrow.Array.from_buffers(
            pyarrow.string(),
            2,
            [None, pyarrow.py_buffer(np.array([0, 1, 2], np.int32)), pyarrow.py_buffer(b"a\xff")],
        ),
        "rows.parquet: row 2: column 'c' holds bytes that are not text\n"
        "expected: UTF-8\n"
        "found: \"b'\\\\xff'\"\n"
        "hint: write the texts in UTF-8, or leave the column out with `data.exclude`",
    ),
    "binary": (A([b"a"]), unusable("binary")),
    "large_binary": (A([b"a"], pyarrow.large_binary()), unusable("large_binary")),
    "binary_view": (A([b"a"], pyarrow.binary_view()), unusable("binary_view")),
    "fixed_size_binary": (A([b"a"], pyarrow.binary(1)), unusable("fixed_size_binary[1]")),
    "time32": (A([TIME], pyarrow.time32("ms")), unusable("time32[ms]")),
    "time64": (A([TIME], pyarrow.time64("ns")), unusable("time64[ns]")),
    "duration": (A([1], pyarrow.duration("us")), unusable("duration[us]")),
    "list": (A([[1]]), unusable("list<element: int64>")),
    "large_list": (
        A([[1]], pyarrow.large_list(pyarrow.int64())),
        unusable("large_list<element: int64>"),
    ),
    "fixed_size_list": (
        A([[1]], pyarrow.list_(pyarrow.int64(), 1)),
        unusable("fixed_size_list<element: int64>[1]"),
    ),
    "list_view": (
        A([[1]], pyarrow.list_view(pyarrow.int64())),
        unusable("list_view<element: int64>"),
    ),
    "large_list_view": (
        A([[1]], pyarrow.large_list_view(pyarrow.int64())),
        unusable("large_list_view<element: int64>"),
    ),
    "struct": (A([{"a": 1}]), unusable("struct<a: int64>")),
    "map": (
        A([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
        unusable("map<string, int64 ('c')>"),
    ),
    "extension": (
        pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), A([b"0" * 16], pyarrow.binary(16))),
        unusable("extension<arrow.uuid>"),
    ),
}


def test_cases_hold_every_type_of_arrow() -> None:
    ids = {
        number: name.removeprefix("Type_").lower()
        for name, number in vars(pyarrow.lib).items()
        if name.startswith("Type_")
    }
    covered = {array.type.id for array, _ in CASES.values()}

    assert {name for number, name in ids.items() if number not in covered} == NOT_IN_PARQUET


def in_memory(path: Path) -> list[RawTable]:
    return [typed_table(parquet.read(None, path, WANTED), WANTED)]


def streamed(path: Path) -> list[RawTable]:
    return [typed_table(parquet.read(None, path, WANTED, on_disk=True), WANTED, on_disk=True)]


def to_predict(path: Path) -> list[RawTable]:
    wanted = Wanted(("c",), (), {"c": in_memory(path)[0].columns["c"].kind})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "_ROWS", 2)
        blocks = parquet.blocks(None, path, wanted, lambda rows: None)
        return [typed_table(read(), wanted) for read in blocks]


@pytest.mark.parametrize("read", [in_memory, streamed, to_predict])
@pytest.mark.parametrize("name", CASES)
def test_column_is_read_or_refused(name: str, read: Any, tmp_path: Path) -> None:
    array, expected = CASES[name]
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"c": array}), path)

    if isinstance(expected, str):
        assert told(lambda: read(path), tmp_path) == expected
        return
    columns = [table.columns["c"] for table in read(path)]
    assert {column.kind for column in columns} == {expected.kind}
    values = [value for column in columns for value in plain(column)]
    np.testing.assert_array_equal(np.array(values), np.array(expected.values))


def plain(column: Column) -> list[object]:
    if column.kind != "categorical":
        return list(column.values)
    return [column.categories[code] if code >= 0 else None for code in column.values]


@pytest.mark.parametrize("kind", ["numeric", "date", "categorical"])
@pytest.mark.parametrize("name", CASES)
def test_type_never_ends_in_an_error_of_arrow(name: str, kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"c": CASES[name][0]}), path)
    try:
        wanted = Wanted(("c",), (), {"c": kind})
        result = typed_table(parquet.read(None, path, wanted), wanted).columns["c"].kind
    except DataError as refused:
        result = refused.problems[0].message

    assert re.match(rf"{kind}$|.*rows\.parquet: row [123]: column 'c' ", result)
