"""What has come of a sweep, read from its directory at any time."""

from __future__ import annotations

from dataclasses import dataclass

from dl.config.load import load_resolved
from dl.config.resolve import resolved_text
from dl.errors import RunError
from dl.runs.manifest import read_checked
from dl.runs.sweeps import SweepDirectory
from dl.sweep.results.journal import Journal
from dl.sweep.results.leaderboard import Line, leaderboard
from dl.sweep.results.record import SweepRecord, read_sweep_record

_MOST_LINES = 10
"""Numbers of torn lines that are named: one killed session leaves one."""


@dataclass(frozen=True, slots=True)
class Results:
    """A sweep and its leaderboard.

    Attributes:
        directory: Where it is.
        record: What it is.
        journal: What was asked and what came of it.
        lines: The leaderboard.
    """

    directory: SweepDirectory
    record: SweepRecord
    journal: Journal
    lines: tuple[Line, ...]

    @property
    def trivial(self) -> float | None:
        """The objective of a trivial answer, if it is known."""
        return self.record.baseline.get(self.record.terms.goal.metric)

    @property
    def torn(self) -> str:
        """What is said of lines of the journal that are left out; empty without any."""
        if not self.journal.torn:
            return ""
        lines = ", ".join(map(str, self.journal.torn[:_MOST_LINES]))
        return (
            f"{self.journal.path.name} is torn and left out in line {lines}: what it said is done "
            "again with --resume."
        )

    @property
    def code(self) -> int:
        """The exit code that belongs to the first failure; 0 without one."""
        return next((ended.code for ended in self.journal.ended.values() if ended.code), 0)


def results_of(directory: SweepDirectory, record: SweepRecord, journal: Journal) -> Results:
    """Ranks what the journal knows."""
    return Results(directory, record, journal, tuple(leaderboard(record.terms, journal)))


def read_results(directory: SweepDirectory) -> Results:
    """Reads a sweep; raises `RunError` where it is damaged."""
    return results_of(directory, read_sweep_record(directory), Journal(directory.journal))


def best_config(results: Results) -> str:
    """Returns the config of the best setting, with a comment that says where it comes from.

    Raises:
        RunError: No setting is complete.
    """
    if not results.lines or results.lines[0].rank is None:
        raise RunError(
            f"{results.directory.label} has no setting that is complete",
            hint=f"see what came of it: dl compare {results.directory.label}",
        )
    best = results.lines[0].standing
    resolved = results.directory.run(best.trial, 1).resolved
    config = load_resolved(resolved, read_checked(resolved)).config
    split = config.data.split.model_copy(update={"folds": None, "fold": 1})
    whole = config.model_copy(update={"data": config.data.model_copy(update={"split": split})})
    metric = results.record.terms.goal.metric
    head = f"# Trial {best.trial} of {results.directory.label}: {metric} {best.mean:.6g}\n"
    return head + resolved_text(whole)
