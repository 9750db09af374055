"""Loads a sweep: its file, its base, and every value checked against the rules of the config."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from dl.config.document import read_document
from dl.config.load import Loaded, default_name, load_config
from dl.config.nodes import MapNode, find, place, plain
from dl.config.overrides import Override
from dl.config.problems import problems_of
from dl.config.rules.training import better, measured
from dl.config.source import read_bytes
from dl.errors import ConfigError, Problem
from dl.sweep.definition.listed import Listed, read_listed
from dl.sweep.definition.misfits import SEARCHES, misfits
from dl.sweep.definition.parameters import Parameter, read_parameters
from dl.sweep.definition.schema import SweepFile
from dl.sweep.definition.space import ends_of, grid_size, overrides_of
from dl.sweep.definition.terms import Goal, Terms
from dl.text import listing
from dl.vocabulary.measured import called_here, nearest_measured


@dataclass(frozen=True, slots=True)
class Sweep:
    """A checked sweep.

    Attributes:
        file: What the file says.
        name: Name of the sweep.
        path: The file as typed; the config where the options say everything.
        text: Its content, byte for byte.
        base: The base, checked.
        parameters: What is varied.
        listed: The settings of the method `list`.
        terms: What the results are judged by.
    """

    file: SweepFile
    name: str
    path: Path
    text: bytes
    base: Loaded
    parameters: tuple[Parameter, ...]
    listed: tuple[Listed, ...]
    terms: Terms

    @property
    def goal(self) -> Goal:
        """What is compared."""
        return self.terms.goal

    @property
    def size(self) -> int:
        """How many settings there will be."""
        everything = len(self.listed) if self.file.method == "list" else grid_size(self.parameters)
        if self.file.method in SEARCHES:
            return self.file.trials or 0
        return min(self.file.trials or everything, everything)

    def with_file(self, **changes: object) -> Sweep:
        """Returns the sweep with other, valid values in its file."""
        return replace(self, file=self.file.model_copy(update=changes))


@dataclass(frozen=True, slots=True)
class _Read:
    """What could be read of a sweep's file, and what was wrong with it."""

    file: SweepFile | None
    parameters: list[Parameter]
    listed: list[Listed]
    problems: list[Problem] = field(default_factory=list)


def load_sweep(path: Path) -> Sweep:
    """Reads and checks a sweep's file and its base.

    Raises:
        ConfigError: Something is wrong; it carries every problem that could be found.
    """
    text = read_bytes(path)
    document = read_document(text, str(path))
    root = document.root
    read = _read(root, path)
    problems = [*document.problems, *read.problems]
    if read.file is None:
        raise ConfigError.of([*problems, *_looks_like_config(root)])
    base = load_config(path.parent / os.path.expanduser(read.file.base))
    if problems:
        raise ConfigError.of(problems)
    name = read.file.name if "name" in root.entries else default_name(path)
    return checked(read.file, name, (path, text), base, (read.parameters, read.listed), root)


def checked(
    file: SweepFile,
    name: str,
    source: tuple[Path, bytes],
    base: Loaded,
    varied: tuple[Sequence[Parameter], Sequence[Listed]],
    root: MapNode,
) -> Sweep:
    """Checks what was read against the base.

    Args:
        file: What the file says.
        name: Name of the sweep.
        source: The file and its content.
        base: The base.
        varied: The parameters, and the settings of the method `list`.
        root: The tree of the file, for the places of problems.

    Raises:
        ConfigError: A value does not fit, or the parts of the sweep do not fit together.
    """
    parameters, listed = varied
    problems = list(misfits(file, parameters, listed, root))
    goal = _goal(file, base, root, problems)
    problems += _wrong_values(base, _probes(parameters, listed, file))
    if goal is None or problems:
        raise ConfigError.of(problems)
    return Sweep(
        file, name, *source, base, tuple(parameters), tuple(listed), _terms(file, base, goal)
    )


