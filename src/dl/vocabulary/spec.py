"""The values of this package and how they are told: kinds of named things, a checked named thing,
a finding, and what other tools call a word.
"""

from __future__ import annotations

import enum
import functools
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from dl.errors import closest, did_you_mean, without_separators
from dl.text import cut

Path = tuple[str | int, ...]
"""Keys and 0-based list positions that lead to a value of the config."""
Sorts = frozenset[type]
QUOTE = "put it in quotes"
"""A hint; who knows how the value is written adds that (`dl.config.load`)."""

# Compiled only when a mistake is made: a start without any pays nothing.
_PERCENT = r"(\d+(?:\.\d+)?)\s*%"
_LONGEST_NUMBER = 400
"""Characters of a number that can be meant: the largest float has 309 digits, and Python refuses to
make an integer of thousands."""
_CURLED = "[\u2018-\u201f\u00ab\u00bb].*[\u2018-\u201f\u00ab\u00bb]"
_DIGIT_GROUPS = r"\d{1,3}([,_ ']\d{3})+"
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_BOOLEANS = {
    **{"true": "true", "yes": "true", "on": "true"},
    **{"false": "false", "no": "false", "off": "false"},
}


class Kind(enum.StrEnum):
    """What a name in a config can stand for."""

    LAYER = "layer"
    BASE = "base"
    CELL = "cell"
    ACTIVATION = "activation"
    INITIALIZER = "initializer"
    REGULARIZER = "regularizer"
    CONSTRAINT = "constraint"
    LOSS = "loss"
    METRIC = "metric"
    OPTIMIZER = "optimizer"
    SCHEDULE = "schedule"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class Spec:
    """A checked named thing: what to build, with every parameter explicit.

    Attributes:
        kind: What it is.
        type: Its canonical name, the one that Keras' class or function has.
        parameters: All parameters, given or default. A nested thing is a `Spec`, a list a tuple.
        given: The names of the parameters that the user wrote; no part of equality.
    """

    kind: Kind
    type: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    given: frozenset[str] = field(default=frozenset(), compare=False)

    def whole_number(self, parameter: str) -> int | None:
        """Returns the value of a parameter that is a whole number, else None."""
        value = self.parameters.get(parameter)
        return value if isinstance(value, int) else None

    def place(self, path: Path, parameter: str) -> Path:
        """Returns the path of a parameter, or the thing's own where the parameter is a default."""
        return (*path, parameter) if parameter in self.given else path


def document(spec: Spec) -> str | dict[str, object]:
    """Returns the plain form of a spec: a mapping with `type` and every parameter, or the name
    alone where it has no parameters.
    """
    parameters = {name: _plain(value) for name, value in spec.parameters.items()}
    return {"type": spec.type, **parameters} if parameters else spec.type


