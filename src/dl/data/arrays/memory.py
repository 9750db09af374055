"""How much memory there is, so that arrays that cannot fit are refused before they are read."""

from __future__ import annotations

import os

from dl.errors import DataError

_SHARE = 0.8


def available_memory() -> int:
    """Returns the memory that programs can still take, in bytes."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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
    limit = int(_SHARE * available_memory())
    if size > limit:
        raise DataError(
            message,
            expected=f"at most {_gigabytes(limit)}",
            found=f"{_gigabytes(size)}, {what}",
            hint=hint,
        )


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
