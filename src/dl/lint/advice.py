"""What a rule sees, and the advice that it gives."""

from __future__ import annotations

from dataclasses import dataclass

from dl.config.advice import Advice
from dl.config.peek import Peek
from dl.config.rules.output import Output
from dl.config.schema import Config
from dl.lint.counts import Counts

__all__ = ["Advice", "Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """A config with what cheaply follows from it, found out once for all rules."""

    config: Config
    output: Output | None
    peek: Peek
    counts: Counts
