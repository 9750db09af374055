"""Choosing columns by name, and the errors about names that a table does not have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dl.errors import DataError, closest
from dl.text import listing


def require(source: str, wanted: Iterable[str], present: Sequence[str], what: str) -> None:
    """Refuses names that the table does not have.

    Args:
        source: The file, for messages.
        wanted: The names that must be there.
        present: The names in the header.
        what: What the names stand for: `target column`.

    Raises:
        DataError: Names that are not there, with the nearest one that is to the first of them.
    """
    known = frozenset(present)
    missing = [name for name in wanted if name not in known]
    if not missing:
        return
    near = closest(missing[0], present)
    raise DataError(
        f"{source}: {_lack_of(missing, what)}",
        expected="one of " + listing(present, "", 8),
        hint=f"did you mean {near!r}?" if near else None,
    )


def _lack_of(missing: Sequence[str], what: str) -> str:
    if len(missing) == 1:
        return f"there is no {what} {missing[0]!r}"
    return f"there are no {what}s {listing(map(repr, missing), '', 4)}"
