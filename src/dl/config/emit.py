"""What an unquoted word of YAML stands for, and plain data as YAML that is pleasant to read.

Words that YAML 1.1 programs read as something else than YAML 1.2 does (`no`, `12:30`, `017`,
`2024-01-31`) are not guessed: they come back as a `Surprise`, to be quoted or written otherwise.
What is written here means the same to every YAML reader.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dl.config.nodes import Plain
from dl.text import cut

_LITERALS: Mapping[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_QUOTE = 'put it in quotes: "{word}"'
_OR_QUOTE = 'or "{word}" in quotes for the text'
_SURPRISES = (
    (
        re.compile(r"[-+]?0[0-9]+"),
        "with a leading zero, YAML 1.1 reads an octal number",
        f"write {{number}} for the number, {_OR_QUOTE}",
    ),
    (
        re.compile(r"[-+]?(0b[01_]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)"),
        "YAML 1.1 reads it as a number, YAML 1.2 as text",
        f"write plain digits for a number, {_OR_QUOTE}",
    ),
    (
        re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"),
        "YAML 1.1 reads it as a number to the base 60",
        _QUOTE,
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"),
        "YAML 1.1 reads it as a date",
        _QUOTE,
    ),
    (
        re.compile("yes|Yes|YES|on|On|ON"),
        "YAML 1.1 reads it as true, YAML 1.2 as text",
        f"write true, {_OR_QUOTE}",
    ),
    (
        re.compile("no|No|NO|off|Off|OFF"),
        "YAML 1.1 reads it as false, YAML 1.2 as text",
        f"write false, {_OR_QUOTE}",
    ),
)
"""Words that are ambiguous: why, and what to write instead."""
_FIRST = frozenset("+-.0123456789yYnNoO")
"""What a word begins with that is not text at first sight; most are, and shall cost no pattern."""
_MOST_DIGITS = 30
"""Longer whole numbers are not even read: Python takes its time for thousands of digits."""
_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class Surprise:
    """An unquoted word that means different things to different YAML readers."""

    message: str
    hint: str


def plain_value(word: str) -> Plain | Surprise:
    """Returns the value of an unquoted word, or why it is refused."""
    if word in _LITERALS:
        return _LITERALS[word]
    if word[0] not in _FIRST:
        return word
    short = cut(word, 40)
    if _INTEGER.fullmatch(word):
        value = int(word, 0) if len(word) <= _MOST_DIGITS else _LIMIT
        if -_LIMIT <= value < _LIMIT:
            return value
        hint = "put it in quotes if it is text, or write it with an exponent, as in 1e20"
        return Surprise(f"`{short}` is too large for a whole number", hint)
    for pattern, why, hint in _SURPRISES:
        if pattern.fullmatch(word):
            digits = word.replace("+", "").lstrip("-0") or "0"
            number = cut(f"-{digits}" if word.startswith("-") else digits, 40)
            return Surprise(
                f"`{short}` is ambiguous: {why}", hint.format(word=short, number=number)
            )
    if _FLOAT.fullmatch(word):
        return float(word)
    return float(word.replace(".", "").lower()) if _INFINITE.fullmatch(word) else word


WIDTH = 100
_SAFE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_READ_DIFFERENTLY = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def yaml_text(document: Mapping[str, object]) -> str:
    """Returns a document as YAML: its sections as blocks, in them one line for what fits on one.

    Args:
        document: Plain data: mappings with text keys, lists, text, numbers, booleans, None.
    """
    lines: list[str] = []
    for key, value in document.items():
        section = list(_entry(key, value, 0, width=0))
        lines += ["", *section] if lines and len(section) > 1 else section
    return "\n".join(lines) + "\n"


def _entry(key: str, value: object, indent: int, width: int = WIDTH) -> Iterator[str]:
    start = f"{' ' * indent}{scalar(key)}:"
    on_line = f"{start} {flow(value)}"
    things = isinstance(value, list) and any(isinstance(item, Mapping) for item in value)
    if not _has_parts(value) or (len(on_line) <= width and not things):
        yield on_line
        return
    yield start
    yield from _block(value, indent + 2)


def _item(value: object, indent: int) -> Iterator[str]:
    on_line = f"{' ' * indent}- {flow(value)}"
    if not _has_parts(value) or len(on_line) <= WIDTH:
        yield on_line
        return
    lines = _block(value, indent + 2)
    yield f"{' ' * indent}- {next(lines).lstrip()}"
    yield from lines


def _block(value: object, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _entry(key, below, indent)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _item(item, indent)


def _has_parts(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def flow(value: object) -> str:
    """Returns a value on one line: `{type: Dense, units: 3}`."""
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{scalar(key)}: {flow(below)}" for key, below in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: object) -> str:
    """Returns a single value; text is quoted where a reader could take it for something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    safe = _SAFE.fullmatch(text) and text.lower() not in _READ_DIFFERENTLY
    return text if safe and plain_value(text) == text else quoted(text)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else text


def quoted(text: str) -> str:
    """Returns text in double quotes, everything unprintable escaped."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flat_document(document: object) -> dict[str, object]:
    """Returns every value of a config as plain data by its dotted path; see `resolve.flat`."""
    return dict(_leaves("", document))


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), below)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            name = item.get("name") if isinstance(item, Mapping) else None
            yield from _leaves(f"{path}.{name or index}", item)
    else:
        yield path, value
