"""`checkpoint/`: what an exact resume needs, one file for each of the last epochs.

A file is a line that says what it is, the length of a JSON header, the header, the bytes of all
arrays, and the SHA-256 of all that. What the header and the arrays mean is the trainer's business.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import TEMPORARY, disk_error, published, read_regular
from dl.rundir.typed import Count, Keys, MisfitError, parse_as

KEPT = 2
"""Checkpoints that are kept: where the newest is damaged, the one before serves."""

_MAGIC = b"dl checkpoint 1\n"
_LENGTH = 8
_DIGEST = 32
_Header = Annotated[
    dict[str, Any],
    Keys({"history": list[dict[str, float]], "sizes": list[Count]}, required=True),
]
_NAME = re.compile(r"epoch-(\d+)\.checkpoint")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The content of a checkpoint.

    Attributes:
        header: Plain data.
        blobs: The bytes of each array.
    """

    header: Mapping[str, Any]
    blobs: Sequence[memoryview]


def write_checkpoint(
    run: RunDirectory, epoch: int, header: Mapping[str, Any], blobs: Sequence[memoryview]
) -> None:
    """Writes the checkpoint of an epoch (1-based) durably, and removes the ones before the last.

    Raises:
        DiskError: It could not be written; the ones before are untouched.
    """
    try:
        run.checkpoints.mkdir(exist_ok=True)
    except OSError as error:
        raise disk_error(error, f"making {run.checkpoints}") from error
    with published(_path(run, epoch)) as temporary:
        _write(temporary, {**header, "sizes": [blob.nbytes for blob in blobs]}, blobs)
    for _, path in list_checkpoints(run)[KEPT:]:
        path.unlink(missing_ok=True)


def list_checkpoints(run: RunDirectory) -> list[tuple[int, Path]]:
    """Returns epoch and path of each checkpoint, the newest first."""
    try:
        paths = list(run.checkpoints.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(match, path) for path in paths if (match := _named(path))]
    return sorted(((int(match[1]), path) for match, path in found), reverse=True)


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        RunError: It is missing, torn or altered.
    """
    try:
        content = memoryview(read_regular(path))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    body = content[:-_DIGEST]
    start = len(_MAGIC) + _LENGTH
    whole = hashlib.sha256(body).digest() == content[-_DIGEST:]
    if not whole or body[: len(_MAGIC)] != _MAGIC:
        raise RunError(f"{path} is damaged")
    end = start + int.from_bytes(body[len(_MAGIC) : start], "little")
    try:
        header = parse_as(_Header, bytes(body[start:end]))
    except MisfitError as error:
        raise RunError(f"{path} is damaged: {error}") from error
    return Checkpoint(header, _cut(body[end:], header["sizes"]))


def remove_leftovers(run: RunDirectory) -> None:
    """Removes the unfinished files of a process that died; the caller holds the run's lock."""
    for folder in (run.path, run.checkpoints):
        for path in folder.glob(f"{TEMPORARY}*"):
            path.unlink(missing_ok=True)


def _write(path: Path, header: Mapping[str, Any], blobs: Sequence[memoryview]) -> None:
    text = json.dumps(header).encode()
    digest = hashlib.sha256()
    with path.open("wb") as file:
        pieces: list[bytes | memoryview] = [_MAGIC, len(text).to_bytes(_LENGTH, "little"), text]
        for piece in [*pieces, *blobs]:
            digest.update(piece)
            file.write(piece)
        file.write(digest.digest())


def _cut(content: memoryview, sizes: Sequence[int]) -> list[memoryview]:
    blobs, begin = [], 0
    for size in sizes:
        blobs.append(content[begin : begin + size])
        begin += size
    return blobs


def _path(run: RunDirectory, epoch: int) -> Path:
    return run.checkpoints / f"epoch-{epoch:06d}.checkpoint"


def _named(path: Path) -> re.Match[str] | None:
    return _NAME.fullmatch(path.name)
