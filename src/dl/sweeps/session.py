"""A session of a sweep: its directory made or found again, locked, worked on and closed."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from dl.config.load import load_config
from dl.errors import BusyError, DlError, Interrupted, RunError, UsageError, error_class
from dl.imports import importing
from dl.progress import Reporter
from dl.rundir.directory import SweepDirectory, sweeps_of, trial_name
from dl.rundir.files import take_lock
from dl.rundir.folders import create_sweep
from dl.rundir.record import now
from dl.sweeps.definition import Sweep
from dl.sweeps.journal import OwnJournal
from dl.sweeps.parameters import choose
from dl.sweeps.pools import EpochDone, Key, PoolClient, Result, Row, Setup, Task, TaskEnded
from dl.sweeps.results import (
    Results,
    SweepRecord,
    changes,
    read_sweep_record,
    write_record,
)
from dl.sweeps.watching import Watcher
from dl.system import HAS_SERVERS, processors
from dl.text import plural

_PATIENCE = 10.0
"""Seconds that the processes of a killed session may take to notice it."""
_TICK = 0.5
"""Seconds to wait for an event of a pool at a time."""
_SHORT = 2
"""Epochs of a training from which the others are estimated: the first of them compiles."""
_MOST_NAMED = 10
"""Trainings that a line names, so that it stays one."""
_HERE, _ON_RAY = "dl.sweeps.pools.processes", "dl.sweeps.pools.ray"
_LOOP, _WEIGHING, _PLOTS = "dl.sweeps.loop", "dl.sweeps.importance", "dl.report.sweep"
"""Take a second to import, which is done while the server starts, and has use for one core."""


@dataclass(frozen=True, slots=True)
class Job:
    """How a sweep is carried out.

    Attributes:
        root: The folder of all runs.
        command: The command line, for the record.
        on: Where the trials are trained: `local`, or `ray`.
        address: Of the Ray cluster, if one is named.
        resume: Whether to go on with the newest sweep of the name.
    """

    root: Path
    command: tuple[str, ...]
    on: str = "local"
    address: str | None = None
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sweep will take, if its settings are like the first one.

    Attributes:
        seconds: Of the whole, with its jobs at the same time.
        training: Seconds of one training.
        memory: Megabytes of the processes that train.
        disk: Megabytes of what is left.
        jobs: Trainings at the same time.
    """

    seconds: float
    training: float
    memory: float
    disk: float
    jobs: int


def check_place(job: Job) -> None:
    """Raises `UsageError` where trials cannot be trained there; Ray itself is loaded later."""
    if job.address is not None and job.on != "ray":
        hint = f"add --on ray --address {job.address}"
        raise UsageError("--address goes with --on ray", hint=hint)
    if not HAS_SERVERS:
        raise UsageError(
            "a sweep needs processes that share a socket, which this system does not have",
            hint="on Windows, run dl in WSL 2; dl train trains one setting",
        )
    if job.on == "ray" and importlib.util.find_spec("ray") is None:
        raise UsageError("Ray is not installed", hint='pip install "dl-keras[ray]"')


