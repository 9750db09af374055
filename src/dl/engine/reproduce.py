"""Compares a training that was repeated with the run that it repeats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dl.config.load import load_resolved
from dl.engine.resume import Difference, differences
from dl.engine.workflow import Trained
from dl.runs.directory import RunDirectory
from dl.runs.history import read_history
from dl.runs.manifest import file_sha256, read_checked
from dl.runs.record import RunRecord

_UNEQUAL_ANYWAY = ("seconds",)
_NO_VALUE = "nothing"

Row = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first value of the history that is not the same."""

    epoch: int
    name: str
    before: float | str
    now: float | str


@dataclass(frozen=True, slots=True)
class Repeat:
    """What came of repeating a run.

    Attributes:
        epochs: Epochs that were compared.
        first: The first difference in the history, if there is one.
        model: Whether `model.h5` has the same bytes; None where the run did not come to one.
        changed: What is not as it was when the run was trained.
    """

    epochs: int
    first: FirstDifference | None
    model: bool | None
    changed: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return self.first is None and self.model is not False

    def document(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return {
            "identical": self.identical,
            "epochs": self.epochs,
            "first_difference": None if self.first is None else asdict(self.first),
            "model_identical": self.model,
            "changed": [asdict(change) for change in self.changed],
        }


def compare(run: RunDirectory, record: RunRecord, again: Trained) -> Repeat:
    """Compares histories and models, and says what has changed since.

    Args:
        run: The run that was repeated.
        record: Its record.
        again: The repeat, as long as the run came.

    Raises:
        RunError: A file of the run is damaged.
    """
    before = read_history(run)
    config = load_resolved(run.resolved, read_checked(run.resolved)).config
    changed = tuple(
        change
        for change in differences(run, record, config, again.prepared)
        if change.what != "training.epochs"
    )
    model = None
    if record.status == "completed":
        model = file_sha256(run.model) == file_sha256(again.run.model)
    return Repeat(len(before), first_difference(before, again.history), model, changed)


def first_difference(before: Sequence[Row], now: Sequence[Row]) -> FirstDifference | None:
    """Returns the first value that differs, seconds aside; None if none does."""
    for epoch in range(1, max(len(before), len(now)) + 1):
        old = before[epoch - 1] if epoch <= len(before) else {}
        new = now[epoch - 1] if epoch <= len(now) else {}
        for name in dict.fromkeys([*old, *new]):
            if name not in _UNEQUAL_ANYWAY and not _equal(old.get(name), new.get(name)):
                return FirstDifference(
                    epoch, name, old.get(name, _NO_VALUE), new.get(name, _NO_VALUE)
                )
    return None


def _equal(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is now
    return before == now or (math.isnan(before) and math.isnan(now))
