"""Choosing columns by name, and the errors about names that a table does not have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dl.errors import DataError, closest


def require(source: str, wanted: Iterable[str], present: Sequence[str], what: str) -> None:
    """Refuses a name that the table does not have.

    Args:
        source: The file, for messages.
        wanted: The names that must be there.
        present: The names in the header.
        what: What the names stand for: `target column`.

    Raises:
        DataError: The first name that is not there, with the nearest one that is.
    """
    for name in wanted:
        if name in present:
            continue
        near = closest(name, present)
        raise DataError(
            f"{source}: there is no {what} {name!r}",
            expected="one of " + listed(present),
            hint=f"did you mean {near!r}?" if near else None,
        )


def listed(names: Sequence[str], most: int = 8) -> str:
    """Words for a list of names, shortened if it is long."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} … ({len(names)} in all)"
