"""Data on its way to another machine: which files it is, whether they are there, how they travel.

A machine that sees the same files at the same paths, by size and SHA-256, reads them there.
Another one gets them once, as a stream of pieces, into a folder named by what they hold.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

from dl.config.load import Loaded
from dl.config.schema import Config
from dl.errors import DataError
from dl.runs.manifest import file_sha256

PIECE = 32 << 20
"""Bytes of the pieces in which files travel."""

_KEYS = ("path", "validation_path", "test_path")


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


Shipment = tuple[DataFile, ...]
"""All files that a config reads; none where its rows come from elsewhere."""


def shipment_of(config: Config) -> Shipment:
    """Returns the files of a config's data; raises `OSError`."""
    return tuple(
        DataFile(str(path), place, path.stat().st_size, _sha256(path, *_state(path)))
        for key, root in _roots(config).items()
        for path, place in _files(key, root)
    )


def name_of(shipment: Shipment) -> str:
    """Names a shipment by the names and checksums of its files."""
    total = hashlib.sha256()
    for file in shipment:
        total.update(f"{file.place}\0{file.sha256}\n".encode())
    return total.hexdigest()


def is_here(shipment: Shipment) -> bool:
    """Tells whether this machine sees the same files at the same paths."""
    return all(_is_same(Path(file.path), file) for file in shipment)


def pack_files(shipment: Shipment, put: Callable[[bytes], None]) -> None:
    """Hands over the files in pieces; raises `OSError`."""
    with tarfile.open(
        mode="w|", fileobj=cast(IO[bytes], _Pieces(put)), bufsize=PIECE, dereference=True
    ) as archive:
        for file in shipment:
            archive.add(file.path, file.place)


def is_kept(shipment: Shipment, cache: Path) -> bool:
    """Tells whether a cache has the files, whole."""
    return _is_whole(cache / name_of(shipment), shipment)


def unpack_files(shipment: Shipment, pieces: Iterable[bytes], cache: Path) -> None:
    """Keeps files in a cache.

    Args:
        shipment: What they should be.
        pieces: What `pack_files` handed over.
        cache: The folder of all that is kept, each shipment in a folder of its name.

    Raises:
        DataError: They are others by now.
        OSError: They cannot be written.
    """
    folder = cache / name_of(shipment)
    cache.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    try:
        source = cast(IO[bytes], _Joined(iter(pieces)))
        with tarfile.open(mode="r|", fileobj=source, bufsize=PIECE) as archive:
            archive.extractall(temporary, filter="data")
        _put_in_place(temporary, folder, shipment)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def moved(loaded: Loaded, shipment: Shipment, cache: Path) -> Loaded:
    """Returns a config that reads its files in a cache that has them."""
    folder = cache / name_of(shipment)
    places: dict[str, Any] = {
        key: str(folder / key / root.name) for key, root in _roots(loaded.config).items()
    }
    data = replace(loaded.config.data, **places)
    return replace(loaded, config=replace(loaded.config, data=data))


def _put_in_place(temporary: Path, folder: Path, shipment: Shipment) -> None:
    changed = [file for file in shipment if not _is_same(temporary / file.place, file)]
    if changed:
        raise DataError(
            f"{changed[0].path}: has changed since the sweep began",
            expected=f"SHA-256 {changed[0].sha256[:12]}…",
            hint="begin a new sweep",
        )
    if not _is_whole(folder, shipment):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        os.rename(temporary, folder)
    except OSError:
        if not _is_whole(folder, shipment):  # else another process was faster
            raise


def _is_whole(folder: Path, shipment: Shipment) -> bool:
    return all(_is_same(folder / file.place, file) for file in shipment)


class _Pieces:
    """A file to write to that hands over what it gets."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put

    def write(self, content: bytes) -> int:
        self._put(bytes(content))
        return len(content)


class _Joined:
    """A file to read from that is made of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def _roots(config: Config) -> dict[str, Path]:
    named = {key: getattr(config.data, key, None) for key in _KEYS}
    return {key: Path(path) for key, path in named.items() if path}


def _files(key: str, root: Path) -> Iterator[tuple[Path, str]]:
    """Yields the files of a path, and their places; of a folder all but the hidden ones."""
    if not root.is_dir():
        yield root, f"{key}/{root.name}"
        return
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(folder) / name
            yield path, f"{key}/{root.name}/{path.relative_to(root).as_posix()}"


def _is_same(path: Path, file: DataFile) -> bool:
    try:
        return path.stat().st_size == file.size and (_sha256(path, *_state(path)) == file.sha256)
    except OSError:
        return False


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=100_000)
def _sha256(path: Path, size: int, changed: int) -> str:
    """Returns the checksum of a file, which is read again only if it has changed."""
    return file_sha256(path)