def _read(root: MapNode, path: Path) -> _Read:
    values = plain(root)
    named = {"name": default_name(path), **values} if isinstance(values, dict) else values
    parameters, problems = read_parameters(find(root, ("parameters",)))
    listed, more = read_listed(find(root, ("settings",)), path.parent)
    problems = [*problems, *more]
    try:
        file = SweepFile.model_validate_json(json.dumps(named))
    except ValidationError as error:
        wrong = problems_of(error, root, schema=SweepFile)
        return _Read(None, parameters, listed, [*wrong, *problems])
    return _Read(file, parameters, listed, problems)


def _looks_like_config(root: MapNode) -> Iterator[Problem]:
    if "model" in root.entries and "base" not in root.entries:
        yield Problem(
            "this is a config, not a sweep",
            root.entries["model"].key,
            hint="name what to vary with --grid PATH=VALUE,VALUE, or write a sweep with `base:`",
        )


def _goal(file: SweepFile, base: Loaded, root: MapNode, problems: list[Problem]) -> Goal | None:
    columns = measured(base.config)
    at = place(root, ("objective", "metric"))
    written = file.objective.metric or _default_metric(columns)
    metric = called_here(written, columns, base.config.training.metrics)
    if metric not in columns:
        near = nearest_measured(metric, columns)
        problems.append(
            Problem(
                "objective.metric is not measured by the base",
                at,
                expected=f"one of {listing(columns)}",
                found=metric,
                hint=f"did you mean {near}?" if near else "add it to training.metrics of the base",
            )
        )
        return None
    mode = file.objective.mode or better(base.config.training, metric)
    if mode is None:
        message = f"objective.mode is missing: it is not known whether more {metric} is better"
        problems.append(Problem(message, at, expected="min or max"))
        return None
    return Goal(metric, mode == "max", file.objective.at == "best")


def _terms(file: SweepFile, base: Loaded, goal: Goal) -> Terms:
    if file.folds is not None:
        return Terms(goal, file.folds, 1 / (file.folds - 1))
    split = base.config.data.split
    share = split.validation_share
    return Terms(goal, file.repeats, share / (1 - share - split.test))


def _default_metric(columns: Sequence[str]) -> str:
    validated = [name for name in columns if name.startswith("val_")] or list(columns)
    return validated[1] if len(validated) > 1 else validated[0]


def _probes(
    parameters: Sequence[Parameter], listed: Sequence[Listed], file: SweepFile
) -> Iterator[list[Override]]:
    """Yields settings in which every value occurs once, the other parameters at their first."""
    for row in listed:
        yield list(row.overrides)
    if listed or not parameters or file.method == "list":
        return
    for position, parameter in enumerate(parameters):
        for end in ends_of(parameter)[1 if position else 0 :]:
            yield [
                override
                for other in _needed(parameter, parameters)
                for override in overrides_of(
                    other, end if other is parameter else _first_fit(other, parameter)
                )
            ]


def _needed(parameter: Parameter, parameters: Sequence[Parameter]) -> list[Parameter]:
    """Returns the unconditional parameters, and those that this one needs, and itself."""
    conditions = {when.key for when in parameter.when}
    return [
        item for item in parameters if item is parameter or not item.when or item.key in conditions
    ]


def _first_fit(other: Parameter, parameter: Parameter) -> float:
    """Returns the first value of another parameter that fits this one's conditions."""
    wanted = [when.values for when in parameter.when if when.key == other.key]
    if not wanted:
        return ends_of(other)[0]
    return other.values().index(wanted[0][0])


def _wrong_values(base: Loaded, probes: Iterable[list[Override]]) -> list[Problem]:
    """Checks settings by the rules of the config; each problem is told once."""
    found: dict[tuple[object, ...], Problem] = {}
    for probe in probes:
        try:
            load_config(base.path, [*base.overrides, *probe])
        except ConfigError as error:
            for problem in error.problems:
                line = problem.mark and (problem.mark.source, problem.mark.line)
                found.setdefault((problem.message, problem.found, line), problem)
    return list(found.values())
