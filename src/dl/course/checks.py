"""What an answer is worth: each check with what was found."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dl.config.nodes import Node, find, plain
from dl.config.overrides import path_parts
from dl.course.exercise import Check, Exercise
from dl.errors import Mark, without_separators
from dl.stats import LEVEL
from dl.text import number

_BY_HAND = 1e-9
"""What a number may be off by rounding in binary alone."""
_LARGEST = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a trained answer.

    Attributes:
        numbers: What checks can measure, by name.
        chance: How often chance alone gives such an accuracy, by its name: the p-value of
            McNemar's test, row by row, against the commonest class of the training part.
        document: The config as plain data.
        scores: Of each test row (else validation, else training row) how right the answer is:
            1 or 0, or less the absolute error.
    """

    numbers: Mapping[str, float]
    chance: Mapping[str, float]
    document: Mapping[str, object]
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a check.

    Attributes:
        asked: What was asked, in signs.
        found: What was found instead, or at all; empty where that would give the answer away.
        passed: Whether it is fulfilled.
    """

    asked: str
    found: str
    passed: bool


def judge_config(exercise: Exercise, facts: Facts) -> list[Outcome]:
    """Returns what came of each check of a trained config."""
    return [_of_config(check, facts) for check in exercise.file.checks]


def judge_answer(exercise: Exercise, answer: Node) -> list[Outcome]:
    """Returns what came of each check of an answer by hand."""
    return [_of_answer(check, answer) for check in exercise.file.checks]


def points(exercise: Exercise, outcomes: Sequence[Outcome]) -> float:
    """Returns the marks for fulfilled checks, each by its points, of the marks of the exercise."""
    checks = exercise.file.checks
    reached = sum(c.points for c, o in zip(checks, outcomes, strict=True) if o.passed)
    return exercise.file.marks * reached / sum(check.points for check in checks)


def _of_config(check: Check, facts: Facts) -> Outcome:
    if check.config is not None:
        found = list(_values(facts.document, check.config.split(".")))
        return Outcome(check.asked, ", ".join(map(str, found)) or "-", _all_fit(check, found))
    value = facts.numbers.get(check.subject, math.nan)
    p_value = facts.chance.get(check.subject, 1.0)
    passed = _within(check, value) and (not check.beyond_chance or p_value < LEVEL)
    said = f"{number(value)}, p = {number(p_value, 2)}" if check.beyond_chance else number(value)
    return Outcome(check.asked, said, passed)


def _of_answer(check: Check, answer: Node) -> Outcome:
    node = find(answer, answer_path(check.subject))
    value = None if node is None else plain(node)
    if value is None:
        return Outcome(check.asked, "-", False)
    if check.one_of:
        return Outcome(check.asked, str(value), _word(value) in map(_word, check.one_of))
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return Outcome(check.asked, str(value), False)
    near = check.value is None or abs(value - check.value) <= check.tolerance + _BY_HAND
    return Outcome(check.asked, number(value), near and _within(check, value))


def answer_path(text: str) -> tuple[str | int, ...]:
    """Returns where in an answer by hand a check looks."""
    parts = path_parts(text, Mark(text))
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _values(value: object, parts: Sequence[str]) -> Iterator[object]:
    """Yields what stands at a path; `*` is each item, `-1` the last one, a bare name its type."""
    if not parts:
        yield value.get("type", value) if isinstance(value, dict) else value
    elif isinstance(value, list | tuple):
        if parts[0] == "*":
            chosen = list(value)
        else:
            at = int(parts[0]) if parts[0].lstrip("-").isdigit() else len(value)
            chosen = [value[at]] if -len(value) <= at < len(value) else []
        for item in chosen:
            yield from _values(item, parts[1:])
    elif isinstance(value, Mapping) and value.get(parts[0]) is not None:
        yield from _values(value[parts[0]], parts[1:])
    elif isinstance(value, str) and list(parts) == ["type"]:
        yield value


def _all_fit(check: Check, found: Sequence[object]) -> bool:
    words = [_word(item) for item in found]
    if check.one_of and not (words and set(words) <= set(map(_word, check.one_of))):
        return False
    if set(words) & set(map(_word, check.none_of)):
        return False
    if check.at_least is None and check.at_most is None:
        return True
    return bool(found) and all(
        isinstance(item, int | float) and _within(check, item) for item in found
    )


def _word(value: object) -> str:
    return without_separators(str(value))


def _within(check: Check, value: float) -> bool:
    """Tells whether a number is in the bounds; one that is no number is in none."""
    low = -math.inf if check.at_least is None else check.at_least
    high = math.inf if check.at_most is None else check.at_most
    return low <= value <= high
