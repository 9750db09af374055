"""Loads a config: path → document → bases → overrides → checked `Config`, or all problems at once.

Nothing here loads Keras or reads the data; a look at the data by the rules is cheap and bounded.

`other_tools.json` are keys that other tools have, and what does the same here, with the paths of a
config in backquotes: of Keras' `fit` and `compile`, Ludwig, scikit-learn, Lightning and pandas;
`in_place` are keys that have another meaning in one place, `sweeps` those of Optuna, Ray Tune,
Keras Tuner and W&B in the file of a sweep. A key that is only in the wrong section is not listed:
that is found from the sections themselves.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from dl.config import nodes, rules
from dl.config.builder import node_of
from dl.config.data import PATHS
from dl.config.document import Document, read_bytes
from dl.config.overrides import Override, option_text, override, read_with_bases, with_bases
from dl.config.rules.bases import IMAGENET, RANDOM
from dl.config.schema import MODEL_FILES, Config, resolved_text
from dl.errors import ConfigError, Mark, Problem, RunError, closest, did_you_mean
from dl.text import listing
from dl.vocabulary.catalog import find as entry_of
from dl.vocabulary.sections import MISSING_KEY, UNKNOWN_KEY, keys, read_section, walk
from dl.vocabulary.spec import Finding, Findings, Kind

_IN_MEMORY = 1_000_000_000
"""Megabytes that no data exceeds."""
_PHASES = ("training", "phases")
_COMMON_WORDS = (_PHASES, ("training", "mixing"))
"""Sections whose keys are words that other tools, or other sections, use for something else."""
_AS_PATH = (".", "~", os.sep)
"""How a path begins that can be nothing else."""
_IN_PYTHON = Path("run.yaml")
"""Where a config would stand that is a dict: the name of its runs, if it has none, is `run`."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked config and where it came from.

    Attributes:
        config: The config; the paths of its data are absolute.
        path: The file, as the user typed it.
        text: The content of the file, byte for byte.
        overrides: The overrides, as typed.
        folder: The folder of the file.
        root: The tree that the config was checked from; it knows the place of each value.
        rows: A file of rows that the run is to keep; None where the data stay where they are.
    """

    config: Config
    path: Path
    text: bytes
    overrides: tuple[str, ...]
    folder: Path
    root: nodes.MapNode = field(repr=False, compare=False)
    rows: Path | None = None

    def with_recorded_engine(self, chosen: Mapping[str, Any]) -> Loaded:
        """Returns the config with nothing left to choose in `engine`: nothing is chosen anew.

        Args:
            chosen: What `run.json` of an earlier run says of the engine.
        """
        engine = self.config.engine
        memory = engine.memory
        if memory == "auto":
            memory = 1 if chosen.get("rows") == "streamed" else _IN_MEMORY
        fixed = replace(
            engine,
            compile=chosen.get("compiled", engine.compile),
            steps_per_call=chosen.get("steps_per_call", engine.steps_per_call),
            memory=memory,
            front=chosen.get("front", engine.front),
        )
        return replace(self, config=replace(self.config, engine=fixed))

    def error(self, findings: Iterable[Finding]) -> ConfigError:
        """Returns the error for findings that were made later, each with its place."""
        return ConfigError.of(nodes.problem_of(finding, self.root) for finding in findings)


def load_config(
    path: Path, overrides: Sequence[str | Override] = (), name: str | None = None
) -> Loaded:
    """Reads and checks a config.

    Args:
        path: The file.
        overrides: Options of the form KEY=VALUE, or taken apart; applied in their order.
        name: Name of the runs; wins over the file and the overrides.

    Raises:
        ConfigError: The config is wrong; it carries every problem that could be found.
    """
    return load_text(path, read_bytes(path), overrides, name)


def load_text(
    path: Path,
    text: bytes,
    overrides: Sequence[str | Override] = (),
    name: str | None = None,
    *,
    trained: bool = False,
) -> Loaded:
    """Checks the text of a config that stands, or would stand, in a file; else as `load_config`.

    Of a run that is `trained`, it is what the run was trained with: see `rules.ONLY_BEFORE`.
    """
    _check_bytes(name, overrides)
    document = read_with_bases(path, text)
    return _loaded(document, path, text, overrides, name, trained=trained)


def load_mapping(
    values: Mapping[str, object], overrides: Sequence[str | Override] = (), name: str | None = None
) -> Loaded:
    """Checks a config that is a dict of Python; its paths begin in the current folder.

    Raises:
        ConfigError: The config is wrong; the places of the problems are keys of the dict.
    """
    root = node_of(values, "config")
    if not isinstance(root, nodes.MapNode):
        raise ConfigError("a config is a file or a mapping", mark=root.mark)
    document = with_bases(Document(root, ()), _IN_PYTHON)
    text = nodes.yaml_text(
        {key: nodes.plain(entry.node) for key, entry in root.entries.items()}
    ).encode()
    return _loaded(document, _IN_PYTHON, text, overrides, name)


def _loaded(
    document: Document,
    path: Path,
    text: bytes,
    overrides: Sequence[str | Override],
    name: str | None,
    *,
    trained: bool = False,
) -> Loaded:
    root, problems = override(document.root, overrides)
    root = _named(root, path, name)
    folder = _folder(str(path))
    config, invalid = _check(root, folder, document.whole, trained)
    problems = [*document.problems, *problems]
    # What only follows from a value that was refused before is left out.
    known = {_start(problem.mark) for problem in problems}
    problems += [problem for problem in invalid if _start(problem.mark) not in known]
    if config is None or problems:
        raise ConfigError.of(problems)
    typed = tuple(item.text if isinstance(item, Override) else item for item in overrides)
    return Loaded(config, path, text, typed, folder, root)


def _check_bytes(name: str | None, overrides: Sequence[str | Override]) -> None:
    """Refuses options with bytes that are not UTF-8, which Python keeps as lone surrogates."""
    options = [("--name", name)] if name is not None else []
    options += [("--set", item) for item in overrides if isinstance(item, str)]
    for option, value in options:
        if not value.isascii() and value.encode("utf-8", "ignore").decode() != value:
            mark = Mark(option_text(option, value))
            raise ConfigError("these bytes are not UTF-8 text", mark=mark)


def check_resolved(loaded: Loaded, config: Config, *, trained: bool = False) -> str:
    """Checks what a run would keep as its config, by what will read it: before there is a run.

    Args:
        loaded: The config as the user wrote it.
        config: The same with every inferred value filled in.
        trained: Whether the run exists; see `rules.ONLY_BEFORE`.

    Returns:
        Its text.

    Raises:
        ConfigError: `load_resolved` would refuse it; at the user's line.
    """
    findings = rules.check(rules.facts_of(config, loaded.folder), trained=trained)
    if findings:
        raise loaded.error(findings)
    text = resolved_text(config)
    load_text(Path("resolved.yaml"), text.encode(), trained=trained)
    return text


def load_resolved(path: Path, text: bytes) -> Loaded:
    """Checks the text of the `resolved.yaml` of a run, which an earlier `dl` may have trained.

    Raises:
        RunError: It is damaged.
    """
    try:
        return load_text(path, text, trained=True)
    except ConfigError as error:
        message = f"{path} is damaged: {error.problems[0].message}"
        raise RunError(message, hint="train again") from error


def default_name(path: Path) -> str:
    """Returns the name of the runs of a config without a name: the file's stem, made legal."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")
    return cleaned[:100] or "run"


