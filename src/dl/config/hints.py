"""What a user may do about a wrong key or value: the likely mistakes, in a teacher's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from dl.config import expected as types
from dl.config.nodes import Node, ScalarNode, dotted
from dl.config.other_tools import IN_PLACE, OTHER_TOOLS
from dl.config.schema import Config
from dl.errors import closest
from dl.text import listing
from dl.vocabulary.spec import Path
from dl.vocabulary.synonyms import meant

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_CURLED = re.compile("[\u2018-\u201f\u00ab\u00bb].*[\u2018-\u201f\u00ab\u00bb]")
_DIGIT_GROUPS = re.compile(r"\d{1,3}([,_ ']\d{3})+")


def belongs_hint(path: Path) -> str | None:
    """Returns where an unknown key belongs, or what it is called here."""
    name = str(path[-1])
    if path in IN_PLACE:
        return IN_PLACE[path]
    sources = [
        _source(owner) for home, owner in sections() if home == path[:-1] and _has(owner, name)
    ]
    if any(sources):
        return f"{name} is for {listing(word for word in sources if word)} data"
    homes = [home for home, owner in sections() if _has(owner, name)]
    if homes and homes[0]:
        return f"{name} belongs below `{dotted(homes[0])}:`"
    if homes:
        return f"{name} belongs to the first level of the file, without indentation"
    other = OTHER_TOOLS.get(name.lower().replace("-", "_"))
    return other or (_near_elsewhere(name) if len(path) == 1 else None)


def _near_elsewhere(name: str) -> str | None:
    """Returns where a misspelt key of the first level belongs, if it is a key of a section."""
    paths = {key: home for key, home in known_paths().items() if len(home) > 1}
    if closest(name, Config.model_fields):
        return None
    near = closest(name, paths)
    return f"did you mean {dotted(paths[near])}?" if near else None


def known_paths() -> dict[str, Path]:
    """Returns all keys of a config with their paths; of a key in several sections the last one."""
    return {key: (*home, key) for home, owner in sections() for key in owner.model_fields}


def sections(
    path: Path = (), owner: type[BaseModel] = Config
) -> Iterator[tuple[Path, type[BaseModel]]]:
    """Yields every section with its path; a path has several where the source decides."""
    yield path, owner
    for name, field in owner.model_fields.items():
        for model in types.sections(field):
            yield from sections((*path, name), model)


def _has(owner: type[BaseModel], name: str) -> bool:
    return name in owner.model_fields


def _source(owner: type[BaseModel]) -> str | None:
    field = owner.model_fields.get("source")
    return types.choices(field)[0] if field else None


def value_hint(node: Node, annotation: Any) -> str | None:
    """Returns what to write instead of a wrong value, for the mistakes that are often made."""
    if not isinstance(node, ScalarNode):
        return None
    kinds = _kinds(annotation)
    if node.value is None and node.written and str in kinds:
        return f'write a value, or "{node.written}" in quotes for the text'
    if node.value is None:
        return "write a value, or leave the setting out"
    if tuple in kinds and str not in kinds:
        return _list_hint(node.written, annotation)
    if isinstance(node.value, str):
        return _text_hint(node.value, kinds, types.choices(annotation))
    if isinstance(node.value, float) and int in kinds and node.value.is_integer():
        return f"write {int(node.value)}, without a point"
    if str in kinds:
        return f'put it in quotes: "{node.written}"'
    return None


def _list_hint(written: str, annotation: Any) -> str:
    items = ", ".join([written] * (types.length(annotation) or 1))
    return f"write a list, in brackets: [{items}]"


def _text_hint(text: str, kinds: set[Any], choices: list[str]) -> str | None:
    near = meant(text, choices) if choices else None
    if near:
        return f"did you mean {near}?"
    if _CURLED.fullmatch(text):
        return f'write straight quotes: "{text[1:-1]}"'
    percent = _PERCENT.fullmatch(text)
    if float in kinds and percent:
        return f"write {float(percent[1]) / 100:g}"
    if kinds & {int, float} and _is_number(text):
        return f"remove the quotes: {text}"
    if kinds & {int, float} and _DIGIT_GROUPS.fullmatch(text):
        return f"write {re.sub(r'[^0-9]', '', text)}"
    if bool in kinds and text in ("true", "false"):
        return f"remove the quotes: {text}"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text and text[-1:].isdigit()


def _kinds(annotation: Any) -> set[Any]:
    """Returns the plain types that a type allows."""
    kind, _ = types.taken_apart(annotation)
    parts = types.alternatives(kind)
    if len(parts) == 1:
        return {types.origin(kind)}
    return {found for part in parts for found in _kinds(part)}
