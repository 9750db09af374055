"""Removing runs: one is gone whole, or it is as it was."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dl.runs.directory import RunDirectory
from dl.runs.files import TEMPORARY, disk_error
from dl.runs.lock import locked
from dl.system import sync


def remove_run(run: RunDirectory, still: Callable[[], bool] = lambda: True) -> bool:
    """Removes the directory of a run, and the folder of its name if that was the last one.

    A rename takes the run away at once, to a name under which it is cleared away later where the
    deletion of its files is cut off.

    Args:
        run: The run.
        still: Whether it is still to be removed; asked when nobody can change it any more.

    Returns:
        Whether it was removed.

    Raises:
        BusyError: A process works on it.
        RunError: It is gone already.
        DiskError: It could not be removed.
    """
    parent = run.path.parent
    with locked(run):
        if not still():
            return False
        try:
            trash = tempfile.mkdtemp(prefix=TEMPORARY, dir=parent)
            os.rename(run.path, trash)
            sync(parent)
        except OSError as error:
            raise disk_error(error, f"removing {run.path}") from error
        shutil.rmtree(trash, ignore_errors=True)
    with suppress(OSError):  # of other runs, or gone with the last one that another removes
        parent.rmdir()
    return True


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder; links are not followed."""
    total = 0
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    for file in files if path.is_dir() else [path]:
        with suppress(OSError):  # removed meanwhile
            total += os.lstat(file).st_size
    return total