def _named(root: nodes.MapNode, path: Path, name: str | None) -> nodes.MapNode:
    if name is None and "name" in root.entries:
        return root
    mark = Mark(str(path)) if name is None else Mark(option_text("--name", name))
    value = default_name(path) if name is None else name
    node = nodes.ScalarNode(value, f'"{value}"', mark)
    return nodes.MapNode({**root.entries, "name": nodes.Entry(mark, node)}, root.mark)


def _start(mark: Mark | None) -> tuple[str, int | None, int | None] | None:
    return (mark.source, mark.line, mark.column) if mark else None


def _check(
    root: nodes.MapNode, folder: Path, whole: bool, trained: bool
) -> tuple[Config | None, list[Problem]]:
    """Returns the config, None if a section is wrong, and what is wrong with it.

    Args:
        root: The tree.
        folder: The folder that the paths of the data start from.
        whole: Whether all of the config could be read; if not, nothing is called missing.
        trained: See `load_text`.
    """
    config: Config | None = None
    findings: list[Finding] = []
    try:
        config = valid = read_section(Config, _with_absolute_paths(root))
    except Findings as error:
        findings = [_with_place_of_key(found) for found in error.findings]
        findings = [found for found in findings if whole or found.message != MISSING_KEY]
        valid = cast(Config, error.valid)
    findings += rules.check(rules.facts_of(valid, folder), trained=trained)
    return config, [nodes.problem_of(finding, root) for finding in findings]


