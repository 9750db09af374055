"""The reference of the config language, made from its types: a JSON Schema and a page.

The page is `docs/config.md`: every key of a config, then everything that can be named in it. What
it says in sentences stands in `reference.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dl.config.data import Data
from dl.config.nodes import flow
from dl.config.schema import Config, key_order, plain_data
from dl.vocabulary.catalog import Entry, Object, entries, short_names
from dl.vocabulary.composed import Nullable
from dl.vocabulary.sections import Parameter, Section, keys, sections_in, type_of, walk
from dl.vocabulary.spec import Kind
from dl.vocabulary.types import accepts

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXTENDS = {
    "description": "Another config, or several, relative to this one, that this one builds on.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
    ],
}
_COMMON = frozenset(
    {
        *("name", "dtype", "trainable", "autocast", "data_format", "seed", "reduction"),
        *("clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"),
        *("use_ema", "ema_momentum", "ema_overwrite_frequency", "gradient_accumulation_steps"),
    }
)
_OF_WEIGHTS = ("_initializer", "_regularizer", "_constraint")
"""With `_COMMON`, the parameters that many things have: told once, not in each row."""
_KIND_TITLES = {
    Kind.BASE: "Pretrained bases",
    Kind.LOSS: "Losses",
    Kind.CELL: "Cells of recurrent layers",
    Kind.SCHEDULE: "Learning-rate schedules",
}


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of a config file.

    It knows every key, type, limit and name, but not the rules across fields.
    """
    sections = {section.__name__: section for _, section in walk(Config) if section is not Config}
    whole = _mapping(Config.__doc__, keys(Config).values())
    # Without `required`: the name comes from the file, and any section can come from `extends`.
    del whole["required"]
    return {
        "$schema": _DIALECT,
        "title": "Config of dl",
        **whole,
        "properties": {"extends": _EXTENDS, **whole["properties"]},
        "$defs": {
            **{
                name: _mapping(section.__doc__, keys(section).values())
                for name, section in sorted(sections.items())
            },
            **_vocabulary_schema(),
        },
    }


