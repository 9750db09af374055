"""What a rule looks at: the sections that are valid, and what is known from them and the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dl.config.peek import Peek
from dl.config.rules.output import Output
from dl.config.sections.data import Data
from dl.config.sections.engine import Engine
from dl.config.sections.evaluation import Evaluation
from dl.config.sections.lint import Lint
from dl.config.sections.model import Model
from dl.config.sections.preprocess import Preprocess
from dl.config.sections.tracking import Tracking
from dl.config.sections.training import Training


@dataclass(frozen=True, slots=True)
class Partial:
    """A config of which some sections may be wrong; those are None.

    Attributes:
        folder: The folder that relative paths of `data` start from.
    """

    name: str | None
    seed: int | None
    data: Data | None
    preprocess: Preprocess | None
    model: Model | None
    training: Training | None
    folder: Path
    engine: Engine | None = None
    evaluation: Evaluation | None = None
    tracking: Tracking | None = None
    lint: Lint | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A partial config with what follows from it, found out once for all rules."""

    data: Data | None
    preprocess: Preprocess | None
    model: Model | None
    training: Training | None
    engine: Engine | None = None
    tracking: Tracking | None = None
    output: Output | None = None
    peek: Peek = field(default_factory=Peek)
