"""How much memory there is, so that arrays that cannot fit are refused before they are read."""

from __future__ import annotations

from dl.errors import DataError
from dl.system import available_memory

_SHARE = 0.8


def check_memory(size: int, message: str, what: str, hint: str) -> None:
    """Refuses data that would take more than four fifths of the available memory.

    Args:
        size: The bytes that the data takes.
        message: What does not fit, with its file.
        what: What makes up the size.
        hint: What to do.

    Raises:
        DataError: It does not fit.
    """
    limit = _SHARE * available_memory()
    if size > limit:
        raise DataError(
            message,
            expected=f"at most {_gigabytes(limit)}",
            found=f"{_gigabytes(size)}, {what}",
            hint=hint,
        )


def _gigabytes(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
