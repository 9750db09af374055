"""Runs that were never trained, for tests that look at many."""

from __future__ import annotations

import json
from pathlib import Path

from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.rundir.record import Process, RunRecord, Status

RESOLVED = "name: {name}\ntraining: {{batch_size: {batch}, epochs: 3}}\n"


def make_run(
    root: Path,
    name: str = "digits",
    *,
    status: Status = "completed",
    accuracy: float | None = 0.9,
    minute: int = 0,
    batch: int = 32,
) -> RunDirectory:
    """Makes a run that ended `minute` minutes after midnight."""
    record = RunRecord(
        name=name,
        status=status,
        started=f"2026-01-02T00:{minute:02d}:00+00:00",
        process=Process.current(),
        seed=7,
        command=("dl", "train", f"{name}.yaml"),
        fingerprint="ab" * 32,
        seconds=2.5,
        epochs=3,
    )
    files = {
        "run.json": record.text().encode(),
        "resolved.yaml": RESOLVED.format(name=name, batch=batch).encode(),
    }
    if accuracy is not None:
        metrics = {"train": {"loss": 0.1}, "test": {"loss": 0.5, "accuracy": accuracy}}
        files["metrics.json"] = json.dumps(metrics).encode()
    with create_run(root, name, files) as run:
        return run
