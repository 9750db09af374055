"""`dl train --resume`: which run is meant, and what is to be done with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dl.errors import ConfigError, RunError, UsageError

if TYPE_CHECKING:
    from dl.config.load import Loaded
    from dl.progress import Reporter
    from dl.runs.directory import RunDirectory
    from dl.runs.record import RunRecord

NEWEST = ""
"""What `--resume` means without a run: the newest unfinished one of the config."""


def named_run(resume: str, config: Path | None) -> tuple[str, Path | None]:
    """Returns the run and the config, where `--resume CONFIG` was typed for `CONFIG --resume`."""
    if resume != NEWEST and config is None and Path(resume).is_file():
        return NEWEST, Path(resume)
    if resume == NEWEST and config is None:
        raise UsageError(
            "which run is to be gone on with?",
            hint="dl train --resume RUN, or dl train CONFIG --resume for its newest unfinished run",
        )
    return resume, config


def find(resume: str, loaded: Loaded | None, runs: Path) -> RunDirectory:
    """Returns the run to go on with; of a config its newest unfinished one, else its newest.

    Raises:
        RunError: There is no such run.
    """
    from dl.runs.find import find_run

    if loaded is None or resume != NEWEST:
        return find_run(resume, runs)
    found = list(_runs_of(loaded.config.name, runs))
    unfinished = [run for run, record in found if record.status != "completed"]
    if unfinished:
        return unfinished[-1]
    if found:
        return found[-1][0]
    raise RunError(
        f"{loaded.config.name} has no run in {runs}", hint=f"begin one: dl train {loaded.path}"
    )


def of_run(run: RunDirectory, overrides: tuple[str, ...]) -> Loaded:
    """Returns the config of a run, which an earlier `dl` may have trained, with overrides.

    Raises:
        RunError: It is damaged.
        ConfigError: The overrides make it a wrong one.
    """
    from dl.config.load import load_resolved, load_text
    from dl.runs.manifest import read_checked

    text = read_checked(run.resolved)
    loaded = load_resolved(run.resolved, text)
    return load_text(run.resolved, text, overrides, trained=True) if overrides else loaded


@contextmanager
def trained_again(run: RunDirectory) -> Iterator[None]:
    """Says that a run cannot be trained again, where what is refused stands in its own config.

    Raises:
        RunError: An earlier `dl` has trained what is refused now.
    """
    try:
        yield
    except ConfigError as error:
        first = error.problems[0]
        own = str(run.resolved)
        if any(problem.mark is None or problem.mark.source != own for problem in error.problems):
            raise
        raise RunError(
            f"{run.label} was trained by an earlier dl, which took what is refused now: "
            f"{first.message}",
            expected=first.expected,
            found=first.found,
            hint=f"train it anew; in its config, {first.hint or 'change it'}",
        ) from error


def is_complete(run: RunDirectory, record: RunRecord, loaded: Loaded, reporter: Reporter) -> bool:
    """Tells whether nothing is left to do: all epochs are there, and every file is whole.

    Raises:
        UsageError: The run has more epochs than are wanted.
    """
    wanted = loaded.config.training.epochs
    if record.epochs > wanted:
        raise UsageError(
            f"{run.label} has {record.epochs} epochs already",
            expected="a larger number: --epochs is the new total",
            found=str(wanted),
        )
    if record.status != "completed" or wanted > _planned_epochs(run):
        return False
    return _are_whole(run, reporter)


def result_of(run: RunDirectory, record: RunRecord) -> dict[str, object]:
    """Returns what `dl train --json` says of a finished run."""
    from dl.runs.record import read_metrics

    return {
        "run": str(run.path),
        "status": record.status,
        "epochs": record.epochs,
        "seconds": record.seconds,
        "metrics": read_metrics(run),
    }


def _runs_of(name: str, runs: Path) -> Iterator[tuple[RunDirectory, RunRecord]]:
    from dl.runs.directory import RunDirectory, numbers
    from dl.runs.record import read_record

    for number in numbers(runs / name):
        run = RunDirectory(runs / name / f"{number:04d}")
        if run.record.is_file():
            yield run, read_record(run)


def _planned_epochs(run: RunDirectory) -> int:
    return of_run(run, ()).config.training.epochs


def _are_whole(run: RunDirectory, reporter: Reporter) -> bool:
    from dl.runs.manifest import check

    for path in (run.history, run.metrics, run.preprocess, run.model):
        try:
            check(path)
        except RunError as error:
            reporter.warn(f"{error}; it is made again from the last checkpoint")
            return False
    return True
