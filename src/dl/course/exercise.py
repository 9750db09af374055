"""The file of an exercise: the task, what an answer must fulfil, and the hints, by language.

It is read like a config, with the same errors. An answer is a config that is trained, or a short
file of numbers and words that are worked out by hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from dl.config.data import PATHS
from dl.config.document import read_bytes, read_document
from dl.config.files import files_at
from dl.config.load import Loaded, default_name, load_text
from dl.config.nodes import MapNode, Node, find, place, plain, problem_of
from dl.config.overrides import Override, path_parts
from dl.errors import ConfigError, UsageError, closest, did_you_mean
from dl.text import listing, number
from dl.vocabulary.composed import ListOf
from dl.vocabulary.sections import (
    AboveZero,
    Count,
    NotNegative,
    RunName,
    Section,
    SectionOf,
    Seed,
    read_section,
)
from dl.vocabulary.spec import Finding, Findings
from dl.vocabulary.types import Number, Text

Words = str | dict[str, str]
"""A text, or the same text by language: `{en: …, fr: …}`."""
FIRST = "en"
"""The language of a text that does not say its own, and of one that lacks in another."""
_MEASURE = Text(
    "PART.METRIC (train, validation, test or hidden; a metric, loss or errors), parameters, "
    "layers, epochs, loss_ratio, loss_rises or weights.N",
    r"(train|validation|test|hidden)\.\w+|parameters|layers|epochs|loss_(ratio|rises)|weights\.\d+",
)
_BOUNDS = ("at_least", "at_most")
_ENOUGH: Mapping[str, tuple[str, ...]] = {
    "measure": (*_BOUNDS, "beyond_chance"),
    "config": (*_BOUNDS, "one_of", "none_of"),
    "answer": (*_BOUNDS, "value", "one_of"),
}
"""What each kind of check can ask; it asks at least one of these."""
EXERCISES = Path(__file__).with_name("exercises")
ENDINGS = (".yaml", ".yml")
"""How the name of a file of YAML ends."""


class Check(Section):
    """What an answer must fulfil."""

    measure: Annotated[str, _MEASURE] | None = None
    config: str | None = None
    answer: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    beyond_chance: bool = False
    value: float | None = None
    tolerance: NotNegative = 0
    one_of: tuple[Any, ...] = ()
    none_of: tuple[Any, ...] = ()
    points: AboveZero = 1
    hidden: bool = False
    miss: Words

    @property
    def subject(self) -> str:
        """What is looked at: a measure, a path of the config, or a key of the answer."""
        return self.measure or self.config or self.answer or ""

    @property
    def asked(self) -> str:
        """What is asked, in signs: `test.accuracy ≥ 0.9`; of an answer, not its value."""
        if self.answer is not None:
            return self.subject
        parts = [] if self.at_least is None else [f"≥ {number(self.at_least)}"]
        parts += [] if self.at_most is None else [f"≤ {number(self.at_most)}"]
        parts += ["> chance"] if self.beyond_chance else []
        parts += [f"= {' | '.join(map(str, self.one_of))}"] if self.one_of else []
        parts += [f"≠ {' | '.join(map(str, self.none_of))}"] if self.none_of else []
        return f"{self.subject} {', '.join(parts)}"


class Limits(Section):
    """What the training of an answer may take where a class is graded."""

    seconds: Count = 30
    memory: Count = 2000


class ExerciseFile(Section):
    """An exercise: a task, and what its answer must fulfil."""

    name: RunName
    section: Count = 1
    title: Words
    task: Words
    kind: Literal["config", "numbers"] = "config"
    start: Words
    given: dict[str, Any] = field(default_factory=dict)
    hidden_rows: str | None = None
    seed: Seed = 0
    limits: Limits = Limits()
    marks: AboveZero = 20
    late: Annotated[float, Number(minimum=0, maximum=1)] = 0
    ranking: NotNegative = 0
    checks: Annotated[tuple[Check, ...], ListOf(SectionOf(Check))]
    hints: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Exercise:
    """A checked exercise.

    Attributes:
        file: What its file says.
        path: Where that is.
        text: Its bytes.
        root: Its tree, which knows the place of each value.
    """

    file: ExerciseFile
    path: Path
    text: bytes
    root: MapNode

    @property
    def name(self) -> str:
        """Its name."""
        return self.file.name

    @property
    def hidden_rows(self) -> Path | None:
        """The file of rows that only a grading measures."""
        rows = self.file.hidden_rows
        return None if rows is None else self.path.parent / os.path.expanduser(rows)

    def data_files(self) -> Iterator[Path]:
        """Yields the files that `given` names as data, and those in folders."""
        data = plain(node) if (node := find(self.root, ("given", "data"))) else None
        for key in PATHS:
            named = data.get(key) if isinstance(data, dict) else None
            for path in [named] if isinstance(named, str) else named or ():
                for file in files_at(str(self.path.parent / os.path.expanduser(path))):
                    yield from sorted(filter(Path.is_file, [file, *file.rglob("*")]))

    @property
    def shown(self) -> Exercise:
        """The exercise with the checks alone that students see."""
        checks = tuple(check for check in self.file.checks if not check.hidden)
        return replace(self, file=replace(self.file, checks=checks))

    def config(self, path: Path, text: bytes, more: Sequence[str] = ()) -> Loaded:
        """Returns an answer as a config, with what the exercise gives in the place of its own.

        Args:
            path: Where the answer is, for the places of its mistakes.
            text: Its bytes.
            more: What else is set, as after `--set`.

        Raises:
            ConfigError: It is wrong, or leaves out rows that are measured.
        """
        given = find(self.root, ("given",))
        entries = given.entries.items() if isinstance(given, MapNode) else ()
        laid = [Override(path_parts(key, e.key), e.node, e.key) for key, e in entries]
        loaded = load_text(path, text, [*laid, f"seed={self.file.seed}", *more], self.name)
        if leaving := list(self._leaving_out(loaded)):
            raise loaded.error(leaving)
        return loaded

    def _leaving_out(self, loaded: Loaded) -> Iterator[Finding]:
        """Yields what leaves rows out, unless the exercise itself says so."""
        preprocess = loaded.config.preprocess
        rules: dict[tuple[str, ...], str | None] = {("preprocess", "missing"): preprocess.missing}
        rules |= {
            ("preprocess", "columns", name, "missing"): own.missing
            for name, own in preprocess.columns.items()
        }
        for path, rule in rules.items():
            if rule == "drop" and place(loaded.root, path).source != str(self.path):
                kept = "error, mean, median or most_frequent"
                yield Finding(path, "leaves rows out, but an exercise measures all", kept)


def load_exercise(path: Path) -> Exercise:
    """Reads and checks an exercise.

    Raises:
        ConfigError: It is wrong; it carries every problem that could be found.
    """
    text = read_bytes(path)
    document = read_document(text, str(path))
    root, problems = document.root, list(document.problems)
    values = plain(root)
    named = {"name": default_name(path), **values} if isinstance(values, dict) else values
    try:
        file = read_section(ExerciseFile, named)
        wrong = list(_misfits(file))
    except Findings as error:
        wrong = list(error.findings)
    problems += [problem_of(finding, root) for finding in wrong]
    if problems:
        raise ConfigError.of(problems)
    return Exercise(file, path, text, root)


def _misfits(file: ExerciseFile) -> Iterator[Finding]:
    """Yields what does not fit together in the checks and marks."""
    if file.ranking > file.marks:
        yield Finding(("ranking",), "must not be more than marks", f"at most {file.marks:g}")
    for at, check in enumerate(file.checks):
        path = ("checks", at)
        kinds = [kind for kind in _ENOUGH if getattr(check, kind) is not None]
        allowed = ("answer",) if file.kind == "numbers" else ("measure", "config")
        if len(kinds) != 1 or kinds[0] not in allowed:
            expected = f"{' or '.join(allowed)}, since answers are of `kind: {file.kind}`"
            yield Finding(path, "must look at one thing", expected)
            continue
        enough = _ENOUGH[kinds[0]]
        asks = [key for keys in _ENOUGH.values() for key in keys if key in check.written]
        for key in dict.fromkeys(asks):
            if key not in enough:
                yield Finding((*path, key), f"is not for a check of `{kinds[0]}`", None)
        if not asks:
            yield Finding(path, "asks for nothing", listing(enough))
        if check.beyond_chance and not check.subject.endswith(".accuracy"):
            yield Finding((*path, "beyond_chance"), "is for an accuracy", "PART.accuracy")
        if check.subject.startswith("hidden.") and not check.hidden:
            yield Finding(
                (*path, "measure"), "is of hidden rows, so the check must be `hidden: true`"
            )


def shipped() -> dict[str, Exercise]:
    """Returns the exercises of the course by their names, in their order."""
    found = [load_exercise(path) for path in sorted(EXERCISES.glob("*.yaml"))]
    return {exercise.name: exercise for exercise in found}


def chosen(name: str) -> Exercise:
    """Returns an exercise of the course, or the one in a file, as students see it.

    Raises:
        UsageError: There is none of that name.
        ConfigError: The file is wrong.
    """
    if name.endswith(ENDINGS):
        return load_exercise(Path(name)).shown
    known = shipped()
    if name not in known:
        raise UsageError(
            f"no exercise is named {name!r}",
            expected="a name of the list that dl course shows, or the file of an exercise",
            hint=did_you_mean(closest(name, known)),
        )
    return known[name]


def in_language(words: Words, language: str) -> str:
    """Returns a text in a language, else in the first one that it has.

    In French, no line ends before a sign that has a space before it.
    """
    if isinstance(words, str):
        return words.rstrip()
    text = words.get(language) or words.get(FIRST) or next(iter(words.values()), "")
    return (
        re.sub(r" (?=[:;?!%»])", "\N{NO-BREAK SPACE}", text) if language == "fr" else text
    ).rstrip()


def language_of(wanted: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """Returns the language that is wanted, else that of the surroundings: `fr`, `en`."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    found = wanted or next((environment[name] for name in names if environment.get(name)), FIRST)
    code = found.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return FIRST if code in ("c", "posix") else code


def read_answer(path: Path, text: bytes) -> Node:
    """Returns the numbers and words of an answer as a tree; raises `ConfigError`."""
    document = read_document(text, str(path))
    if document.problems:
        raise ConfigError.of(document.problems)
    return document.root
