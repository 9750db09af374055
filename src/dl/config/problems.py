"""From what pydantic and the rules find to problems with words and places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from dl.config import expected as types
from dl.config.hints import belongs_hint, value_hint
from dl.config.nodes import ListNode, MapNode, ScalarNode, child, dotted, find, place, plain, shown
from dl.config.objects import FINDINGS
from dl.config.other_tools import OF_SWEEPS
from dl.config.schema import Config
from dl.errors import Mark, Problem, closest
from dl.text import listing
from dl.vocabulary.spec import Finding, Path
from dl.vocabulary.synonyms import meant


def problem_of(finding: Finding, root: MapNode) -> Problem:
    """Gives a finding its place and its full message."""
    return Problem(
        f"{dotted(finding.path) or 'the config'} {finding.message}",
        _mark(root, finding.path, finding.at_key),
        finding.expected,
        finding.found,
        finding.hint,
    )


def problems_of(
    error: ValidationError,
    root: MapNode,
    whole: bool = True,
    schema: type[BaseModel] = Config,
) -> list[Problem]:
    """Words all errors of a validation; several about one value become one problem.

    Args:
        error: What pydantic found.
        root: The tree that was checked.
        whole: Whether all of the config could be read; if not, nothing is called missing.
        schema: What the tree should be.
    """
    problems: list[Problem] = []
    wrong: dict[Path, list[_Place]] = {}
    misspelt = _misspelt(error, schema)
    for item in error.errors(include_url=False, include_input=False):
        at = _locate(schema, (), item["loc"])
        if at.path in misspelt or _only_follows(item["type"], at, root, whole):
            continue
        if item["type"] == FINDINGS:
            prefix = _written_path(at, root)
            findings: Iterable[Finding] = item["ctx"]["findings"]
            problems += [problem_of(finding.below(prefix), root) for finding in findings]
        elif at.field is not None and (at.rest or item["type"] != "missing"):
            wrong.setdefault(at.path, []).append(at)
        else:
            problems.append(_of_key(item["type"], at, root, schema))
    return problems + [problem for places in wrong.values() for problem in _wrong(places, root)]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the types an error is.

    Attributes:
        path: Keys that lead to a field, a section or an unknown key.
        owner: The section that has, or lacks, the last of these keys.
        field: The field, if its value is no section.
        rest: What pydantic says about the place inside the field: keys, positions, type names.
    """

    path: Path
    owner: type[BaseModel]
    field: Any = None
    rest: Path = ()


def _locate(owner: type[BaseModel], path: Path, loc: Path) -> _Place:
    """Follows pydantic's place of an error through the sections."""
    name, rest = str(loc[0]), loc[1:]
    here = (*path, name)
    field = owner.model_fields.get(name)
    if field is None:
        return _Place(here, owner)
    models = types.sections(field)
    if not models:
        return _Place(here, owner, field, rest)
    if len(models) > 1 and rest:
        tagged = next(model for model in models if str(rest[0]) in _tags(model))
        models, rest = (tagged,), rest[1:]
    return _locate(models[0], here, rest) if rest else _Place(here, owner)


def _tags(model: type[BaseModel]) -> list[str]:
    return types.choices(model.model_fields["source"])


def _of_key(kind: str, at: _Place, root: MapNode, schema: type[BaseModel]) -> Problem:
    if kind == "missing":
        return _missing(at.path, at.owner, root)
    if kind == "extra_forbidden":
        return _unknown(at, root, schema)
    if kind.startswith("union_tag"):
        return _source(at, root)
    return _no_mapping(at, root)


def _misspelt(error: ValidationError, schema: type[BaseModel]) -> set[Path]:
    """Returns the missing keys of which the user wrote something similar."""
    items = error.errors(include_url=False, include_input=False)
    places = [(item["type"], _locate(schema, (), item["loc"])) for item in items]
    unknown = [at for kind, at in places if kind == "extra_forbidden"]
    near = {(*at.path[:-1], closest(str(at.path[-1]), at.owner.model_fields)) for at in unknown}
    return {at.path for kind, at in places if kind == "missing" and at.path in near}


