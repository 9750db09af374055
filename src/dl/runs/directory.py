"""A run's directory: the one place that knows its file names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = Path("runs")
"""The folder of all runs, where no other is named."""

TRIALS = "trials"
"""The folder of a sweep that holds the runs of its trials."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NUMBER = re.compile(r"\d{4,}")


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The directory of one run, `runs/<name>/<0001…>/`."""

    path: Path

    @property
    def config(self) -> Path:
        """The config as the user wrote it, byte for byte."""
        return self.path / "config.yaml"

    @property
    def resolved(self) -> Path:
        """The config with everything explicit."""
        return self.path / "resolved.yaml"

    @property
    def record(self) -> Path:
        """Status, times, versions: see `dl.runs.record`."""
        return self.path / "run.json"

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.path / "history.csv"

    @property
    def metrics(self) -> Path:
        """The final metrics of each part."""
        return self.path / "metrics.json"

    @property
    def preprocess(self) -> Path:
        """What was learned from the training part."""
        return self.path / "preprocess.json"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model.h5"

    @property
    def light(self) -> Path:
        """The light copy of the model, which needs no TensorFlow: see `dl.runtime.artefact`."""
        return self.path / "model.tflite"

    @property
    def light_record(self) -> Path:
        """What the light copy was made from, with checksums."""
        return self.path / "model.tflite.json"

    @property
    def manifest(self) -> Path:
        """The checksums of the files above: see `dl.runs.manifest`."""
        return self.path / "manifest.json"

    @property
    def lock(self) -> Path:
        """Names the process that works on the run: see `dl.runs.lock`."""
        return self.path / ".lock"

    @property
    def checkpoints(self) -> Path:
        """The folder of what an exact resume needs: see `dl.runs.checkpoints`."""
        return self.path / "checkpoint"

    @property
    def plots(self) -> Path:
        """The folder of pictures."""
        return self.path / "plots"

    @property
    def outputs(self) -> Path:
        """What the model said of the rows that it was judged on: see `dl.data.judged`."""
        return self.path / "outputs.npz"

    @property
    def facts(self) -> Path:
        """What a report shows that only the training knew: see `dl.report.facts`."""
        return self.path / "facts.json"

    @property
    def report(self) -> Path:
        """The page about the run."""
        return self.path / "report.html"

    @property
    def tags(self) -> Path:
        """Words that the user has put on the run: see `dl.runs.tags`."""
        return self.path / "tags.json"

    @property
    def tracked(self) -> Path:
        """Names the copy of the run in a store of MLflow: see `dl.tracking.mlflow_copy`."""
        return self.path / "mlflow.json"

    @property
    def command_to_resume(self) -> str:
        """What a user types to go on with the run."""
        is_default = self.path.parent.parent == DEFAULT_ROOT
        return f"dl train --resume {self.label if is_default else self.path}"

    @property
    def label(self) -> str:
        """`name/0001`, as users name the run; that of a trial has the sweep's label before it."""
        trials = self.path.parent.parent
        if trials.name == TRIALS and NUMBER.fullmatch(trials.parent.name):
            sweep = trials.parent
            return f"{sweep.parent.name}/{sweep.name}/{self.path.parent.name}/{self.path.name}"
        return f"{self.path.parent.name}/{self.path.name}"


def numbers(parent: Path) -> list[int]:
    """Returns the numbers of the runs in a name's folder, ascending."""
    try:
        names = os.listdir(parent)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name) for name in names if NUMBER.fullmatch(name))


def next_number(parent: Path) -> int:
    """Returns the number that follows the highest one in a name's folder."""
    return max(numbers(parent), default=0) + 1
