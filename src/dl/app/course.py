"""The exercises of the course: an answer is checked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dl.config.document import read_bytes
from dl.rundir.directory import RunDirectory

if TYPE_CHECKING:
    from dl.course.checks import Outcome
    from dl.course.exercise import Exercise
    from dl.progress import Reporter

Stopping = Callable[[], AbstractContextManager[Callable[[], int | None]]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of an answer: of each check, and the run where there was a training."""

    outcomes: tuple[Outcome, ...]
    run: RunDirectory | None = None

    @property
    def solved(self) -> bool:
        """Whether all checks are fulfilled."""
        return all(outcome.passed for outcome in self.outcomes)


def check_answer(
    exercise: Exercise, answer: Path, runs: Path, reporter: Reporter, stopping: Stopping
) -> Checked:
    """Trains an answer, or reads its numbers, and checks it.

    Args:
        exercise: The exercise.
        answer: The file of the answer.
        runs: The folder of all runs.
        reporter: Is told what happens.
        stopping: Gives, for the time of the training, what asks it to stop.

    Raises:
        DlError: The answer is no config, or its training did not end well.
    """
    from dl.course.checks import judge_answer, judge_config
    from dl.course.exercise import read_answer

    text = read_bytes(answer)
    if exercise.file.kind == "numbers":
        return Checked(tuple(judge_answer(exercise, read_answer(answer, text))))
    loaded = exercise.config(answer, text)
    with reporter.stage("Loading Keras"):
        from dl.course.measuring import Examiner
    with stopping() as stop:
        run, facts = Examiner().examine(loaded, runs, reporter, stop_signal=stop)
    return Checked(tuple(judge_config(exercise, facts)), run)
