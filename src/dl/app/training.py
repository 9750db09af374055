"""Trains: a new run, a run that is resumed, a run that is repeated; or many, in a sweep.

Around the training itself, another process draws the pictures and writes the page, a third one
copies to MLflow, and what nobody waits for is made at the end.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dl.app import config_of
from dl.app.reporting import ReportJob
from dl.errors import (
    BusyError,
    ConfigError,
    DlError,
    Interrupted,
    NumericError,
    RunError,
    UsageError,
)
from dl.imports import importing
from dl.progress import Reporter
from dl.rundir.directory import DEFAULT_ROOT, RunDirectory, numbers
from dl.rundir.files import locked
from dl.rundir.manifest import check, list_checkpoints
from dl.rundir.query import read_entry
from dl.rundir.record import Ending, RunRecord, Trivial, read_record
from dl.text import plural
from dl.variables import unheeded

if TYPE_CHECKING:
    from dl.config.load import Loaded
    from dl.data.dataset import Dataset
    from dl.inspect.rates import RateTest
    from dl.report.facts import RunFacts
    from dl.report.verdict import Verdict
    from dl.sweeps.definition import Sweep
    from dl.sweeps.results import Results
    from dl.sweeps.session import Job
    from dl.sweeps.watching import Watcher
    from dl.training.resume import Repeat
    from dl.training.setup import Prepared
    from dl.training.workflow import Hooks, Trained

_KERAS_SOURCE = "keras"
"""The source that needs Keras to be read."""

Stop = Callable[[], int | None]
"""Gives the number of the signal that asked a training to stop, or None."""
Lock = Callable[[RunDirectory], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a training; without metrics where it did not end well."""

    run: RunDirectory
    status: str
    epochs: int
    seconds: float
    metrics: Mapping[str, Mapping[str, float]]
    trivial: Trivial | None
    verdict: Verdict
    ending: Ending | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants a training.

    Attributes:
        reporter: Is told what happens.
        command: The command line, for the record of the run.
        stopping: Gives, for the time of the training, what asks it to stop.
        prepared: Is given the model and the data before the training.
        result: Is given the result, before the pictures and the page are complete; also that of a
            run that has begun and did not end well.
        answers: Is given what the network answers on the part that tells most, before the result.
        report: Whether these are made.
        runs: The folder of all runs.
    """

    reporter: Reporter
    command: tuple[str, ...]
    stopping: Callable[[], AbstractContextManager[Stop]]
    prepared: Callable[[Prepared], None] = lambda prepared: None
    result: Callable[[Result], None] = lambda result: None
    answers: Callable[[RunFacts], None] = lambda facts: None
    report: bool = True
    runs: Path = DEFAULT_ROOT


def train(loaded: Loaded, runs: Path, caller: Caller) -> Result:
    """Trains a config, in a new run below `runs`.

    Raises:
        DlError: The data cannot be used, or the training did not end well; what was finished of
            it is kept.
    """

    def start(prepared: Prepared, hooks: Hooks) -> Trained:
        from dl.training import workflow

        location = workflow.RunLocation(runs, prepared.config.name)
        return workflow.train(
            prepared, location, caller.reporter, command=caller.command, hooks=hooks
        )

    return _conduct(loaded, replace(caller, runs=runs), start, locked, advise=True)


def resume(run: RunDirectory, loaded: Loaded, caller: Caller, *, force: bool) -> Result:
    """Goes on with a run from its last checkpoint; a run that is complete stays as it is.

    Args:
        run: The run.
        loaded: Its config, perhaps with more epochs.
        caller: Who wants it.
        force: Whether to go on although config, data or versions have changed.

    Raises:
        DlError: As `train`, or something has changed.
    """
    from dl.tracking import tracking

    reporter = caller.reporter
    with locked(run):
        record = read_record(run)
        if _is_complete(run, record, loaded, caller):
            reporter.note(f"{run.label} is complete: nothing is left to do (longer: --epochs N)")
            with tracking(loaded, reporter) as track:
                track(run.path)
            result = result_of(run)
            caller.result(result)
            return result

        def start(prepared: Prepared, hooks: Hooks) -> Trained:
            from dl.training import workflow
            from dl.training.resume import job_of

            job = job_of(run, record, prepared, reporter, command=caller.command, force=force)
            return workflow.resume(prepared, job, reporter, hooks)

        with _trained_again(run):
            # The run is locked already.
            recorded, begun = (
                loaded.with_recorded_engine(record.engine),
                bool(list_checkpoints(run)),
            )
            return _conduct(recorded, caller, start, nullcontext, begun=begun)


def reproduce(run: RunDirectory, caller: Caller) -> Repeat:
    """Trains a run again in a temporary folder, as far as it came, and compares the two.

    Raises:
        DlError: There is nothing to compare, or the training did not end well.
    """

    record = read_record(run)
    if record.status == "running":
        raise BusyError(f"{run.label} is being trained by {record.process}", hint="wait for it")
    planned = record.status == "completed" and record.ended_by is None
    if record.epochs == 0 and not planned:
        raise RunError(f"{run.label} has no finished epoch to compare", hint="train it first")
    as_far = () if planned else ("training.time_limit=null",)
    _check_source(run)
    with _trained_again(run):
        prepared = prepare(config_of(run, as_far).with_recorded_engine(record.engine), caller)
    with tempfile.TemporaryDirectory(prefix="dl-reproduce-") as folder, caller.stopping() as stop:
        from dl.training import workflow
        from dl.training.resume import compare

        location = workflow.RunLocation(Path(folder), prepared.config.name)
        hooks = workflow.Hooks(
            stop_signal=stop, go_on=lambda row: planned or row["epoch"] < record.epochs
        )
        command = ("dl", "reproduce", str(run.path))
        try:
            again = workflow.train(
                prepared, location, caller.reporter, command=command, hooks=hooks
            )
        except Interrupted as error:  # the folder is gone: there is nothing to go on with
            raise Interrupted("interrupted", signal_number=error.exit_code - 128) from error
        return compare(run, record, again)


def prepare(
    loaded: Loaded, caller: Caller, *, advise: bool = False, begun: bool = False
) -> Prepared:
    """Reads the data while Keras loads, then builds the model.

    Args:
        loaded: The config.
        caller: Who wants it.
        advise: Whether to tell what is doubtful in config and data.
        begun: Whether the training has begun, so that a checkpoint has the weights.

    Raises:
        DlError: The data cannot be used, or the model cannot be built.
    """
    reporter = caller.reporter
    if advise and unheeded():
        reporter.note(f"ignored, since they could change results: {', '.join(unheeded())}")
    dataset = _dataset(loaded, reporter, "dl.training.workflow")
    from dl.training import setup

    if advise:
        _advise(loaded, dataset, reporter)
    prepared = setup.prepare(loaded, dataset, reporter, begun=begun, runs=caller.runs)
    caller.prepared(prepared)
    return prepared


def learning_rates(loaded: Loaded, steps: int, reporter: Reporter) -> RateTest:
    """Returns which learning rate to begin with, by a short training that no run keeps.

    Raises:
        DlError: The data cannot be used, the model cannot be built, or no rate can be told.
    """
    dataset = _dataset(loaded, reporter, "dl.inspect.rates")
    from dl.inspect.rates import range_test

    return range_test(loaded, dataset, steps, reporter)


def run_of(loaded: Loaded, runs: Path) -> RunDirectory:
    """Returns the run of a config to go on with: its newest unfinished one, else its newest.

    Raises:
        RunError: It has none.
    """
    parent = runs / loaded.config.name
    found = [RunDirectory(parent / f"{number:04d}") for number in numbers(parent)]
    found = [run for run in found if run.record.is_file()]
    if not found:
        hint = f"start one: dl train {loaded.path}"
        raise RunError(f"{loaded.config.name} has no run in {runs}", hint=hint)
    unfinished = [run for run in found if read_record(run).status != "completed"]
    return (unfinished or found)[-1]


def read_sweep(
    file: Path,
    grids: Sequence[str] | None,
    overrides: Sequence[str],
    metric: str | None,
    **changes: int | None,
) -> Sweep:
    """Returns a checked sweep: the one that a file describes, or a grid over a config.

    Args:
        file: The file of the sweep; with grids that of the config.
        grids: Values to try, as typed after `--grid`; None for those of the file.
        overrides: With grids: values on top of the config.
        metric: With grids: what is compared.
        changes: Other values for keys of the file: `jobs`, `trials`; None for its own.

    Raises:
        ConfigError: The sweep or its config is wrong.
    """
    from dl.sweeps.definition import load_sweep, quick_sweep

    checked = quick_sweep(file, grids, overrides, metric) if grids is not None else load_sweep(file)
    return checked.with_file(**{key: value for key, value in changes.items() if value})


def sweep(
    checked: Sweep,
    job: Job,
    reporter: Reporter,
    watching: Callable[[], AbstractContextManager[Watcher]],
    again: str,
) -> Results:
    """Trains the settings of a sweep in other processes, and ranks them; see `run_sweep`.

    Args:
        checked: The sweep.
        job: Where its directory is, and its trials are trained.
        reporter: Is told what takes a while before the first trial.
        watching: Opens who looks on, and may end it.
        again: What completes the copies in MLflow, should they not be complete.
    """
    from dl.sweeps.session import run_sweep
    from dl.tracking import tracking

    with tracking(checked.base, reporter, again) as track:
        return run_sweep(checked, job, reporter, watching, begun=track)


def result_of(run: RunDirectory) -> Result:
    """Returns what came of a run that has ended; raises `RunError` where it is damaged."""
    from dl.report.verdict import verdict

    entry = read_entry(run)
    record = entry.record
    return Result(
        run,
        record.status,
        record.epochs,
        record.seconds,
        entry.metrics,
        record.trivial,
        verdict(entry),
        record.ending,
        record.error,
    )


def _conduct(
    loaded: Loaded,
    caller: Caller,
    start: Callable[[Prepared, Hooks], Trained],
    lock: Lock,
    *,
    advise: bool = False,
    begun: bool = False,
) -> Result:
    """Trains, gives the caller the result, and makes what nobody waits for.

    Args:
        loaded: The config.
        caller: Who wants it.
        start: Trains.
        lock: Locks the run for what is made at the end.
        advise: Whether to tell what is doubtful in config and data.
        begun: Whether the training has begun, so that a checkpoint has the weights.
    """
    from dl.report.process import ReportProcess
    from dl.tracking import tracking

    report = ReportProcess() if caller.report else nullcontext()
    with tracking(loaded, caller.reporter) as track, report as process:
        prepared = prepare(loaded, caller, advise=advise, begun=begun)
        with caller.stopping() as stop, _told_if_it_fails(caller, track) as begin:
            job = None if process is None else ReportJob(process)
            trained = start(prepared, _hooks(prepared, job, stop, begin))
        result = result_of(trained.run)
        if job is not None and job.shown is not None:
            caller.answers(job.shown.facts)
        caller.result(result)
        if job is not None and job.one_answer:
            caller.reporter.warn(f"the model {job.one_answer}")
        failure = _finish(trained, job, lock, caller)
    if failure is not None:
        what = "the pictures, the report or the lite copy could not be made"
        caller.reporter.warn(f"{what}: {failure}")
    return result


@contextmanager
def _told_if_it_fails(
    caller: Caller, track: Callable[[Path], None]
) -> Iterator[Callable[[RunDirectory], None]]:
    """Says what is kept of a run that has begun and does not end well, and what to do with it."""
    begun: list[RunDirectory] = []

    def begin(run: RunDirectory) -> None:
        begun.append(run)
        track(run.path)

    try:
        yield begin
    except DlError as error:
        for run in begun:
            with suppress(RunError):  # even its record could not be written
                result = result_of(run)
                if result.status == "failed":
                    error.after = _what_now(run, result, error)
                caller.result(result)
        raise


def _what_now(run: RunDirectory, result: Result, error: DlError) -> str:
    kept = result.ending.kept if result.ending is not None else None
    weights = "" if kept is None else f", with the weights of epoch {kept:,}"
    steps = [f"why: dl diagnose {run.typed}", f"page: dl report {run.typed}"]
    if not isinstance(error, NumericError):
        steps = [f"more: dl show {run.typed}"]
        if list_checkpoints(run):
            steps.append(f"go on: {run.command_to_resume}")
    return "\n".join(["", f"kept: {run.path}, {plural(result.epochs, 'epoch')}{weights}", *steps])


def _hooks(
    prepared: Prepared,
    job: ReportJob | None,
    stop: Stop,
    begin: Callable[[RunDirectory], None],
) -> Hooks:
    """Returns who looks at a training: what copies and draws it, stops it, and judges it."""
    from dl.report.judging import judgement_of
    from dl.training.workflow import Hooks

    return Hooks(
        on_begin=begin,
        stop_signal=stop,
        on_predictions=None if job is None else job.draw,
        judge=lambda record, history, metrics: judgement_of(
            prepared.config,
            prepared.dataset,
            history,
            metrics,
            record.trivial,
            None if job is None else job.shown,
        ),
    )


def _finish(trained: Trained, job: ReportJob | None, lock: Lock, caller: Caller) -> str | None:
    """Makes what nobody waits for, with the lock of the run; returns what went wrong."""
    from dl.predict.convert import keep_lite

    prepared = trained.prepared
    try:
        with lock(trained.run):
            if job is not None:
                _tell_of(job.write_page(), trained, caller)
            keep_lite(trained.run, trained.model_sha256, prepared.model, prepared.dataset.train.x)
            return None if job is None else job.process.end()
    except (BusyError, RunError) as error:  # somebody goes on with it at once, or has removed it
        return str(error)


def _dataset(loaded: Loaded, reporter: Reporter, engine: str) -> Dataset:
    """Reads the data while a module loads that brings Keras along, unless it needs Keras itself."""

    def read() -> Dataset:
        from dl.data.load import read_dataset  # pandas and pyarrow, while Keras loads

        return read_dataset(loaded, reporter)

    needs_keras = loaded.config.data.source == _KERAS_SOURCE
    dataset = read() if needs_keras else None
    with importing(engine) as load:
        dataset = dataset or read()
        with reporter.stage("Loading Keras"):
            load()
    return dataset


def _advise(loaded: Loaded, dataset: Dataset, reporter: Reporter) -> None:
    from dl.config.rules import placed
    from dl.data.rules import advice_for

    found = placed(loaded, advice_for(loaded.config, dataset))
    for note in found:
        reporter.note(f"advice: {note.path} {note.message} ({note.rule})")
    if found:
        reporter.note(f"the reasons, and what to write: dl lint {loaded.path}")


def _tell_of(findings: Sequence[str], trained: Trained, caller: Caller) -> None:
    """Says that something is worth a look."""
    if findings:
        again = f"what to try: dl diagnose {trained.run.path}"
        caller.reporter.note(f"worth a look: {', '.join(findings)}; {again}")


def _check_source(run: RunDirectory) -> None:
    """Raises `RunError` where what a run has begun from, which it needs again, is gone."""
    start = config_of(run, ()).config.model.start
    if start is not None and not os.path.exists(start.from_):
        hint = "bring it back: the first epoch begins from its weights"
        raise RunError(f"{run.label} has begun from {start.from_}, which is gone", hint=hint)


@contextmanager
def _trained_again(run: RunDirectory) -> Iterator[None]:
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
            hint=f"train it again; in its config, {first.hint or 'change it'}",
        ) from error


def _is_complete(run: RunDirectory, record: RunRecord, loaded: Loaded, caller: Caller) -> bool:
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
    before = config_of(run, ()).config.training
    more = record.ended_by and loaded.config.training.seconds_allowed > before.seconds_allowed
    if record.status != "completed" or wanted > before.epochs or more:
        return False
    for path in (run.history, run.metrics, run.preprocess, run.model):
        try:
            check(path)
        except RunError as error:
            caller.reporter.warn(f"{error}; it is made again from the last checkpoint")
            return False
    if caller.report and not all(path.is_file() for path in run.made_last):
        what = "its pictures, page and lite copy were made: they are made now"
        caller.reporter.note(f"{run.label} ended before {what}")
        return False
    return True