def _plain(value: object) -> object:
    if isinstance(value, Spec):
        return document(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake in a value that has no place yet: `path` leads to it from where the check began.

    `at_key` says that the key, not its value, is wrong.
    """

    path: Path
    message: str
    expected: str | None = None
    found: str | None = None
    hint: str | None = None
    at_key: bool = False

    def below(self, prefix: Path) -> Finding:
        """Returns the same finding, seen from further up."""
        return replace(self, path=prefix + self.path)


class Findings(Exception):
    """Mistakes in the config that were found where no place is known; the caller adds the marks.

    `valid` is what is right in a section that is not right as a whole.
    """

    def __init__(self, findings: list[Finding], valid: object = None) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = tuple(findings)
        self.valid = valid

    @classmethod
    def one(
        cls,
        path: Path,
        message: str,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
        *,
        at_key: bool = False,
    ) -> Findings:
        """Returns a single mistake to raise; the arguments are the fields of `Finding`."""
        return cls([Finding(path, message, expected, found, hint, at_key)])


_WITH_AN = (Kind.ACTIVATION, Kind.INITIALIZER, Kind.OPTIMIZER)
_KINDS = {
    Kind.BASE: "a pretrained base",
    Kind.CELL: "a cell of a recurrent layer",
    Kind.SCHEDULE: "a learning-rate schedule",
}


@functools.cache
def facts() -> Mapping[str, Any]:
    """Returns the tables that are written by hand, as plain data.

    `types`, `parameters` and `overrides` say what parameters take, by their names and by that of
    the thing. `left_out` and `left_out_of` give the reasons why one of Keras is not offered,
    `required` are those that Keras would learn by a pass over the data, or fails without, and what
    to write instead. `defaults` differ from Keras': `evaluation.threshold` decides where no other
    threshold is given; or they are of parameters that Keras has not or asks for. `own` are things
    of `dl`'s own, and names to which Keras gives a meaning by the shape of the output; `former` the
    names of parameters in older versions of Keras, or in other libraries. `unused` is what Keras
    saves for those that are not offered, where it changes nothing; `never_used` are those that
    change no output, whatever is saved. `synonyms` are Keras' words by those of other tools, in
    lower case without separators; of several, the first one that can stand in the place is meant.
    """
    text = FilePath(__file__).with_name("parameters.json").read_text(encoding="utf-8")
    tables: Mapping[str, Any] = json.loads(text)
    return tables


def other_word(word: str, known: Collection[str]) -> str | None:
    """Returns the known word for what another tool calls `word`."""
    ours: list[str] = facts()["synonyms"].get(without_separators(word), [])
    return next((name for name in ours if name in known), None)


def meant(word: str, known: Collection[str]) -> str | None:
    """Returns the known word that another tool calls `word`, or else the one nearest to it."""
    return other_word(word, known) or closest(word, known)


def kind_words(kind: Kind) -> str:
    """Returns the kind with its article: `an optimizer`."""
    return _KINDS.get(kind) or f"{'an' if kind in _WITH_AN else 'a'} {kind}"


def plain(value: object) -> str:
    """Returns a value as YAML writes it, in full: `true`, `null`, `'a'`, `[1, 2]`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(plain(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) + "}"
    return repr(value)


def found_text(value: object) -> str:
    """Returns a value as YAML writes it, cut to a length that fits into a message."""
    return cut(plain(value))


def range_words(
    noun: str,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> str:
    """Returns a noun with its limits: `a number from 0 up to, but not including, 1`."""
    low, high, over, under = (
        None if limit is None else str(limit) if isinstance(limit, int) else f"{limit:g}"
        for limit in (minimum, maximum, above, below)
    )
    if low is not None and low == high:
        return low
    if low is None and over is None:
        return f"{noun} of {high} or less" if high else f"{noun} below {under}" if under else noun
    if high is None and under is None:
        return f"{noun} of {low} or more" if over is None else f"{noun} above {over}"
    if over is None:
        until = f"to {high}" if under is None else f"up to, but not including, {under}"
        return f"{noun} from {low} {until}"
    until = f", up to {high}" if under is None else f" and below {under}"
    return f"{noun} above {over}{until}"


def value_hint(
    value: object,
    sorts: Sorts,
    fits: Callable[[object], bool],
    choices: Collection[str] = (),
    length: int = 1,
) -> str | None:
    """Returns what to write instead of a wrong value, for the mistakes that are often made.

    Args:
        value: The value.
        sorts: The Python types of the values that are taken.
        fits: Tells whether a value is taken: nothing is proposed that is wrong, too.
        choices: The words that are taken, if only some are.
        length: How many items a list must have.
    """
    if value is None:
        return QUOTE if sorts == {str} and not choices else None
    only_lists = list in sorts and not sorts & {str, int, float, bool}
    tuple_of_python = isinstance(value, str) and value[:1] == "(" and list in sorts
    if tuple_of_python or (only_lists and not isinstance(value, list | tuple | Mapping)):
        items = value.strip("() ").rstrip(", ") if isinstance(value, str) else plain(value)
        if "," in items or length == 1:
            return f"write a list, in brackets: [{items}]"
        if isinstance(value, str) and not re.fullmatch(_NUMBER, items):
            return f"write a list of {length}, in brackets: [{items}, …]"
        return f"write a list, in brackets: [{', '.join([items] * length)}]"
    if isinstance(value, str):
        return _text_hint(value, sorts, fits, choices)
    if isinstance(value, float) and value.is_integer() and fits(int(value)):
        return f"write {value:.0f}, without a decimal point"
    is_word = str in sorts and not sorts & {dict, int, float} and not choices
    if is_word and isinstance(value, bool | int | float) and fits(plain(value)):
        return QUOTE
    return None


def _text_hint(
    text: str, sorts: Sorts, fits: Callable[[object], bool], choices: Collection[str]
) -> str | None:
    if choices and (near := meant(text, choices)):
        return did_you_mean(near)
    if re.fullmatch(_CURLED, text):
        return f'write straight quotes: "{text[1:-1]}"'
    word = text.strip()
    if len(word) > _LONGEST_NUMBER:
        return None
    if (percent := re.fullmatch(_PERCENT, word)) and fits(float(percent[1]) / 100):
        return f"write {float(percent[1]) / 100:g}"
    truth = _BOOLEANS.get(word.lower())
    if truth and fits(truth == "true"):
        return f"write {truth}, without quotes"
    if sorts & {int, float} and re.fullmatch(_NUMBER, word):
        number = float(word)
        if fits(int(word) if word.lstrip("+-").isdigit() else number):
            return f"write {word}, without quotes"
        return f"write {number:.0f}" if number.is_integer() and fits(int(number)) else None
    digits = re.sub("[^0-9]", "", word)
    return f"write {digits}" if re.fullmatch(_DIGIT_GROUPS, word) and fits(int(digits)) else None
