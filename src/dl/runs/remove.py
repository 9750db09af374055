"""Removing runs: one is gone whole, or it is as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from dl.runs.directory import RunDirectory
from dl.runs.files import TEMPORARY, disk_error, sync
from dl.runs.lock import locked


def remove_run(run: RunDirectory) -> None:
    """Removes the directory of a run, and the folder of its name if that was the last one.

    A rename takes the run away at once, to a name under which it is cleared away later where the
    deletion of its files is cut off.

    Raises:
        BusyError: A process works on it.
        DiskError: It could not be removed.
    """
    parent = run.path.parent
    with locked(run):
        try:
            trash = tempfile.mkdtemp(prefix=TEMPORARY, dir=parent)
            os.rename(run.path, trash)
            sync(parent)
        except OSError as error:
            raise disk_error(error, f"removing {run.path}") from error
        shutil.rmtree(trash, ignore_errors=True)
    if not any(parent.iterdir()):
        parent.rmdir()


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder; links are not followed."""
    if not path.is_dir():
        return path.lstat().st_size
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:  # removed meanwhile
                continue
    return total
