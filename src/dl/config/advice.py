"""Advice: what is allowed but doubtful in a config or in its data, and the line to write."""

from __future__ import annotations

from dataclasses import dataclass

from dl.vocabulary.spec import Path


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
