"""The whole config as one frozen type."""

from __future__ import annotations

from pydantic import Field

from dl.config.sections.base import RunName, Section, Seed
from dl.config.sections.data import Data
from dl.config.sections.engine import Engine
from dl.config.sections.evaluation import Evaluation
from dl.config.sections.lint import Lint
from dl.config.sections.model import Model
from dl.config.sections.preprocess import Preprocess
from dl.config.sections.tracking import Tracking
from dl.config.sections.training import Training


class Config(Section):
    """One experiment: what to train, on what, and how."""

    name: RunName = Field(description="Name of the runs. Default: the stem of the file.")
    seed: Seed = Field(default=0, description="One number that fixes everything random.")
    data: Data = Field(description="Where the rows come from.")
    preprocess: Preprocess = Field(default=Preprocess(), description="How rows become numbers.")
    model: Model = Field(description="The network.")
    training: Training = Field(description="How the network learns.")
    evaluation: Evaluation = Field(
        default=Evaluation(), description="How outputs become decisions."
    )
    engine: Engine = Field(default=Engine(), description="How the training is run.")
    tracking: Tracking = Field(default=Tracking(), description="Where copies of the run go.")
    lint: Lint = Field(default=Lint(), description="Advice that is not wanted.")
