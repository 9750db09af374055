"""The files that a section `data` names, some of them perhaps in a store of the user's own.

Those of a store, `s3://` or `gs://`, are copied, then read like any other file. A table is read
more than once: how it begins, its rows, its checksum, a row that is to be named. So a file is
copied a block at a time when it is first opened, and what reads it knows nothing of it.
Credentials, region and endpoint are those that pyarrow finds in the environment.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from dl.config.data import PATHS, Data, FilesData, TableFile
from dl.errors import DataError, DiskError, first_line
from dl.system import scratch_folder

STORES = ("s3", "gs")
_URL = re.compile(rf"({'|'.join(STORES)}):/+([^/]+)/*(.*)", re.DOTALL)
_WILDCARDS = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
_BLOCK = 1 << 23
_ASKED_AGAIN = 10
"""Seconds after which the store is asked whether a file is still the same: 20 questions for each
file would take longer than many a table."""
_PATIENCE = 30
"""Seconds that pyarrow tries to reach Google's store; by itself it gives up after 15 minutes."""

_lock = Lock()
_copies: dict[str, tuple[float, tuple[int, int | None], str]] = {}
"""Of each URL: when it was asked about, the size and time of the file then, and its copy."""


class RemoteFile(type(Path())):  # type: ignore[misc]  # the Path of this system
    """A file in a store: `str` is its URL; what opens it, or asks for its size, gets its copy."""

    def __str__(self) -> str:
        return re.sub(":/+", "://", super().__str__(), count=1)

    def __fspath__(self) -> str:
        """Returns the path of the copy; raises `DataError` and `DiskError`."""
        with _lock:
            return _copy_of(str(self))


def remote_files(url: str) -> list[Path] | None:
    """Returns the files that the URL of a store means, sorted; None where it is none.

    Raises:
        DataError: It holds credentials, or the store cannot be reached.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, bucket, key = match.groups()
    if "@" in bucket.removeprefix("anonymous@"):
        raise DataError(
            f"the URL of a file in {scheme}:// holds credentials",
            hint="leave them out: they are taken from the environment",
        )
    wildcard = re.search(r"[*?]", key)
    if wildcard is None:
        return [RemoteFile(url)]
    with _worded(url):
        from pyarrow.fs import FileSelector, FileType

        store, root = _store(scheme, bucket, os.getpid())
        folder = key[: key.rfind("/", 0, wildcard.start()) + 1]
        deep = "/" in key[len(folder) :]
        chosen = FileSelector(f"{root}/{folder}".rstrip("/"), allow_not_found=True, recursive=deep)
        infos = store.get_file_info(chosen)
    pieces = re.findall(r"\*\*/|[*?]|[^*?]+", key)
    pattern = re.compile("".join(_WILDCARDS.get(piece) or re.escape(piece) for piece in pieces))
    keys = [i.path.removeprefix(f"{root}/") for i in infos if i.type == FileType.File]
    found = sorted(filter(pattern.fullmatch, keys))
    return [RemoteFile(f"{scheme}://{bucket}/{name}") for name in found] or [RemoteFile(url)]


@functools.cache
def _store(scheme: str, bucket: str, process: int) -> tuple[Any, str]:
    """Returns the file system of a store and the path of a bucket in it, anew in each process."""
    from pyarrow.fs import FileSystem

    limit = f"?retry_limit_seconds={_PATIENCE}" if scheme == "gs" else ""
    found: tuple[Any, str] = FileSystem.from_uri(f"{scheme}://{bucket}/{limit}")
    return found[0], found[1].rstrip("/")


@contextmanager
def _worded(url: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, NotImplementedError) as error:  # those of Arrow are such, too
        raise DataError(
            f"{url}: cannot be read from its store",
            found=first_line(error)[:200],
            hint="check the network, the name, and the credentials in the environment",
        ) from error


def _copy_of(url: str) -> str:
    """Returns the copy of a file, a new one if there is none or if the file has changed."""
    asked, known, copy = _copies.get(url, (0.0, (-1, None), ""))
    if copy and time.monotonic() - asked < _ASKED_AGAIN:
        return copy
    scheme, bucket, key = _URL.fullmatch(url).groups()  # type: ignore[union-attr]
    with _worded(url):
        from pyarrow.fs import FileType

        store, root = _store(scheme, bucket, os.getpid())
        info = store.get_file_info(f"{root}/{key}")
    if info.type == FileType.Directory:
        raise DataError(f"{url}: is a folder", hint=f"name its files by a pattern: {url}/*")
    if info.type != FileType.File:
        none = "no file fits this pattern" if re.search(r"[*?]", key) else "there is no such file"
        raise DataError(f"{url}: {none}")
    state = info.size, info.mtime_ns
    if state != known:
        copy = _copied(url, store, info)
    _copies[url] = time.monotonic(), state, copy
    return copy


@functools.cache
def _folder(process: int) -> str:
    """Returns the folder of the copies of a process, a trial's too, which goes with it."""
    from multiprocessing.util import Finalize

    folder = tempfile.mkdtemp(prefix="dl-", dir=scratch_folder())
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=0)
    return folder


def _copied(url: str, store: Any, info: Any) -> str:
    """Copies a file under its own name: its ending tells what it is."""
    try:
        place = Path(tempfile.mkdtemp(dir=_folder(os.getpid())), info.base_name)
        with place.open("wb") as copy:
            for block in _blocks(url, store, info):
                copy.write(block)
    except OSError as error:
        raise DiskError(
            f"{scratch_folder()}: cannot hold a copy of {url}: {error.strerror or error}",
            hint="free some space, or set TMPDIR to a folder on another disk",
        ) from error
    return str(place)


def _blocks(url: str, store: Any, info: Any) -> Iterator[bytes]:
    size = 0
    with _worded(url), store.open_input_stream(info.path, compression=None) as stream:
        while block := stream.read(_BLOCK):
            yield block
            size += len(block)
        if size != info.size:
            raise OSError(f"it ended after {size} of {info.size} bytes")


def own_files(data: Data | FilesData, folder: str | Path = "") -> dict[str, list[Path]]:
    """Returns the files, or the folder of pictures, of each key that names some.

    Args:
        data: The section.
        folder: Where relative paths start.
    """
    found: dict[str, list[Path]] = {}
    for name in PATHS:
        named = getattr(data, name, None) or ()
        paths = [os.path.join(folder, at) for at in ((named,) if isinstance(named, str) else named)]
        if paths and isinstance(data, TableFile):
            found[name] = [file for path in paths for file in files_at(path, data.remote)]
        elif paths:
            found[name] = [Path(path) for path in paths]
    return found


def own_paths(data: Data | FilesData) -> list[Path]:
    """Returns the files and folders that a section names; none for data that comes by a name."""
    return [path for paths in own_files(data).values() for path in paths]


def files_at(path: str, remote: bool = False) -> list[Path]:
    """Returns the files of a table that a path means, sorted: its own, a folder's or a pattern's.

    Of a folder, files whose names begin with a dot or a `_` are left out. Where there are none, it
    is the path itself.

    Args:
        path: The path.
        remote: Whether it may be the URL of a store.
    """
    if remote and (files := remote_files(path)):
        return files
    found: list[str] = []
    if os.path.isdir(path):
        with contextlib.suppress(OSError):
            names = (name for name in os.listdir(path) if not name.startswith((".", "_")))
            found = [os.path.join(path, name) for name in names]
    elif not os.path.exists(path) and any(character in path for character in "*?["):
        found = glob.glob(path, recursive=True)
    return [Path(file) for file in sorted(found) if os.path.isfile(file)] or [Path(path)]
