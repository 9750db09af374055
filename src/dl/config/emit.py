"""From plain data to YAML that is pleasant to read and means the same to every YAML reader."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from dl.config.scalars import plain_value

WIDTH = 100
_SAFE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_READ_DIFFERENTLY = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def yaml_text(document: Mapping[str, object]) -> str:
    """Returns a document as YAML: its sections as blocks, in them one line for what fits on one.

    Args:
        document: Plain data: mappings with text keys, lists, text, numbers, booleans, None.
    """
    sections = ["\n".join(_section(key, value)) for key, value in document.items()]
    return "\n".join(_spaced(sections)) + "\n"


def _spaced(sections: list[str]) -> Iterator[str]:
    for index, section in enumerate(sections):
        if index and "\n" in section:
            yield ""
        yield section


def _section(key: str, value: object) -> Iterator[str]:
    if _has_parts(value):
        yield f"{scalar(key)}:"
        yield from _block(value, 2)
    else:
        yield f"{scalar(key)}: {flow(value)}"


def _entry(key: str, value: object, indent: int) -> Iterator[str]:
    start = f"{' ' * indent}{scalar(key)}:"
    on_line = f"{start} {flow(value)}"
    things = isinstance(value, list) and any(isinstance(item, Mapping) for item in value)
    if not _has_parts(value) or (len(on_line) <= WIDTH and not things):
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
    return text if _is_plain(text) else quoted(text)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else text


def _is_plain(text: str) -> bool:
    if not _SAFE.fullmatch(text) or text.lower() in _READ_DIFFERENTLY:
        return False
    return plain_value(text) == text


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