def _mapping(about: str | None, parameters: Iterable[Parameter], **more: Any) -> dict[str, Any]:
    listed = list(parameters)
    required = [*more, *(parameter.name for parameter in listed if parameter.required)]
    return {
        "type": "object",
        "description": about,
        "properties": {**more, **{item.name: _parameter_schema(item) for item in listed}},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _parameter_schema(parameter: Parameter) -> dict[str, Any]:
    schema = parameter.type.schema()
    about = {"description": parameter.description} if parameter.description else {}
    default = {} if parameter.required else {"default": plain_data(parameter.default)}
    return {**schema, **about, **default}


def _vocabulary_schema() -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for kind in Kind:
        known = entries(kind).values()
        bare = [
            name
            for entry in known
            if accepts(Object(kind), entry.name)
            for name in _spellings(entry)
        ]
        by_name = [{"enum": sorted(bare)}] if bare else []
        mappings = [{"$ref": f"#/$defs/{kind}.{entry.name}"} for entry in known]
        about = f"One of: {', '.join(entries(kind))}."
        definitions[kind.value] = {"description": about, "anyOf": [*by_name, *mappings]}
        for entry in known:
            spellings = {"enum": sorted(_spellings(entry))}
            whole = _mapping(entry.summary, entry.parameters.values(), type=spellings)
            for short, name in short_names(entry).items():
                whole["properties"][short] = whole["properties"][name]
                if name in whole["required"]:
                    whole["required"].remove(name)
                    whole["anyOf"] = [{"required": [name]}, {"required": [short]}]
            definitions[f"{kind}.{entry.name}"] = whole
    return definitions


def _spellings(entry: Entry) -> set[str]:
    return {entry.name, *entry.aliases}


def markdown() -> str:
    """Returns the page for users as Markdown."""
    text = Path(__file__).with_name("reference.md").read_text(encoding="utf-8")
    page = text.format(keys="\n".join(_section_parts()), names="\n".join(_vocabulary_parts()))
    return re.sub(r"\n{3,}", "\n\n", page)


def _section_parts() -> Iterator[str]:
    yield _heading(2, "The top level")
    yield _table_of_keys(Config, key_order(Config))
    for name, parameter in keys(Config).items():
        if name == "data":
            yield from _data_parts()
        else:
            for section in sections_in(parameter.type):
                for path, each in walk(section, (name,)):
                    yield _section_part(path, each)


def _data_parts() -> Iterator[str]:
    sources = sections_in(type_of(Data))
    shared = [key for key in key_order(sources[0]) if all(key in keys(each) for each in sources)]
    yield _heading(2, "`data`")
    yield "Where the rows come from. `source` says which keys there are besides these:\n"
    yield _table_of_keys(sources[0], [key for key in shared if key != "source"])
    below = {path: each for source in sources for path, each in walk(source, ("data",))}
    del below["data",]
    for path, section in below.items():
        if path[-1] in shared:
            yield _section_part(path, section)
    for source in sources:
        yield _heading(3, f"`source: {keys(source)['source'].type.expected}`")
        yield f"{source.__doc__}\n"
        yield _table_of_keys(source, [key for key in key_order(source) if key not in shared])
    for path, section in below.items():
        if path[-1] not in shared:
            yield _section_part(path, section)


def _heading(level: int, title: str) -> str:
    return f"\n{'#' * level} {title}\n"


def _section_part(path: tuple[str, ...], section: type[Section]) -> str:
    heading = _heading(len(path) + 1, f"`{'.'.join(path)}`")
    return f"{heading}\n{section.__doc__}\n\n{_table_of_keys(section, key_order(section))}"


def _table_of_keys(section: type[Section], names: Iterable[str]) -> str:
    rows = [_key_row(keys(section)[name]) for name in names]
    return _table(("key", "type", "default", "meaning"), rows)


def _key_row(parameter: Parameter) -> tuple[str, ...]:
    meaning, _, told = parameter.description.partition("Default: ")
    kind = parameter.type.type if isinstance(parameter.type, Nullable) else parameter.type
    words = kind.expected
    if words in ("a mapping", "a list of mappings"):
        words += ", see below"
    default = told.rstrip(".") if told else _default(parameter)
    return f"`{parameter.name}`", _cell(words), _cell(default), _cell(meaning)


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "**required**"
    if parameter.default in (None, ()):
        return "none"
    is_section = isinstance(parameter.default, Section)
    return "all defaults" if is_section else f"`{flow(parameter.default)}`"


def _vocabulary_parts() -> Iterator[str]:
    for kind in Kind:
        yield _heading(3, _KIND_TITLES.get(kind, f"{kind.value.capitalize()}s"))
        rows = [_entry_row(entry) for entry in entries(kind).values()]
        if kind is Kind.BASE:  # most of them take the same
            alike: dict[str, list[str]] = {}
            for name, _, parameters in rows:
                alike.setdefault(parameters, []).append(name)
            about = "Keras' networks that were trained on ImageNet: see [bases](bases.md)."
            rows = [(", ".join(names), about, taken) for taken, names in alike.items()]
        yield _table(("name", "meaning", "parameters"), rows)


def _entry_row(entry: Entry) -> tuple[str, ...]:
    others = {_folded(alias): alias for alias in sorted(entry.aliases, reverse=True)}
    others.pop(_folded(entry.name), None)
    also = f" (also {', '.join(f'`{alias}`' for alias in sorted(others.values()))})"
    shown = [parameter for parameter in entry.parameters.values() if _is_own(parameter)]
    ordered = sorted(shown, key=lambda parameter: not parameter.required)
    return (
        f"`{entry.name}`{also if others else ''}",
        _cell(entry.summary),
        ", ".join(_parameter_words(parameter) for parameter in ordered),
    )


def _is_own(parameter: Parameter) -> bool:
    common = parameter.name in _COMMON or parameter.name.endswith(_OF_WEIGHTS)
    return parameter.required or not common


def _folded(name: str) -> str:
    return name.lower().replace("_", "")


def _parameter_words(parameter: Parameter) -> str:
    if parameter.required:
        return f"**`{parameter.name}`**"
    if parameter.default is None:
        return f"`{parameter.name}`"
    return f"`{parameter.name}: {flow(parameter.default)}`"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")