def _only_follows(kind: str, at: _Place, root: MapNode, whole: bool) -> bool:
    """Tells whether an error only follows from another one: pydantic counts valid items only."""
    if kind in ("missing", "union_tag_not_found"):
        return not whole and not at.rest
    node = find(root, at.path)
    return kind == "too_short" and isinstance(node, ListNode) and bool(node.items) and not at.rest


def _missing(path: Path, owner: type[BaseModel], root: MapNode) -> Problem:
    field = owner.model_fields[str(path[-1])]
    models = types.sections(field)
    what = "a mapping" if models else types.expected(field)
    about = (field.description or "").rstrip(".")
    detail = f"{what} ({about[:1].lower()}{about[1:]})" if about else what
    mark = _mark(root, path[:-1], at_key=False)
    return Problem(f"{dotted(path)} is missing", mark, expected=detail)


def _unknown(at: _Place, root: MapNode, schema: type[BaseModel]) -> Problem:
    known = list(at.owner.model_fields)
    name = str(at.path[-1])
    near = closest(name, known)
    belongs = belongs_hint(at.path) if schema is Config else OF_SWEEPS.get(name)
    return Problem(
        f"{dotted(at.path)} is not known",
        _mark(root, at.path, at_key=True),
        listing([*known, "extends"] if at.owner is Config else known),
        hint=belongs or (f"did you mean {near}?" if near else None),
    )


def _source(at: _Place, root: MapNode) -> Problem:
    models = types.sections(at.owner.model_fields[str(at.path[-1])])
    path = (*at.path, "source")
    known = [tag for model in models for tag in _tags(model)]
    node = find(root, path)
    expected = f"one of {', '.join(known)}"
    if node is None:
        mark = _mark(root, at.path, at_key=False)
        return Problem(f"{dotted(path)} is missing", mark, expected=expected)
    near = meant(str(node.value), known) if isinstance(node, ScalarNode) else None
    return Problem(
        f"{dotted(path)} must be a known source",
        node.mark,
        expected,
        shown(node),
        f"did you mean {near}?" if near else None,
    )


def _no_mapping(at: _Place, root: MapNode) -> Problem:
    path = dotted(at.path)
    node = find(root, at.path)
    hint = f"write the settings of {path} below it, indented, each as `key: value`"
    if isinstance(node, ScalarNode) and node.value is None:
        hint = f"{path} is empty: remove the line, or write its settings below it, indented"
    found = shown(node) if node else None
    return Problem(f"{path} must be a mapping", _mark(root, at.path), found=found, hint=hint)


def _wrong(places: list[_Place], root: MapNode) -> list[Problem]:
    """Words what is wrong with one field: the innermost values that pydantic complains about."""
    paths = {_written_path(at, root): at for at in places}
    deepest = max(len(path) for path in paths)
    return [_wrong_value(path, at, root) for path, at in paths.items() if len(path) == deepest]


def _wrong_value(path: Path, at: _Place, root: MapNode) -> Problem:
    annotation = at.field
    for key in path[len(at.path) :]:
        annotation = types.element(annotation, key)
    expected = types.expected(annotation)
    node = find(root, path)
    if node is None:
        return Problem(f"{dotted(path)} must be {expected}", _mark(root, path))
    empty = plain(node) in ("", [])
    message = "must not be empty" if empty else f"must be {expected}"
    return Problem(
        f"{dotted(path)} {message}",
        node.mark,
        _with_example(expected, at, path),
        shown(node),
        value_hint(node, annotation),
    )


def _with_example(expected: str, at: _Place, path: Path) -> str:
    """Adds the default as an example, where it is a number."""
    default = at.field.default
    if path != at.path or isinstance(default, bool) or not isinstance(default, int | float):
        return expected
    return f"{expected}, for example {default}"


def _written_path(at: _Place, root: MapNode) -> Path:
    """Returns the path of an error in the file: the names of types are not part of it."""
    path, node = at.path, find(root, at.path)
    for part in at.rest:
        below = child(node, part) if node is not None else None
        if below is not None:
            path, node = (*path, part), below
    return path


def _mark(root: MapNode, path: Path, at_key: bool = False) -> Mark:
    """Returns the place of a path; the file as a whole where that is no line of it."""
    return place(root, path, at_key) if path else Mark(root.mark.source)
