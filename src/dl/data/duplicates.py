"""Rows of different parts with the same inputs: as the network gets them, after the preparation.

So tables, arrays and pictures are looked at in one way, in memory or on the disk; and rows that
differ in nothing that the network sees are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Duplicates
from dl.data.types import Part, Raw, Rows
from dl.errors import DataError
from dl.progress import Reporter
from dl.text import listing, plural

_BLOCK_BYTES = 1 << 26
_DIGEST_BYTES = 16
"""Two different rows have the same digest by chance once in 2**64 rows."""
_SHOWN = 3

Digests = NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class Repeated:
    """Rows of a part whose inputs are in an earlier part, too.

    Attributes:
        part: The part.
        rows: Their positions in it, ascending.
        earlier: The part and the position of the first row that each of them repeats.
    """

    part: str
    rows: NDArray[np.intp]
    earlier: tuple[tuple[str, int], ...]


def repeated_rows(parts: Mapping[str, Part]) -> list[Repeated]:
    """Returns the rows of each part but the first that have the inputs of a row before it."""
    found: list[Repeated] = []
    before, places = np.empty(0, f"S{_DIGEST_BYTES}"), list[tuple[str, int]]()
    for name, part in parts.items():
        own = _digests(part.x)
        known, first = np.unique(before, return_index=True)
        place = np.minimum(np.searchsorted(known, own), max(len(known) - 1, 0))
        rows = np.flatnonzero(known[place] == own) if len(known) else np.empty(0, np.intp)
        if len(rows):
            earlier = tuple(places[first[position]] for position in place[rows])
            found.append(Repeated(name, rows, earlier))
        before = np.concatenate([before, own])
        places += ((name, position) for position in range(len(part)))
    return found


def _digests(rows: Rows) -> Digests:
    """Returns a digest of each row."""
    height = max(1, _BLOCK_BYTES // max(1, int(rows[:1].nbytes)))
    found = np.empty(len(rows), f"S{_DIGEST_BYTES}")
    for begin in range(0, len(rows), height):
        block = np.ascontiguousarray(rows[begin : begin + height])
        block = block + block.dtype.type(0)  # -0 is 0
        for position, row in enumerate(block, start=begin):
            found[position] = hashlib.blake2b(row.data, digest_size=_DIGEST_BYTES).digest()
    return found


def judge_duplicates(
    setting: Duplicates, raw: Mapping[str, Raw], parts: Mapping[str, Part], reporter: Reporter
) -> None:
    """Warns of rows that are in two parts, or refuses them, as the config says.

    Args:
        setting: What the config says.
        raw: The rows of each part as read, which know their places.
        parts: The same rows, ready for the network.
        reporter: Is told of them.

    Raises:
        DataError: There are some, and they are not to be.
    """
    if setting.across_parts == "allow" or not (found := repeated_rows(parts)):
        return
    counts = [f"{plural(len(it.rows), 'row')} of the {it.part} part" for it in found]
    pairs = [
        f"{raw[it.part].row_place(int(row))} ({it.part}) as {raw[part].row_place(place)} ({part})"
        for it in found
        for row, (part, place) in list(zip(it.rows, it.earlier, strict=True))[:_SHOWN]
    ]
    shown = ", ".join(pairs[:_SHOWN])
    message = f"{listing(counts, 'and')} have the same inputs as rows of an earlier part"
    if setting.across_parts == "warn":
        reporter.warn(f"{message}: {shown}")
        return
    raise DataError(
        f"{raw['train'].source}: {message}",
        expected="rows that are in one part only (`data.duplicates.across_parts: error`)",
        found=shown,
        hint="leave them out of one part, keep rows that belong together in one part with "
        "`data.split.by`, or write `across_parts: warn`",
    )
