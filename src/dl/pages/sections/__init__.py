"""The sections of a run's page, one file each, in the order of `SECTIONS`.

A section is a function from what is known of the run to the values of its template, or None where
the run has nothing to show in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dl.pages.context import Context
from dl.pages.sections.classes import build as classes
from dl.pages.sections.data import build as data
from dl.pages.sections.learned import build as learned
from dl.pages.sections.learning import build as learning
from dl.pages.sections.mistakes import build as mistakes
from dl.pages.sections.model import build as model
from dl.pages.sections.numbers import build as numbers
from dl.pages.sections.origin import build as origin
from dl.pages.sections.settings import build as settings
from dl.pages.sections.weights import build as weights

Build = Callable[[Context], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its anchor, which is also the name of its template, its title and its values."""

    name: str
    title: str
    build: Build


SECTIONS: tuple[Section, ...] = (
    Section("learning", "Learning curves", learning),
    Section("learned", "What it learned", learned),
    Section("classes", "Right and wrong", classes),
    Section("numbers", "Errors", numbers),
    Section("mistakes", "Worst mistakes", mistakes),
    Section("data", "Data", data),
    Section("model", "Model", model),
    Section("weights", "Weights", weights),
    Section("settings", "Settings", settings),
    Section("origin", "How it was made", origin),
)
