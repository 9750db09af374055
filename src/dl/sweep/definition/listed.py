"""The settings of the method `list`: rows of a CSV file, or mappings in the sweep's file."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from dl.config.document import read_node
from dl.config.nodes import ListNode, MapNode, Node, ScalarNode, plain, shown
from dl.config.overrides import Override, path_parts
from dl.config.source import decode, read_bytes
from dl.errors import ConfigError, Mark, Problem
from dl.sweep.definition.space import Setting


@dataclass(frozen=True, slots=True)
class Listed:
    """A setting that somebody wrote down, each value with its place."""

    overrides: tuple[Override, ...]

    @property
    def setting(self) -> Setting:
        """Returns it without the places."""
        values = {".".join(item.parts): plain(item.value) for item in self.overrides}
        return Setting(values, {})


@dataclass(frozen=True, slots=True)
class _Row:
    """One mark for all that is written in a row of a CSV file."""

    place: Mark

    def mark(self, start: tuple[int, int], end: tuple[int, int]) -> Mark:
        return self.place


def read_listed(node: Node | None, folder: Path) -> tuple[list[Listed], list[Problem]]:
    """Reads `settings`; a file is sought from `folder`. Returns also what is wrong."""
    if node is None:
        return [], []
    try:
        return _listed(node, folder), []
    except ConfigError as error:
        return [], list(error.problems)


def _listed(node: Node, folder: Path) -> list[Listed]:
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        return _rows(folder / os.path.expanduser(node.value))
    if isinstance(node, ListNode) and node.items:
        return [_mapping(item) for item in node.items]
    raise _wrong(node, "a CSV file, or a list of mappings from paths to values")


def _mapping(node: Node) -> Listed:
    if not isinstance(node, MapNode):
        raise _wrong(node, "a mapping from paths of the config to values")
    return Listed(
        tuple(
            Override(path_parts(key, entry.key), entry.node, entry.node.mark)
            for key, entry in node.entries.items()
        )
    )


def _rows(path: Path) -> list[Listed]:
    """Reads a CSV file: paths in the header, a setting in each row; an empty cell changes nothing.

    Raises:
        ConfigError: The file cannot be read, or a row is longer or shorter than the header.
    """
    lines = decode(read_bytes(path), str(path)).splitlines()
    reader = csv.reader(lines)
    header = next(reader, [])
    start = Mark(str(path), 1, 1, 1, lines[0] if lines else "")
    names = [path_parts(name, start) for name in header]
    rows = [_row(path, lines, reader.line_num, names, cells) for cells in reader if cells]
    if not rows:
        raise ConfigError(f"{path}: there are no settings below the header", mark=start)
    return rows


def _row(
    path: Path, lines: list[str], line: int, names: list[tuple[str, ...]], cells: list[str]
) -> Listed:
    mark = Mark(str(path), line, 1, len(lines[line - 1]), lines[line - 1])
    if len(cells) != len(names):
        raise ConfigError(
            "this row does not fit the header",
            mark=mark,
            expected=f"{len(names)} values",
            found=str(len(cells)),
        )
    overrides: list[Override] = []
    for parts, cell in zip(names, cells, strict=True):
        value, problems = read_node(cell, _Row(mark))
        if problems:
            raise ConfigError.of(problems)
        if value is not None:
            overrides.append(Override(parts, value, mark))
    return Listed(tuple(overrides))


def _wrong(node: Node, expected: str) -> ConfigError:
    return ConfigError(
        "settings cannot be read", mark=node.mark, expected=expected, found=shown(node)
    )