def _with_absolute_paths(root: nodes.MapNode) -> object:
    """Returns a config as plain data, with the paths of files absolute, from where they stand."""

    def made(node: nodes.Node, path: tuple[str | int, ...]) -> object:
        if isinstance(node, nodes.MapNode):
            return {key: made(entry.node, (*path, key)) for key, entry in node.entries.items()}
        if isinstance(node, nodes.ListNode):
            return [made(item, (*path, place)) for place, item in enumerate(node.items)]
        return _absolute(node) if _names_a_file(root, path, node) else node.value

    return made(root, ())


def _names_a_file(root: nodes.MapNode, path: tuple[str | int, ...], node: nodes.ScalarNode) -> bool:
    """Tells whether a value is the path of files of data, of weights, or of what to begin from."""
    match path:
        case ("data", key) | ("data", key, int()):
            return key in PATHS
        case ("model", "layers", int(), "from"):
            return True
        case ("model", "layers", int(), "weights"):
            kind = nodes.plain(nodes.find(root, (*path[:-1], "type")) or node)
            is_base = isinstance(kind, str) and entry_of(Kind.BASE, kind) is not None
            return is_base and node.value not in (IMAGENET, RANDOM)
        case ("model", "start", "from"):  # unless it names a run
            file = str(_absolute(node))
            is_run = os.path.isfile(os.path.join(file, "run.json"))
            return is_run or file.endswith(MODEL_FILES) or str(node.value).startswith(_AS_PATH)
    return False


def _absolute(node: nodes.ScalarNode) -> object:
    text = node.value
    if not isinstance(text, str) or not text or _URL.match(text):
        return text
    on_command_line = node.mark.line is None
    folder = Path.cwd() if on_command_line else _folder(node.mark.source)
    return os.path.normpath(folder / os.path.expanduser(text))


def _folder(file: str) -> Path:
    return Path(os.path.abspath(file)).parent


def _with_place_of_key(finding: Finding) -> Finding:
    """Adds to a finding on an unknown key of a config where it belongs, or what it is called."""
    if finding.message != UNKNOWN_KEY:
        return finding
    top = len(finding.path) == 1
    expected = listing([*keys(Config), "extends"]) if top else finding.expected
    return replace(finding, expected=expected, hint=_belongs(finding) or finding.hint)


@functools.cache
def other_tools() -> Mapping[str, Mapping[str, str]]:
    """Returns what to write instead of the keys and commands of other tools."""
    text = Path(__file__).with_name("other_tools.json").read_text(encoding="utf-8")
    tables: Mapping[str, Mapping[str, str]] = json.loads(text)
    return tables


def known_paths() -> dict[str, tuple[str, ...]]:
    """Returns all keys of a config with their paths; of a key in several sections the last one.

    Those of a phase are left out, most are keys of `training` and mean the same there; and those
    of a mixing, whose `type` and `alpha` are keys of much else.
    """
    homes = [each for each in walk(Config) if each[0] not in _COMMON_WORDS]
    return {key: (*home, key) for home, owner in homes for key in keys(owner)}


def _belongs(finding: Finding) -> str | None:
    path, name = finding.path, str(finding.path[-1])
    here = other_tools()["in_place"].get(nodes.dotted(path))
    if here is not None:
        return here
    above, _, last = name.rpartition(".")
    if len(path) == 1 and above.partition(".")[0] in keys(Config):
        return f"write {last} below `{above}:`, indented"
    owners = [(home, owner) for home, owner in walk(Config) if name in keys(owner)]
    if name in other_tools()["keys"]:
        owners = [each for each in owners if each[0] not in _COMMON_WORDS]
    sources = [keys(owner)["source"].type for home, owner in owners if home == path[:-1]]
    if sources:
        choices = (choice for source in sources for choice in source.choices)
        return f"{name} is for {listing(choices)} data"
    if owners and owners[0][0]:
        return f"{name} belongs below `{nodes.dotted(owners[0][0])}:`"
    if owners:
        return f"{name} belongs to the first level of the file, without indentation"
    other = other_tools()["keys"].get(name.lower().replace("-", "_"))
    return other or (_near_elsewhere(name) if len(path) == 1 else None)


def _near_elsewhere(name: str) -> str | None:
    """Returns where a misspelt key of the first level belongs, if it is a key of a section."""
    paths = {key: home for key, home in known_paths().items() if len(home) > 1}
    near = None if closest(name, keys(Config)) else closest(name, paths)
    return did_you_mean(near and nodes.dotted(paths[near]))
