"""The transfer of data to another machine: which files it is, whether they are there, their bytes.

A machine that sees the same files at the same paths, by size and SHA-256, reads them there.
Another one gets them once, as a stream of pieces, into a folder named by what they hold.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dl.config.data import TableFile
from dl.config.files import own_files
from dl.config.load import Loaded
from dl.config.schema import Config
from dl.errors import DataError
from dl.rundir.manifest import file_sha256

PIECE = 32 << 20
"""Bytes of the pieces in which files travel: many small files go in one of them."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of a config's data.

    Attributes:
        path: Where it is on the machine of the config.
        place: Where it is in the folder of a machine that got it.
        size: Its bytes.
        sha256: Their checksum.
    """

    path: str
    place: str
    size: int
    sha256: str


DataFiles = tuple[DataFile, ...]
"""All files that a config reads; none where its rows come from elsewhere."""


def data_files(config: Config) -> DataFiles:
    """Returns the files of a config's data; raises `OSError`."""
    return tuple(
        DataFile(str(path), place, path.stat().st_size, _sha256(path))
        for key, roots in own_files(config.data).items()
        for root, where in zip(roots, _places(key, roots), strict=True)
        for path, place in _files(where, root)
    )


def _places(key: str, roots: Sequence[Path]) -> list[str]:
    """Returns where files or folders stand below that of their key; several may have one name."""
    several = len(roots) > 1
    return [
        f"{key}/{place}/{root.name}" if several else f"{key}/{root.name}"
        for place, root in enumerate(roots)
    ]


def _files(place: str, root: Path) -> Iterator[tuple[Path, str]]:
    """Yields the files of a path, and their places; of a folder all but the hidden ones."""
    if not root.is_dir():
        yield root, place
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(folder) / name
            yield path, f"{place}/{path.relative_to(root).as_posix()}"


def name_of(files: DataFiles) -> str:
    """Names files by their places and checksums."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.place}\0{file.sha256}\n".encode())
    return total.hexdigest()


def are_here(files: DataFiles) -> bool:
    """Tells whether this machine sees the same files at the same paths."""
    return all(_is_same(Path(file.path), file) for file in files)


def are_kept(files: DataFiles, cache: Path) -> bool:
    """Tells whether a cache has the files, whole."""
    folder = cache / name_of(files)
    return all(_is_same(folder / file.place, file) for file in files)


def send_files(files: DataFiles, put: Callable[[bytes], None]) -> None:
    """Hands over the bytes of all files, one behind the other, in pieces; raises `OSError`."""
    piece = bytearray()
    for file in files:
        with open(file.path, "rb") as stream:
            left = file.size
            while left:
                size = min(left, PIECE - len(piece))
                # A file that is shorter by now is filled up: its checksum will tell.
                piece += stream.read(size).ljust(size, b"\0")
                left -= size
                if len(piece) == PIECE:
                    put(bytes(piece))
                    piece.clear()
    if piece:
        put(bytes(piece))


def receive_files(files: DataFiles, pieces: Iterable[bytes], cache: Path) -> None:
    """Keeps files in a cache.

    Args:
        files: What they should be.
        pieces: What `send_files` handed over.
        cache: The folder of all that is kept, the files of each config in a folder of their name.

    Raises:
        DataError: They are others by now.
        OSError: They cannot be written.
    """
    folder = cache / name_of(files)
    cache.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    try:
        _write(files, iter(pieces), temporary)
        for file in files:
            if not _is_same(temporary / file.place, file):
                raise DataError(
                    f"{file.path}: has changed since the sweep began",
                    expected=f"SHA-256 {file.sha256[:12]}…",
                    hint="start a new sweep",
                )
        if not are_kept(files, cache):
            shutil.rmtree(folder, ignore_errors=True)
        try:
            os.rename(temporary, folder)
        except OSError:
            if not are_kept(files, cache):  # else another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(files: DataFiles, pieces: Iterator[bytes], folder: Path) -> None:
    rest = b""
    for file in files:
        path = folder / file.place
        path.parent.mkdir(parents=True, exist_ok=True)
        left = file.size
        with path.open("wb") as stream:
            while left and (rest := rest or next(pieces, b"")):
                stream.write(rest[:left])
                left, rest = left - len(rest[:left]), rest[left:]


def relocated(loaded: Loaded, files: DataFiles, cache: Path) -> Loaded:
    """Returns a config that reads its files in a cache that has them."""
    folder = cache / name_of(files)
    places: dict[str, Any] = {}
    data = loaded.config.data
    for key, roots in own_files(data).items():
        at = [str(folder / file.place) for file in files if file.place.startswith(f"{key}/")]
        if not isinstance(data, TableFile) or len(at) == 1:
            places[key] = str(folder / key / roots[0].name)
        else:  # a pattern means nothing where its files are not
            places[key] = tuple(at)
    data = replace(data, **places)
    return replace(loaded, config=replace(loaded.config, data=data))


def _is_same(path: Path, file: DataFile) -> bool:
    try:
        return path.stat().st_size == file.size and _sha256(path) == file.sha256
    except OSError:
        return False


def _sha256(path: Path) -> str:
    status = path.stat()
    return _sha256_of(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=100_000)
def _sha256_of(path: Path, size: int, changed: int) -> str:
    """Returns the checksum of a file, which is read again only if it has changed."""
    return file_sha256(path)
