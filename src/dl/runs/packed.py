"""A whole run as data, to travel from the machine that trained it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dl.errors import RunError
from dl.runs.directory import RunDirectory
from dl.runs.files import TEMPORARY, disk_error, read_regular
from dl.runs.manifest import check, read_manifest
from dl.system import sync


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
    temporary = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        _write(files, temporary)
        _verify(temporary)
        os.rename(temporary, run.path)
        sync(parent)
    except OSError as error:
        raise disk_error(error, f"making a run in {parent}") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        path = folder / _inside(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sync(path)
    for path in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        path.chmod(0o755)
        sync(path)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise RunError(f"a file of a run is named {name}", expected="a place inside of the run")
    return path


def _verify(folder: Path) -> None:
    """Compares the files with their checksums; one that a failed training has not written is not
    asked for."""
    for name in read_manifest(RunDirectory(folder)):
        if (folder / name).exists():
            check(folder / name)
