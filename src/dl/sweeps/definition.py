"""What is swept: a sweep's file or its options, its base, and every value checked by its rules."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from dl.config.builder import Places
from dl.config.document import read_bytes, read_document, read_node
from dl.config.load import Loaded, default_name, load_config, other_tools
from dl.config.nodes import MapNode, find, place, plain, problem_of, yaml_text
from dl.config.overrides import Override, option_text
from dl.config.rules.training import better, measured
from dl.config.schema import document_of
from dl.errors import ConfigError, Mark, Problem
from dl.rundir.record import now
from dl.sweeps.parameters import (
    Listed,
    Parameter,
    Setting,
    grid_size,
    read_listed,
    read_parameter,
    read_parameters,
)
from dl.sweeps.results import EvaluationPlan, Objective, SweepRecord
from dl.text import listing
from dl.vocabulary.names import called_here, nearest_measured
from dl.vocabulary.sections import (
    UNKNOWN_KEY,
    Count,
    NotNegative,
    RunName,
    Section,
    Seed,
    read_section,
)
from dl.vocabulary.spec import Finding, Findings
from dl.vocabulary.types import AMOUNT, Integer, Text

Method = Literal["grid", "random", "tpe", "cmaes", "qmc", "list"]
_UNITS = {"h": 3600, "m": 60, "s": 1}
MOST_SETTINGS = 10_000
"""Settings of a grid that nobody has limited; more of them are a mistake, not a wish."""
SEARCHES = ("random", "tpe", "cmaes", "qmc")
"""Methods without an end of their own."""
_FREE = ("base", "trials", "time_limit", "jobs", "resources", "keep")
"""What may change between two sessions of a sweep; the base is compared by its content."""


class ObjectiveSection(Section):
    """What makes one trial better than another."""

    metric: str | None = None
    mode: Literal["min", "max"] | None = None
    at: Literal["best", "last"] = "best"


class Pruning(Section):
    """When a trial that promises little is ended early."""

    type: Literal["asha", "median", "hyperband", "none"]
    min_epochs: Count = 3
    reduction: Annotated[int, Integer(2)] = 3
    warmup_trials: Count = 5


class Resources(Section):
    """What each training takes."""

    cpus: Count | None = None
    gpus: NotNegative = 0


class SweepFile(Section):
    """A sweep: which settings of a config are tried, how they are chosen and compared."""

    base: str
    name: RunName
    seed: Seed = 0
    objective: ObjectiveSection = ObjectiveSection()
    method: Method = "grid"
    trials: Count | None = None
    repeats: Count = 1
    folds: Annotated[int, Integer(2)] | None = None
    pruning: Pruning = Pruning(type="none")
    time_limit: (
        Annotated[str, Text("a duration such as 90s, 30m or 1h30m", r"(\d+[hms])+")] | None
    ) = None
    jobs: Count | None = None
    resources: Resources = Resources()
    keep: Annotated[int, AMOUNT] = 5
    parameters: dict[str, Any] = field(default_factory=dict)
    settings: Any = None

    @property
    def seconds(self) -> float | None:
        """The time limit in seconds."""
        if self.time_limit is None:
            return None
        parts = re.findall(r"(\d+)([hms])", self.time_limit)
        return float(sum(int(count) * _UNITS[unit] for count, unit in parts))


@dataclass(frozen=True, slots=True)
class Sweep:
    """A checked sweep.

    Attributes:
        file: What the file says.
        text: The file, byte for byte; a text that says the same where options say everything.
        base: The base, checked.
        parameters: What is varied.
        listed: The settings of the method `list`.
        plan: What is compared, over how many trainings.
    """

    file: SweepFile
    text: bytes
    base: Loaded
    parameters: tuple[Parameter, ...]
    listed: tuple[Setting, ...]
    plan: EvaluationPlan

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self.file.name

    @property
    def size(self) -> int:
        """How many settings there will be."""
        if self.file.method in SEARCHES:
            return self.file.trials or 0
        everything = len(self.listed) if self.file.method == "list" else grid_size(self.parameters)
        return min(self.file.trials or everything, everything)

    @property
    def prunes(self) -> bool:
        """Whether trials are ended early."""
        return self.file.pruning.type != "none"

    def with_file(self, **changes: Any) -> Sweep:
        """Returns the sweep with other, valid values in its file."""
        return replace(self, file=replace(self.file, **changes))

    def overrides(self, repeat: int, setting: Setting | None = None) -> tuple[str, ...]:
        """Returns what a training changes in the base's file, as typed after `--set`.

        Args:
            repeat: Which training of the setting, from 1; they differ in the fold or the seed.
            setting: The setting; None for the base itself.
        """
        chosen = setting or Setting({}, {})
        own: tuple[str, ...] = ()
        if self.file.folds is not None:
            own = (f"data.split.folds={self.file.folds}", f"data.split.fold={repeat}")
        elif repeat > 1:
            seed = int(str(chosen.values.get("seed", self.base.config.seed)))
            own = (f"seed={(seed + repeat - 1) % 2**32}",)
        return (*self.base.overrides, *chosen.overrides, *own)

    def first_record(self, command: tuple[str, ...]) -> SweepRecord:
        """Returns what is known of the sweep before its first trial."""
        swept = document_of(self.file)
        swept["settings"] = [setting.values for setting in self.listed]
        return SweepRecord(
            name=self.name,
            status="running",
            started=now(),
            command=command,
            terms=self.plan,
            trials=self.size,
            sweep={key: value for key, value in swept.items() if key not in _FREE},
            base=cast(dict[str, Any], document_of(self.base.config)),
        )


def load_sweep(path: Path) -> Sweep:
    """Reads and checks a sweep's file and its base.

    Raises:
        ConfigError: Something is wrong; it carries every problem that could be found.
    """
    text = read_bytes(path)
    document = read_document(text, str(path))
    root = document.root
    parameters, of_parameters = read_parameters(find(root, ("parameters",)))
    listed, of_settings = read_listed(find(root, ("settings",)), path.parent)
    problems = [*of_parameters, *of_settings]
    values = plain(root)
    named = {"name": default_name(path), **values} if isinstance(values, dict) else values
    try:
        file = read_section(SweepFile, named)
    except Findings as error:
        wrong = [problem_of(_with_hint(finding), root) for finding in error.findings]
        problems = [*document.problems, *wrong, *problems]
        raise ConfigError.of([*problems, *_looks_like_config(root)]) from error
    base = load_config(path.parent / os.path.expanduser(file.base))
    if document.problems or problems:
        raise ConfigError.of([*document.problems, *problems])
    return _checked(file, text, base, parameters, listed, root)


def quick_sweep(
    config: Path, grids: Sequence[str], overrides: Sequence[str], metric: str | None
) -> Sweep:
    """Returns the sweep of a grid over a config, without a file.

    Args:
        config: The base.
        grids: Options of the form PATH=VALUE,VALUE.
        overrides: What is changed of the base for all trials, as after `--set`.
        metric: The column of the history to compare; None for the default.

    Raises:
        ConfigError: The config, a path or a value is wrong.
    """
    base = load_config(config, overrides)
    parameters = [_grid_option(option) for option in grids]
    values = {
        "base": str(config.absolute()),
        "name": f"{base.config.name[:93]}-sweep",
        "objective": {} if metric is None else {"metric": metric},
        "parameters": {parameter.key: parameter.values for parameter in parameters},
    }
    file = read_section(SweepFile, values)
    root = MapNode({}, Mark("--grid" if metric is None else option_text("--metric", metric)))
    text = yaml_text(values).encode()
    return _checked(file, text, base, parameters, [], root)


def _grid_option(option: str) -> Parameter:
    mark = Mark(option_text("--grid", option))
    path, equals, text = option.partition("=")
    if not equals or not path.strip() or not text.strip():
        hint = "for example --grid training.batch_size=16,32"
        raise ConfigError("a grid must be PATH=VALUE,VALUE", mark=mark, hint=hint)
    node, problems = read_node(f"[{text}]", Places(mark))
    if problems or node is None:
        raise ConfigError.of(problems)
    return read_parameter(path, mark, node)


def _with_hint(finding: Finding) -> Finding:
    """Adds to a finding on an unknown key what it is called here, if it is of another tool."""
    hint = other_tools()["sweeps"].get(str(finding.path[-1])) if finding.path else None
    return replace(finding, hint=hint) if hint and finding.message == UNKNOWN_KEY else finding


def _looks_like_config(root: MapNode) -> Iterator[Problem]:
    if "model" in root.entries and "base" not in root.entries:
        yield Problem(
            "this is a config, not a sweep",
            root.entries["model"].key,
            hint="name what to vary with --grid PATH=VALUE,VALUE, or write a sweep with `base:`",
        )


def _checked(
    file: SweepFile,
    text: bytes,
    base: Loaded,
    parameters: Sequence[Parameter],
    listed: Sequence[Listed],
    root: MapNode,
) -> Sweep:
    """Checks the parts against each other and the base; `root` has the places for problems.

    Raises:
        ConfigError: A value does not fit, or the parts of the sweep do not fit together.
    """
    problems = list(_misfits(file, parameters, root))
    objective = _objective(file, base, place(root, ("objective", "metric")))
    if isinstance(objective, Problem):
        problems.append(objective)
    problems += _wrong_values(base, listed or _probes(parameters))
    if isinstance(objective, Problem) or problems:
        raise ConfigError.of(problems)
    settings = (
        Setting({".".join(item.parts): plain(item.value) for item in row}, {}) for row in listed
    )
    plan = _plan(file, base, objective)
    return Sweep(file, text, base, tuple(parameters), tuple(settings), plan)


def _misfits(file: SweepFile, parameters: Sequence[Parameter], root: MapNode) -> Iterator[Problem]:
    """Yields what does not fit together, though each part of it is right."""
    is_list, is_grid = file.method == "list", file.method == "grid"
    has_settings, has_parameters = ("settings" in root.entries, "parameters" in root.entries)
    endless = file.method in SEARCHES and file.trials is None
    size = grid_size(parameters)
    paths = {"expected": "paths of the config with their values"}
    rows = {"expected": "a CSV file, or a list of mappings"}
    smaller = {
        "expected": f"at most {MOST_SETTINGS:,} settings, or a number of `trials`",
        "found": f"{size:,}",
        "hint": "choose fewer values, or method: random",
    }
    checks: tuple[tuple[bool, str, dict[str, str]], ...] = (
        (is_list and not has_settings, "settings is missing", rows),
        (is_list and bool(parameters), "parameters is not used by the method list", {}),
        (not is_list and has_settings, "settings is for the method list only", {}),
        (not is_list and not has_parameters and not parameters, "parameters is missing", paths),
        (not is_list and has_parameters and not file.parameters, "parameters is empty", {}),
        (endless, f"trials is missing: {file.method} has no end of its own", {}),
        (
            file.folds is not None and file.repeats > 1,
            "repeats and folds exclude each other",
            {"hint": "write one of them"},
        ),
        (
            is_grid and size > MOST_SETTINGS and file.trials is None,
            "parameters make too large a grid",
            smaller,
        ),
    )
    for is_wrong, message, more in checks:
        if is_wrong:
            name = message.partition(" ")[0]
            known = name in root.entries
            at = place(root, (name,), at_key=True) if known else Mark(root.mark.source)
            yield Problem(message, at, **more)
    for parameter in parameters if is_grid else ():
        span = parameter.range
        if span is not None and span.points is None and span.step is None:
            yield Problem(
                f"parameters: {parameter.key} is a range, and a grid needs values",
                parameter.mark,
                hint="add `points: 5` to the range, write a list, or choose method: random",
            )


def _objective(file: SweepFile, base: Loaded, at: Mark) -> Objective | Problem:
    columns = measured(base.config)
    # The first metric beside the loss, of validation where there is one.
    usual = ([name for name in columns if name.startswith("val_")] or list(columns))[:2][-1]
    written = file.objective.metric or usual
    metric = called_here(written, columns, base.config.training.metrics)
    if metric not in columns:
        near = nearest_measured(metric, columns)
        return Problem(
            "objective.metric is not measured by the base",
            at,
            expected=f"one of {listing(columns)}",
            found=metric,
            hint=f"did you mean {near}?" if near else "add it to training.metrics of the base",
        )
    mode = file.objective.mode or better(base.config.training, metric)
    if mode is None:
        message = f"objective.mode is missing: it is not known whether more {metric} is better"
        return Problem(message, at, expected="min or max")
    return Objective(metric, mode == "max", file.objective.at == "best")


def _plan(file: SweepFile, base: Loaded, objective: Objective) -> EvaluationPlan:
    if file.folds is not None:
        # Forward folds in time train on 1, 2, … pieces for each that validates.
        pieces = (file.folds + 1) / 2 if base.config.data.split.order else file.folds - 1
        return EvaluationPlan(objective, file.folds, 1 / pieces)
    split = base.config.data.split
    # The seed of a repeat changes nothing of parts that times or a column decide.
    fraction = 0.0 if split.order or split.column else split.validation_share
    return EvaluationPlan(objective, file.repeats, fraction / (1 - fraction - split.test))


def _probes(parameters: Sequence[Parameter]) -> Iterator[list[Override]]:
    """Yields settings in which every value occurs once, the other parameters at their first."""
    for position, parameter in enumerate(parameters):
        wanted = {when.key: when.values[0] for when in parameter.when}
        needed = [
            item for item in parameters if item is parameter or not item.when or item.key in wanted
        ]
        for end in parameter.ends[1 if position else 0 :]:
            probe: list[Override] = []
            for item in needed:
                param = item.values.index(wanted[item.key]) if item.key in wanted else item.ends[0]
                probe += item.overrides(end if item is parameter else param)
            yield probe


def _wrong_values(base: Loaded, probes: Iterable[Sequence[Override]]) -> list[Problem]:
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
