"""What a text in a table may stand for: a missing value, or a number as people format it.

The patterns mean the same to Python's `re` and to Arrow, which looks at whole columns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

MISSING_WORDS = frozenset(
    {
        *("na", "n/a", "n.a.", "n.a", "#n/a", "#na", "<na>", "n/k", "nan", "-nan", "nat", "\\n"),
        *("null", "#null!", "none", "nil", "?", "??", "*", ".", ".."),
        *("-", "--", "---", "\u2013", "\u2014", "#div/0!", "#value!", "#ref!", "#num!"),
        *("unknown", "not known", "missing", "not available", "undefined"),
    }
)
"""Texts that mostly stand for a missing value, in small letters: of R, SAS, spreadsheets, UCI…

Among numbers or dates they are told; among words, such as `unknown` as a job, they are categories.
"""

_GROUPS = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"
_COMMA = r"[0-9]+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"
_SPACED = "[0-9]{1,3}(?:[ '_\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?"
_PLAIN = r"[0-9]+\.?[0-9]*|\.[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}"
_MONEY = r"[$€£¥₹]|US\$|USD|EUR|GBP|CHF"
FORMATTED = (
    rf"^\s*\(?[+-]?\s?(?:{_MONEY})?\s?[+-]?(?:{_GROUPS}|{_COMMA}|{_SPACED}|{_PLAIN})"
    r"\s?(?:%|[$€£¥₹]|[A-Za-zµ°²³/]{0,8})\)?\s*$"
)
"""Numbers as people write them: `$4,095.72`, `41 %`, `1 234,5`, `12 kg`, `(300)`."""
ORDINAL = r"[0-9](?:st|nd|rd|th)\s*$"
"""`1st` is a name, not a number with a unit."""
DECIMAL_COMMA = r"[0-9],(?:[0-9]{1,2}|[0-9]{4,})(?:[^0-9]|$)"
"""A comma that cannot stand between thousands."""
_MOST_UNITS = 3
"""Numbers of a column have one unit, or a few (`min`, `h`); codes such as `12A` have many."""


def stands_for_missing(text: str) -> bool:
    """Whether a text mostly stands for a missing value: `NA`, `?`, `null`."""
    return text.strip().lower() in MISSING_WORDS


def finite_number(text: str) -> float | None:
    """Returns the number that a text is for Python, None if it is not a finite one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def is_formatted(text: str) -> bool:
    """Whether a text is surely a number as people write it: `$4,095.72`, `41 %`; `1o` is a slip."""
    return bool(re.search(FORMATTED, text)) and not re.search(f"{ORDINAL}|[0-9][A-Za-z]$", text)


def plain_number(text: str, decimal_comma: bool = False) -> str:
    """Returns a formatted number as a table has to write it: `4095.72` for `$4,095.72`."""
    body = re.sub(r"[^0-9.,]", "", text).strip(",")
    if decimal_comma or (re.fullmatch(_COMMA, body) and not re.fullmatch(_GROUPS, body)):
        body = body.replace(".", "").replace(",", ".")
    elif body.count(".") > 1:
        body = body.replace(".", "")
    negative = "-" in text or text.strip().startswith("(")
    return f"{'-' if negative else ''}{body.replace(',', '')}"


def has_few_units(texts: Iterable[str]) -> bool:
    """Whether formatted numbers have so few different units that they are no codes."""
    units = {re.sub(r"[^A-Za-zµ°²³/%$€£¥₹]", "", text) for text in texts}
    return len(units) <= _MOST_UNITS
