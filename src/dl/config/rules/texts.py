"""What rules say: their texts stand in `texts.toml`, by the name of the rule and of its case.

A text holds words in braces, `{layer.type}`; what they stand for, the rule gives. The file is read
when there is something to say.
"""

from __future__ import annotations

import functools
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from dl.errors import closest
from dl.text import listing
from dl.vocabulary.spec import Finding, Path, Spec

TEXTS = FilePath(__file__).with_name("texts.toml")
MOST_NAMES = 12
"""Names of a list that a message shows."""
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Advice:
    """Something doubtful in a config.

    Attributes:
        rule: The id that switches it off.
        path: Where it stands, or would stand.
        message: What is doubtful, in words that follow the path.
        why: The reason, as a whole sentence.
        write: What to write at the path, as YAML; None to remove it.
    """

    rule: str
    path: Path
    message: str
    why: str
    write: str | None = None


class _Words(string.Formatter):
    """Writes a loss as users do, a shape in brackets and names with commas between them."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Spec):
            value = spoken(value)
        elif isinstance(value, tuple):
            names = all(isinstance(item, str) for item in value)
            value = listing(value, "", MOST_NAMES) if names else list(value)
        return str(super().format_field(value, format_spec))


def finding(path: Path, text: str, /, **words: object) -> Finding:
    """Returns a mistake; a word of the name of a field that the text lacks is that field."""
    return Finding(path, **_filled(text, ("message", "expected", "found", "hint", "at_key"), words))


def advice(path: Path, text: str, /, **words: object) -> Advice:
    """Returns a piece of advice, in the same way."""
    rule = text.partition(".")[0].replace("_", "-")
    return Advice(rule, path, **_filled(text, ("message", "why", "write"), words))


def _filled(text: str, fields: tuple[str, ...], words: Mapping[str, object]) -> dict[str, Any]:
    node: Mapping[str, Any] = _texts()
    texts: dict[str, Any] = {}
    for part in text.split("."):  # a case takes over what its rule says of all of them
        node = node[part]
        texts |= {name: node[name] for name in fields if name in node}
    given = {name: words[name] for name in fields if name in words}
    filled = {
        name: _Words().vformat(value, (), words) if isinstance(value, str) else value
        for name, value in texts.items()
    }
    return given | filled


@functools.cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(TEXTS.read_text(encoding="utf-8"))


def spoken(spec: Spec) -> str:
    """Returns the name as most people write it: `SparseCategoricalCrossentropy` in snake case."""
    return _WORD_START.sub("_", spec.type).lower()


def suggestion(word: str, known: tuple[str, ...], otherwise: str) -> str:
    """Returns the hint for a word that is not one of the known ones."""
    near = closest(word, known)
    return f"did you mean {near}?" if near else otherwise
