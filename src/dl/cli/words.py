"""Numbers, durations, sizes and rows of metrics in words."""

from __future__ import annotations

from collections.abc import Mapping

_APART = ("epoch", "seconds", "learning_rate")


def number(value: float) -> str:
    """Words a metric in a width that hardly changes, for lines that are redrawn or compared."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.5g}"
    return f"{value:.3e}"


def duration(seconds: float) -> str:
    """Words a duration: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Words a number of bytes: 12 B, 345 kB, 1.2 GB."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"


def metrics(row: Mapping[str, float]) -> str:
    """Words the losses and metrics of a row, in their order."""
    return "  ".join(f"{key} {number(value)}" for key, value in row.items() if key not in _APART)


def age(seconds: float) -> str:
    """Words how long ago something was: now, 5 min, 3 h, 12 d."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"
