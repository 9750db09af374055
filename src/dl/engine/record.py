"""What is written of a run before its training begins and when it has ended."""

from __future__ import annotations

import time
from dataclasses import replace

from dl.config.resolve import resolved_text
from dl.engine.environment import machine, versions
from dl.engine.prepare import Prepared
from dl.errors import Interrupted
from dl.runs.directory import RunDirectory
from dl.runs.process import Process
from dl.runs.provenance import git_commit, now
from dl.runs.record import RunRecord, Status, write_record


def first_record(prepared: Prepared, command: tuple[str, ...]) -> RunRecord:
    """Returns what is known of a run before its first epoch."""
    return RunRecord(
        name=prepared.config.name,
        status="running",
        started=now(),
        process=Process.current(),
        seed=prepared.config.seed,
        command=command,
        fingerprint=prepared.dataset.preprocessing.fingerprint,
        versions=versions(),
        machine=machine(),
        engine={
            **prepared.strategy.document(),
            **prepared.dataset.storage.document(),
        },
        data=prepared.dataset.sizes(),
        git_commit=git_commit(prepared.loaded.folder),
    )


def first_files(prepared: Prepared, record: RunRecord) -> dict[str, bytes]:
    """Returns the files that a run directory is made with, by name."""
    loaded = prepared.loaded
    files = {
        "config.yaml": loaded.text,
        "resolved.yaml": resolved_text(prepared.config).encode(),
        "preprocess.json": prepared.dataset.preprocessing.text().encode(),
        "run.json": record.text().encode(),
    }
    if loaded.overrides:
        files["overrides.txt"] = "".join(f"{item}\n" for item in loaded.overrides).encode()
    return files


def close_record(
    run: RunDirectory,
    record: RunRecord,
    status: Status,
    started: float,
    epochs: int,
    error: BaseException | None,
) -> float:
    """Writes how a run ended, and after how many epochs; returns its duration in seconds."""
    seconds = round(time.perf_counter() - started, 3)
    ended = replace(
        record,
        status=status,
        finished=now(),
        seconds=seconds,
        epochs=epochs,
        error=str(error) if error else None,
    )
    write_record(run, ended)
    return seconds


def status_of(error: BaseException) -> Status:
    """Returns the status of a run that an error ended."""
    stopped = isinstance(error, Interrupted | KeyboardInterrupt)
    return "interrupted" if stopped else "failed"
