"""Compares what a run has published with its checksums."""

from __future__ import annotations

from dl.runs.checkpoints import list_checkpoints, read_checkpoint
from dl.runs.directory import RunDirectory
from dl.runs.manifest import check, read_manifest
from dl.runs.record import read_record


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
