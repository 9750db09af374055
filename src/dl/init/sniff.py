"""Finds out how a CSV file is written: its separator and its text encoding."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from dl.data.files import check_file

_SEPARATORS = (",", ";", "\t", "|")
_FIRST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written."""

    separator: str
    encoding: str


def sniff(path: Path) -> Dialect:
    """Reads the beginning of a CSV file and returns its likely separator and encoding.

    Raises:
        DataError: The file cannot be opened.
    """
    check_file(path)
    with path.open("rb") as file:
        beginning = file.read(_FIRST_BYTES)
    whole = len(beginning) < _FIRST_BYTES
    encoding = _encoding(beginning if whole else beginning[: beginning.rfind(b"\n") + 1])
    lines = beginning.decode(encoding, errors="replace").splitlines()
    return Dialect(_separator(lines if whole else lines[:-1]), encoding)


def _encoding(beginning: bytes) -> str:
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _separator(lines: list[str]) -> str:
    """Returns the separator with which most lines have as many values as the header."""
    return max(_SEPARATORS, key=lambda separator: _agreement(lines, separator))


def _agreement(lines: list[str], separator: str) -> tuple[float, int]:
    try:
        records = [record for record in csv.reader(lines, delimiter=separator) if record]
    except csv.Error:
        return (0.0, 0)
    width = len(records[0]) if records else 0
    if width < 2:
        return (0.0, 0)
    alike = sum(len(record) == width for record in records)
    return (round(alike / len(records), 1), width)
