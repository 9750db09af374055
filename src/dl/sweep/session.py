"""A session of a sweep: its directory made or found again, locked, worked on and closed."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from dl.errors import BusyError, DlError, RunError, UsageError
from dl.runs.lock import take_lock
from dl.runs.provenance import now
from dl.runs.sweeps import SweepDirectory, create_sweep, sweeps_of
from dl.sweep.definition.load import Sweep
from dl.sweep.results.journal import Journal
from dl.sweep.results.leaderboard import write_leaderboard
from dl.sweep.results.reading import Results, results_of
from dl.sweep.results.record import (
    Status,
    SweepRecord,
    changes,
    first_sweep_record,
    read_sweep_record,
    write_sweep_record,
)

_PATIENCE = 10.0
"""Seconds that the processes of a killed session may take to notice it."""


@dataclass(frozen=True, slots=True)
class Session:
    """A sweep that this process works on.

    Attributes:
        directory: Where it is.
        lock: The open file that holds its lock.
        record: Its record when the session began.
        started: When that was, by `time.monotonic`.
    """

    directory: SweepDirectory
    lock: int
    record: SweepRecord
    started: float

    def close(self, status: Status, baseline: Mapping[str, float], journal: Journal) -> Results:
        """Writes the leaderboard and how the session ended; returns what has come of it."""
        seconds = self.record.seconds + time.monotonic() - self.started
        closed = replace(
            self.record,
            status=status,
            baseline=dict(baseline),
            seconds=round(seconds, 3),
            finished=now(),
        )
        results = results_of(self.directory, closed, journal)
        write_leaderboard(self.directory, closed.terms, results.lines)
        write_sweep_record(self.directory, closed)
        return results


@contextmanager
def session(
    sweep: Sweep, root: Path, command: tuple[str, ...], *, resume: bool
) -> Iterator[Session]:
    """Begins a sweep, or goes on with the newest one of its name, and holds its lock.

    Raises:
        RunError: There is none to go on with.
        UsageError: It was begun with other settings.
        BusyError: Another process works on it.
        DiskError: Its directory cannot be made.
    """
    record = first_sweep_record(sweep, command)
    directory = _found(sweep, root) if resume else _made(sweep, root, record)
    lock = _lock(directory)
    try:
        if resume:
            record = _continued(directory, record)
        write_sweep_record(directory, record)
        yield Session(directory, lock, record, time.monotonic())
    except DlError:
        if not resume:
            _remove_if_nothing_began(directory)
        raise
    finally:
        os.close(lock)


def _made(sweep: Sweep, root: Path, record: SweepRecord) -> SweepDirectory:
    files = {
        "sweep.yaml": sweep.text,
        "base.yaml": sweep.base.text,
        "sweep.json": record.text().encode(),
    }
    return create_sweep(root, sweep.name, files)


def _remove_if_nothing_began(directory: SweepDirectory) -> None:
    """Leaves nothing of a sweep that could not be begun, unless its log says why."""
    said = directory.log.is_file() and directory.log.stat().st_size
    if not said and not directory.journal.exists():
        shutil.rmtree(directory.path, ignore_errors=True)
        with contextlib.suppress(OSError):  # of other sweeps
            directory.path.parent.rmdir()


def _found(sweep: Sweep, root: Path) -> SweepDirectory:
    found = list(sweeps_of(root, sweep.name))
    if not found:
        raise RunError(f"there is no sweep named {sweep.name} in {root}", hint="leave out --resume")
    return found[-1]


def _continued(directory: SweepDirectory, record: SweepRecord) -> SweepRecord:
    before = read_sweep_record(directory)
    different = changes(before, record)
    if different:
        raise UsageError(
            f"{directory.label} was begun with other settings",
            found=f"another value of {', '.join(different)}",
            hint="leave out --resume to begin a new sweep; trials, jobs, resources, keep, "
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
