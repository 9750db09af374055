"""The directory of a run as one thing: it appears whole, numbered and locked, and goes as a whole.

A whole run can also be data, to travel from the machine that trained it.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from dl.errors import BusyError, RunError
from dl.rundir.directory import RunDirectory, SweepDirectory, next_number
from dl.rundir.files import TEMPORARY, disk_errors, is_held, locked, read_regular, take_lock
from dl.rundir.manifest import check, first_manifest, read_manifest
from dl.system import sync

_TRIES = 10
"""Another command may remove the folder between any two calls, but not for ever."""
_ABANDONED_SECONDS = 60
"""A younger folder may belong to a process that has not locked it yet."""
_THERE_ALREADY = (errno.ENOTEMPTY, errno.EEXIST)
"""How a rename onto a folder with files in it fails, by the file system."""


@contextmanager
def create_run(
    root: Path, name: str, files: Mapping[str, bytes], number: int | None = None
) -> Iterator[RunDirectory]:
    """Makes the next run directory of a name, with its first files in it, and holds its lock.

    The directory appears whole or not at all, and no two processes get the same one: it is filled
    under a temporary name, and a rename onto a directory that is not empty fails.

    Args:
        root: The folder of all runs.
        name: The name of the run.
        files: Content of the first files, by file name.
        number: The number that the run must get. Default: the next one.

    Raises:
        BusyError: There is a run of that number.
        DiskError: The directory could not be made.
    """
    run, lock = _create(root / name, files, number)
    try:
        yield run
    finally:
        os.close(lock)


def create_sweep(root: Path, name: str, files: Mapping[str, bytes]) -> SweepDirectory:
    """Makes the next directory of a sweep, with its first files; raises `DiskError`."""
    with create_run(root, name, files) as made:
        return SweepDirectory(made.path)


def clear_abandoned(root: Path) -> None:
    """Removes what processes left below `root` that died while they made or removed a run."""
    for parent in root.iterdir() if root.is_dir() else ():
        _remove_abandoned(parent)


def _create(
    parent: Path, files: Mapping[str, bytes], number: int | None
) -> tuple[RunDirectory, int]:
    with disk_errors(f"making a run in {parent}"):
        temporary, lock = _new_folder(parent), None
        try:
            lock = take_lock(RunDirectory(temporary))
            first = {**files, "manifest.json": first_manifest(files).encode()}
            _write(first, temporary)
            return _publish(temporary, number), lock
        finally:
            if temporary.exists():
                shutil.rmtree(temporary, ignore_errors=True)
                if lock is not None:
                    os.close(lock)


def _new_folder(parent: Path) -> Path:
    """Makes a folder in that of a name, which who removes its last run takes away meanwhile."""
    for _ in range(_TRIES):
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        with suppress(FileNotFoundError):
            return Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
    return Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))


def _publish(temporary: Path, fixed: int | None) -> RunDirectory:
    parent = temporary.parent
    number = next_number(parent) if fixed is None else fixed
    while True:
        path = parent / f"{number:04d}"
        try:
            os.rename(temporary, path)
        except OSError as error:
            if not path.exists():
                if error.errno in _THERE_ALREADY:  # and removed since: its number is free again
                    continue
                raise
            if fixed is not None:
                raise BusyError(f"{path} is there already") from None
            number += 1
            continue
        sync(parent)
        return RunDirectory(path)


def _remove_abandoned(parent: Path) -> None:
    """Removes what a process left that died while it made or removed a run here."""
    for path in parent.glob(f"{TEMPORARY}*"):
        run = RunDirectory(path)
        try:
            old = time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
        except OSError:
            continue
        if old and run.lock.exists() and not is_held(run):
            shutil.rmtree(path, ignore_errors=True)


def pack(run: RunDirectory) -> dict[str, bytes]:
    """Returns the content of a run's files by their names in it; none if there is no run."""
    found = sorted(path for path in run.path.rglob("*") if path.is_file())
    return {path.relative_to(run.path).as_posix(): read_regular(path) for path in found}


def unpack(files: Mapping[str, bytes], run: RunDirectory) -> None:
    """Makes a run of its files: it appears whole, verified and on the disk, or not at all.

    Raises:
        RunError: A file is not what its checksum says, or would lie outside of the run.
        DiskError: A file cannot be written.
    """
    parent = run.path.parent
    with disk_errors(f"making a run in {parent}"):
        parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        try:
            _write(files, temporary)
            for name in read_manifest(RunDirectory(temporary)):
                # One that a failed training has not written is not asked for.
                if (temporary / name).exists():
                    check(temporary / name)
            os.rename(temporary, run.path)
            sync(parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / _inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in files:  # once all are written, so that the system takes them to the disk together
        sync(folder / _inside(name))
    for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        path.chmod(0o755)
        sync(path)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise RunError(f"a file of a run is named {name}", expected="a place inside the run")
    return path


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
        with disk_errors(f"removing {run.path}"):
            trash = tempfile.mkdtemp(prefix=TEMPORARY, dir=parent)
            os.rename(run.path, trash)
            sync(parent)
        shutil.rmtree(trash, ignore_errors=True)
    with suppress(OSError):  # of other runs, or gone with the last one that another removes
        parent.rmdir()
    return True


def drop_arrays(run: RunDirectory) -> None:
    """Removes what takes room in a run: the trained model, its lite copy, the checkpoints."""
    for path in (run.model, run.light, run.light_record):
        path.unlink(missing_ok=True)
    shutil.rmtree(run.checkpoints, ignore_errors=True)


def size_of(path: Path) -> int:
    """Returns the bytes of a file, or of all files below a folder; links are not followed."""
    total = 0
    files = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
    for file in files if path.is_dir() else [path]:
        with suppress(OSError):  # removed meanwhile
            total += os.lstat(file).st_size
    return total
