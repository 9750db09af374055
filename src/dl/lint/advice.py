"""The values of this package: what a rule sees, and the advice that it gives."""

from __future__ import annotations

from dataclasses import dataclass

from dl.config.peek import Peek
from dl.config.rules.output import Output
from dl.config.schema import Config
from dl.lint.counts import Counts
from dl.vocabulary.spec import Path


@dataclass(frozen=True, slots=True)
class Case:
    """A config with what cheaply follows from it, found out once for all rules."""

    config: Config
    output: Output | None
    peek: Peek
    counts: Counts


@dataclass(frozen=True, slots=True)
class Advice:
    """Something doubtful in a config.

    Attributes:
        path: Where it stands, or would stand.
        message: What is doubtful, in words that follow the path.
        why: The reason, as a whole sentence.
        value: What to write at the path, as YAML; None to remove it.
    """

    path: Path
    message: str
    why: str
    value: str | None
