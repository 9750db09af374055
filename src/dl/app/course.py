"""The exercises of the course: an answer is checked, those of a class are graded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dl.config.document import read_bytes
from dl.errors import UsageError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import disk_errors, write_output, write_text

if TYPE_CHECKING:
    from dl.course.checks import Outcome
    from dl.course.exercise import Exercise
    from dl.course.marks import Mark
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


@dataclass(frozen=True, slots=True)
class Job:
    """How a class is graded.

    Attributes:
        folder: What was handed in.
        output: The table of marks; the folder beside it has the same name without its ending.
        deadline: When it was due; None if that does not matter.
        times: When each was handed in, as CSV; None for the times of the files.
        jobs: Trainings at the same time.
        language: That of the feedback.
    """

    folder: Path
    output: Path
    deadline: datetime | None
    times: Path | None
    jobs: int
    language: str


def grade(exercise: Exercise, job: Job, reporter: Reporter) -> list[Mark]:
    """Grades the answers of a class; writes the marks, and beside them what is told and kept.

    Raises:
        DlError: The exercise, its data or the folder cannot be used, or nothing can be written.
    """
    from dl.course.submissions import read_submissions, safe_name, times_of

    if not job.output.suffix:
        raise UsageError(
            f"{job.output} has no ending, so the folder beside it would have its name",
            hint=f"-o {job.output}.csv",
        )
    submissions = read_submissions(job.folder)
    handed_in = times_of(job.times, submissions)
    due = None if job.deadline is None else job.deadline.timestamp()
    late = {name for name, when in handed_in.items() if due is not None and when > due}
    with reporter.stage("Loading Keras"):
        from dl.course.grading import Class
        from dl.course.marks import feedback, marks_csv, marks_of, report_page
    beside = job.output.with_suffix("")
    with disk_errors(f"making the folder {beside}"):
        graded = Class(exercise, beside / "results", job.jobs)
        (beside / "feedback").mkdir(exist_ok=True)
    with closing(graded):
        with reporter.stage("Grading", len(submissions)) as advance:
            results = graded.grade(submissions, advance)
        marks = marks_of(exercise, results, late)
        for mark in marks:
            place = beside / "feedback" / f"{safe_name(mark.graded.name)}.md"
            write_text(place, feedback(exercise, mark, job.language))
        write_text(beside / "report.html", report_page(exercise, marks, job.language))
        write_output(job.output, marks_csv(exercise, marks))
    return marks
