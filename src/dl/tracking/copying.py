"""What is copied of a directory: a run with its epochs, or a sweep with the trials that have ended.

A trial is copied when it has ended, below its sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dl.runs.directory import RunDirectory, numbers
from dl.runs.record import read_record
from dl.runs.sweeps import RECORD, SweepDirectory, trial_name
from dl.tracking.contents import of_run, of_sweep
from dl.tracking.store import Store


def bring(store: Store, path: Path, *, last: bool) -> None:
    """Copies what is new in a directory; the last time with its end.

    Raises:
        Exception: The store does not take it; whatever MLflow raises.
        RunError: A file of the run is damaged.
    """
    if not (path / RECORD).is_file():
        store.bring(path, of_run(RunDirectory(path)), ended=last)
        return
    sweep = SweepDirectory(path)
    store.bring(path, of_sweep(sweep), ended=False)
    for run in _ended_trials(store, sweep):
        store.bring(run.path, of_run(run, is_trial=True), ended=True, parent=path)
    if last:
        store.bring(path, of_sweep(sweep), ended=True)


def _ended_trials(store: Store, sweep: SweepDirectory) -> Iterator[RunDirectory]:
    for trial in numbers(sweep.trials):
        for repeat in numbers(sweep.trials / trial_name(trial)):
            run = sweep.run(trial, repeat)
            if not store.is_complete(run.path) and read_record(run).status != "running":
                yield run