@contextmanager
def open_pool(sweep: Sweep, job: Job, log: Path, lock: int | None = None) -> Iterator[PoolClient]:
    """Starts the processes that have the trials of a sweep trained, and ends them.

    Args:
        sweep: What is swept.
        job: Where the trials are trained.
        log: The file for what the libraries say.
        lock: The open file that holds the lock of the sweep's directory.
    """
    jobs, resources = sweep.file.jobs, sweep.file.resources
    threads = resources.cpus or 1
    if job.on == "local":
        jobs = jobs or max(1, processors() // threads)
        threads = resources.cpus or max(1, processors() // jobs)
    repeats = range(1, sweep.plan.runs + 1)
    variants = tuple(sweep.overrides(repeat) for repeat in repeats)
    setup = Setup(sweep.base.path, variants, threads, jobs, resources.gpus, job.address)
    pool = PoolClient(_HERE if job.on == "local" else _ON_RAY, setup, log, lock)
    try:
        yield pool
    finally:
        pool.close()


def run_sweep(
    sweep: Sweep,
    job: Job,
    reporter: Reporter,
    watching: Callable[[], AbstractContextManager[Watcher]] = lambda: nullcontext(Watcher()),
    begun: Callable[[Path], None] = lambda path: None,
) -> Results:
    """Trains the trials of a new sweep, or goes on with the newest one of its name.

    Args:
        sweep: What is swept.
        job: Where its directory is, and its trials are trained.
        reporter: Is told what takes a while before the first trial.
        watching: Opens who looks on, and may end it, for as long as processes train.
        begun: Is given the path of the directory, once it is there.

    Raises:
        Interrupted: The watcher's signal ended it; finished trials are kept.
        RunError: There is none to go on with, or the pool is gone.
        UsageError: It was started with other settings, or cannot be trained there.
        BusyError: Another process works on it.
        DiskError: A file cannot be written.
    """
    check_place(job)
    with _session(sweep, job) as (directory, lock, record):
        begun(directory.path)
        started = time.monotonic()
        with (
            watching() as watcher,
            open_pool(sweep, job, directory.log, lock) as pool,
            importing(_LOOP) as looping,
            importing(_WEIGHING) as weighing,
            importing(_PLOTS) as plots,
        ):
            local = job.on == "local"
            with reporter.stage("Loading Keras and the data" if local else "Connecting to Ray"):
                record = replace(record, baseline=dict(pool.ready()))
            journal = OwnJournal(directory.journal)
            if journal.again:
                reporter.note(again_text(journal.again))
            loop = looping().Loop(sweep, directory, journal, pool, watcher)
            try:
                loop.run()
            finally:
                seconds = round(record.seconds + time.monotonic() - started, 3)
                record = replace(record, status=loop.status, seconds=seconds, finished=now())
                results = Results.of(directory, record, journal)
                results.write_leaderboard()
                write_record(directory, record)
            number = watcher.stop_signal()
        if number is not None:
            raise Interrupted(
                f"interrupted after {plural(len(journal.ended), 'training')}",
                signal_number=number,
                hint="to continue: the same command with --resume",
            )
        directory.plots.mkdir(exist_ok=True)
        shares = weighing().importance(results.scored, sweep.parameters, sweep.plan.goal.maximize)
        record = replace(record, importance=dict(shares))
        write_record(directory, record)
        results = replace(results, record=record)
        plots().draw_sweep(directory.plots, results)
        return results


def again_text(keys: Sequence[Key]) -> str:
    """Says which trainings failed for want of memory, disk or their process, and begin anew."""
    named = ", ".join(f"{trial}.{repeat}" for trial, repeat in keys[:_MOST_NAMED])
    more = ", …" if len(keys) > _MOST_NAMED else ""
    count = plural(len(keys), "training")
    return f"done again, as memory, disk or a process failed: {count}, {named}{more}"


@contextmanager
def _session(sweep: Sweep, job: Job) -> Iterator[tuple[SweepDirectory, int, SweepRecord]]:
    """Makes the directory of a sweep, or finds that of the newest one, and holds its lock."""
    record = sweep.first_record(job.command)
    if job.resume:
        found = list(sweeps_of(job.root, sweep.name))
        if not found:
            message = f"there is no sweep named {sweep.name} in {job.root}"
            raise RunError(message, hint="leave out --resume")
        directory = found[-1]
    else:
        content = record.text().encode()
        files = {"sweep.yaml": sweep.text, "base.yaml": sweep.base.text, "sweep.json": content}
        directory = create_sweep(job.root, sweep.name, files)
    lock = _lock(directory)
    try:
        if job.resume:
            record = _continued(directory, record)
        write_record(directory, record)
        yield directory, lock, record
    except DlError:
        if not job.resume:
            _remove_if_nothing_began(directory)
        raise
    finally:
        os.close(lock)


def _continued(directory: SweepDirectory, record: SweepRecord) -> SweepRecord:
    before = read_sweep_record(directory)
    different = changes(before, record)
    if different:
        raise UsageError(
            f"{directory.label} was started with other settings",
            found=f"another value of {', '.join(different)}",
            hint="leave out --resume to start a new sweep; trials, jobs, resources, keep, "
            "time_limit, lint and tracking may change",
        )
    return replace(record, started=before.started, seconds=before.seconds, baseline=before.baseline)


def _lock(directory: SweepDirectory) -> int:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            return take_lock(directory.directory)
        except BusyError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _remove_if_nothing_began(directory: SweepDirectory) -> None:
    """Leaves nothing of a sweep that could not be begun, unless its log says why."""
    said = directory.log.is_file() and directory.log.stat().st_size
    if not said and not directory.journal.exists():
        shutil.rmtree(directory.path, ignore_errors=True)
        with contextlib.suppress(OSError):  # of other sweeps
            directory.path.parent.rmdir()


def estimate(sweep: Sweep, job: Job) -> Estimate:
    """Trains the first setting for two epochs, and estimates from that what a sweep will take.

    It trains them twice, and the second time counts: a worker pays for getting warm only once.

    Raises:
        DlError: It cannot be trained.
    """
    if sweep.listed:
        first = sweep.listed[0]
    else:
        first = choose(sweep.parameters, lambda parameter: parameter.ends[0])
    overrides = sweep.overrides(1, first)
    training = load_config(sweep.base.path, overrides).config.training
    lengths = [phase.epochs for phase in training.phases] or [training.epochs]
    keys = [f"training.phases.{index}.epochs" for index in range(len(training.phases))]
    short = [f"{key}={_SHORT}" for key in keys or ["training.epochs"]]
    with tempfile.TemporaryDirectory(prefix="dl-sweep-") as name:
        folder = Path(name)
        with open_pool(sweep, job, folder / "workers.log") as pool:
            pool.ready()
            for repeat in (1, 2):
                task = Task(1, repeat, sweep.base.path, (*overrides, *short), folder)
                rows, result = _trained(pool, task)
        made = [path for path in (folder / trial_name(1) / "0001").rglob("*") if path.is_file()]
        sizes = {path: path.stat().st_size for path in made}
    last = {row.get("phase", 1): row["seconds"] for row in rows}
    epochs = sum(length * last.get(phase, 0.0) for phase, length in enumerate(lengths, start=1))
    each = result.seconds - sum(row["seconds"] for row in rows) + epochs
    count = sweep.size * sweep.plan.runs
    jobs = min(pool.jobs, count)
    texts = (".csv", ".json", ".yaml")
    small = sum(size for path, size in sizes.items() if path.suffix in texts)
    kept = min(sweep.file.keep, sweep.size) * sweep.plan.runs
    return Estimate(
        seconds=count * each / jobs,
        training=each,
        memory=jobs * result.memory,
        disk=(count * small + kept * (sum(sizes.values()) - small)) / 1e6,
        jobs=pool.jobs,
    )


def _trained(pool: PoolClient, task: Task) -> tuple[list[Row], Result]:
    """Has a task done; returns its history and its result, which is not a failure."""
    pool.submit(task)
    rows: list[Row] = []
    while True:
        for event in pool.events(_TICK):
            if isinstance(event, EpochDone):
                rows.append(event.row)
            elif isinstance(event, TaskEnded):
                result = event.result
                if result.status != "completed":
                    message = f"the first setting cannot be trained: {result.error}"
                    raise error_class(result.code)(message)
                return rows, result
