"""Write docs/config.md and docs/dl.schema.json from the types; with --check, only compare.

The page names every key of a config, then everything that can be named in it; what it says in
sentences stands in `reference.md`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dl.config.data import Data
from dl.config.nodes import flow
from dl.config.reference import json_schema
from dl.config.schema import Config, key_order
from dl.vocabulary.catalog import Entry, entries
from dl.vocabulary.composed import Nullable
from dl.vocabulary.sections import Parameter, Section, keys, sections_in, type_of, walk
from dl.vocabulary.spec import Kind

DOCS = Path(__file__).resolve().parents[1] / "docs"


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
        rows = [entry_row(entry) for entry in entries(kind).values()]
        if kind is Kind.BASE:  # most of them take the same
            alike: dict[str, list[str]] = {}
            for name, _, parameters in rows:
                alike.setdefault(parameters, []).append(name)
            about = "Keras' networks that were trained on ImageNet: see [bases](bases.md)."
            rows = [(", ".join(names), about, taken) for taken, names in alike.items()]
        yield _table(("name", "meaning", "parameters"), rows)


def entry_row(entry: Entry) -> tuple[str, ...]:
    """Returns the cells of a thing with a name: its names, what it is, and its parameters."""
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


def contents() -> dict[Path, str]:
    """Returns the files and what they have to hold."""
    return {DOCS / "config.md": markdown(), DOCS / "dl.schema.json": schema_text(json_schema())}


def schema_text(schema: dict[str, Any]) -> str:
    """Returns a JSON Schema with one line for each definition: small, and its changes readable."""
    lines = [f"  {_json(key)}: {_json(value)}" for key, value in schema["$defs"].items()]
    head = [f" {_json(key)}: {_json(value)}" for key, value in schema.items() if key != "$defs"]
    definitions = ' "$defs": {\n' + ",\n".join(lines) + "\n }"
    return "{\n" + ",\n".join([*head, definitions]) + "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def stale(files: dict[Path, str]) -> list[Path]:
    """Returns the files that are missing or hold something else."""
    return [
        path
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Writes the files, or with --check says which are not fresh; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file is stale")
    check = parser.parse_args().check
    old = stale(contents())
    for path in old:
        print(f"{'stale' if check else 'wrote'}: {path}", file=sys.stderr)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(contents()[path], encoding="utf-8")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
