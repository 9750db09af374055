"""How numbers and names are written in tables and pictures."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Returns a number with four significant digits: 0.9691, 123.5, 12346, 1.2e-05."""
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return _scientific(value)
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(text: str) -> str:
    """Returns the text on one line, without characters that cannot be printed."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def shortened(text: str, most: int) -> str:
    """Returns the plain text, its middle left out if it has more than `most` characters.

    Both ends stay, since names of a kind often differ only at the end.
    """
    text = plain(text)
    if len(text) <= most:
        return text
    tail = (most - 1) // 3
    head = most - 1 - tail
    return f"{text[:head].rstrip()}…{text[len(text) - tail :].lstrip()}"


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.3e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{exponent}"
