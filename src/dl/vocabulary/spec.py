"""The values of this package: kinds of named things, a checked named thing, and a finding."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Path = tuple[str | int, ...]
"""Keys and 0-based list positions that lead to a value of the config."""


class Kind(enum.StrEnum):
    """What a name in a config can stand for."""

    LAYER = "layer"
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
