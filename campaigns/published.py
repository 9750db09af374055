"""Compares what a run has published with its checksums, and with another run."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

from dl.rundir.directory import RunDirectory, numbers
from dl.rundir.manifest import check, list_checkpoints, read_checkpoint, read_manifest
from dl.rundir.record import read_record

_COUNTED = re.compile(r"\b(seed_generator|variable)_\d+")
"""Names that Keras counts through the whole process."""


def verify(run: RunDirectory) -> None:
    """Compares every published file of a run with its checksum, and reads every checkpoint.

    Raises:
        RunError: A file is not what was published.
    """
    read_record(run)
    for name in read_manifest(run):
        if (run.path / name).exists():  # its name can follow its checksum
            check(run.path / name)
    for _, path in list_checkpoints(run):
        read_checkpoint(path)


def runs_of(root: Path, name: str) -> list[RunDirectory]:
    """Returns the runs of a name, the oldest first."""
    return [RunDirectory(root / name / f"{number:04d}") for number in numbers(root / name)]


def unequal(run: RunDirectory, whole: RunDirectory) -> list[str]:
    """Says in what a finished run differs from another, bit for bit."""
    kinds: dict[str, Callable[[RunDirectory], object]] = {
        "status": lambda run: read_record(run).status,
        "history": rows,
        "model.h5": lambda run: run.model.read_bytes(),
        "metrics": lambda run: run.metrics.read_bytes(),
        "optimizer and callbacks": last_state,
    }
    return [name for name, value in kinds.items() if value(run) != value(whole)]


def rows(run: RunDirectory) -> list[list[str]]:
    """Returns the history without the seconds."""
    with run.history.open() as file:
        return [row[:-1] for row in csv.reader(file)]


def last_state(run: RunDirectory) -> tuple[str, list[bytes]]:
    """Returns what the last checkpoint holds, the seconds of the history aside."""
    checkpoint = read_checkpoint(list_checkpoints(run)[0][1])
    parts = json.dumps(checkpoint.header["parts"])
    return _COUNTED.sub(r"\1", parts), [bytes(blob) for blob in checkpoint.blobs]
