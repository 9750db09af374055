"""A table as a file holds it: named Arrow columns whose kinds are still to be decided."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dl.data.raw import Place


@dataclass(frozen=True, slots=True)
class Frame:
    """The columns of a file.

    Attributes:
        columns: Arrow arrays by name; those of a CSV file are text.
        length: Number of rows.
        source: The file, for messages.
        place: Words for the place of a row, given its 0-based position.
    """

    columns: Mapping[str, Any]
    length: int
    source: str
    place: Place


Names = Collection[str]
Select = Callable[[list[str]], list[str]]
"""Given the names in the header, returns those that are wanted; raises if one is not there."""
