"""What an unquoted word of YAML stands for: the core schema of YAML 1.2, without surprises.

Words that YAML 1.1 programs read as something else than YAML 1.2 does (`no`, `12:30`, `017`,
`2024-01-31`) are not guessed: they come back as a `Surprise`, to be quoted or written otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dl.config.nodes import Plain

_NULLS = frozenset(["", "~", "null", "Null", "NULL"])
_TRUE = frozenset(["true", "True", "TRUE"])
_FALSE = frozenset(["false", "False", "FALSE"])
_OLD_TRUE = frozenset(["yes", "on"])
_OLD_FALSE = frozenset(["no", "off"])
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NOT_A_NUMBER = frozenset([".nan", ".NaN", ".NAN"])
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_GROUPED = re.compile(r"[-+]?(0b[01_]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)")
_CLOCK = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")
_MOST_DIGITS = 30
_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class Surprise:
    """An unquoted word that means different things to different YAML readers."""

    message: str
    hint: str


def plain_value(word: str) -> Plain | Surprise:
    """Returns the value of an unquoted word, or why it is refused."""
    if word in _NULLS:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if word[0] in "+-.0123456789":
        return _number(word)
    return _old_boolean(word)


def _number(word: str) -> Plain | Surprise:
    if _INTEGER.fullmatch(word) or _BASED.fullmatch(word):
        return _integer(word)
    surprise = _surprise(word)
    if surprise is not None:
        return surprise
    if _FLOAT.fullmatch(word):
        return float(word)
    if _INFINITE.fullmatch(word):
        return float(word.replace(".", "").lower())
    return float("nan") if word in _NOT_A_NUMBER else word


def _integer(word: str) -> int | Surprise:
    value = int(word, 0) if len(word) <= _MOST_DIGITS else _LIMIT
    if -_LIMIT <= value < _LIMIT:
        return value
    return Surprise(
        f"`{_short(word)}` is too large for a whole number",
        "put it in quotes if it is text, or write it with an exponent, as in 1e20",
    )


def _surprise(word: str) -> Surprise | None:
    if _LEADING_ZERO.fullmatch(word):
        return _leading_zero(word)
    if _GROUPED.fullmatch(word):
        return _grouped(word)
    if _CLOCK.fullmatch(word):
        return Surprise(
            f"`{_short(word)}` is ambiguous: YAML 1.1 reads it as a number to the base 60",
            f'put it in quotes: "{_short(word)}"',
        )
    if _DATE.fullmatch(word):
        return Surprise(
            f"`{_short(word)}` is ambiguous: YAML 1.1 reads it as a date",
            f'put it in quotes: "{_short(word)}"',
        )
    return None


def _leading_zero(word: str) -> Surprise:
    number = word.replace("+", "").lstrip("-0") or "0"
    sign = "-" if word.startswith("-") else ""
    return Surprise(
        f"`{_short(word)}` is ambiguous: with a leading zero, YAML 1.1 reads an octal number",
        f'write {sign}{_short(number)} for the number, or "{_short(word)}" in quotes for the text',
    )


def _grouped(word: str) -> Surprise:
    return Surprise(
        f"`{_short(word)}` is ambiguous: YAML 1.1 reads it as a number, YAML 1.2 as text",
        f'write plain digits for a number, or "{_short(word)}" in quotes for the text',
    )


def _old_boolean(word: str) -> str | Surprise:
    folded = word.lower() if len(word) <= 3 else ""
    if word not in {folded, folded.upper(), folded.capitalize()}:
        return word
    if folded not in _OLD_TRUE | _OLD_FALSE:
        return word
    value = "true" if folded in _OLD_TRUE else "false"
    return Surprise(
        f"`{word}` is ambiguous: YAML 1.1 reads it as {value}, YAML 1.2 as text",
        f'write {value}, or "{word}" in quotes for the text',
    )


def _short(word: str) -> str:
    return word if len(word) <= 40 else word[:37] + "..."
