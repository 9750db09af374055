"""From what is found in a config to problems with a place, as written there, and with a hint.

`other_tools.json` are keys that other tools have, and what does the same here, with the paths of a
config in backquotes: of Keras' `fit` and `compile`, Ludwig, scikit-learn, Lightning and pandas;
`in_place` are keys that have another meaning in one place, `sweeps` those of Optuna, Ray Tune,
Keras Tuner and W&B in the file of a sweep. A key that is only in the wrong section is not listed:
that is found from the sections themselves.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as FilePath

from dl.config.nodes import MapNode, ScalarNode, dotted, find, place, plain, shown
from dl.config.schema import Config
from dl.errors import Mark, Problem, closest
from dl.text import listing
from dl.vocabulary.sections import UNKNOWN_KEY, keys, walk
from dl.vocabulary.spec import QUOTE, Finding, Path, found_text


def problem_of(finding: Finding, root: MapNode) -> Problem:
    """Gives a finding its place and its full message, and says values as they are written."""
    node = find(root, finding.path)
    # The file as a whole, where a section lacks: its first line is as good as any other.
    of_file = not finding.path or (len(finding.path) == 1 and node is None)
    mark = Mark(root.mark.source) if of_file else place(root, finding.path, finding.at_key)
    found, hint = finding.found, finding.hint
    value = plain(node) if node is not None else None
    # A rule has the canonical value, which is a float where the user may have written 1.
    canonical = float(value) if type(value) is int else value
    if node is not None and found in (found_text(value), found_text(canonical)):
        found = shown(node)
    if hint == QUOTE and isinstance(node, ScalarNode):
        hint = f'{QUOTE}: "{node.written}"' if node.written else "write a value"
    what = dotted(finding.path) or "the config"
    return Problem(f"{what} {finding.message}", mark, finding.expected, found, hint)


def with_place_of_key(finding: Finding) -> Finding:
    """Adds to a finding on an unknown key of a config where it belongs, or what it is called."""
    if finding.message != UNKNOWN_KEY:
        return finding
    top = len(finding.path) == 1
    expected = listing([*keys(Config), "extends"]) if top else finding.expected
    return replace(finding, expected=expected, hint=_belongs(finding.path) or finding.hint)


@functools.cache
def other_tools() -> Mapping[str, Mapping[str, str]]:
    """Returns what to write instead of the keys of other tools."""
    text = FilePath(__file__).with_name("other_tools.json").read_text(encoding="utf-8")
    tables: Mapping[str, Mapping[str, str]] = json.loads(text)
    return tables


def known_paths() -> dict[str, Path]:
    """Returns all keys of a config with their paths; of a key in several sections the last one."""
    return {key: (*home, key) for home, owner in walk(Config) for key in keys(owner)}


def _belongs(path: Path) -> str | None:
    name = str(path[-1])
    here = other_tools()["in_place"].get(dotted(path))
    if here is not None:
        return here
    owners = [(home, owner) for home, owner in walk(Config) if name in keys(owner)]
    sources = [keys(owner)["source"].type for home, owner in owners if home == path[:-1]]
    if sources:
        return f"{name} is for {listing(source.choices[0] for source in sources)} data"
    if owners and owners[0][0]:
        return f"{name} belongs below `{dotted(owners[0][0])}:`"
    if owners:
        return f"{name} belongs to the first level of the file, without indentation"
    other = other_tools()["keys"].get(name.lower().replace("-", "_"))
    return other or (_near_elsewhere(name) if len(path) == 1 else None)


def _near_elsewhere(name: str) -> str | None:
    """Returns where a misspelt key of the first level belongs, if it is a key of a section."""
    paths = {key: home for key, home in known_paths().items() if len(home) > 1}
    near = None if closest(name, keys(Config)) else closest(name, paths)
    return f"did you mean {dotted(paths[near])}?" if near else None
