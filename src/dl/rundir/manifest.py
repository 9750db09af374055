"""`manifest.json` and `checkpoint/`: by checksums, a torn or altered file is never used.

A file is published in this order: its content to the disk under a temporary name, its checksum to
the manifest, then its own name. The manifest also keeps the checksum of the content before, so
that a crash between the two leaves a file that verifies: the new one, or the one before.

`checkpoint/` has what an exact resume needs, one file for each of the last epochs, with a checksum
of its own: a line that says what it is, the length of a JSON header, the header, the bytes of all
arrays, and the SHA-256 of all that. What header and arrays mean is the trainer's business.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Annotated, Any

from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import (
    TEMPORARY,
    disk_errors,
    open_regular,
    published,
    read_regular,
    write_text,
)
from dl.rundir.typed import Count, Keys, MisfitError, parse_as

SCHEMA = 1
_TRIES = 3
"""A file can be replaced between the reading of it and of the manifest."""

Sums = Mapping[str, tuple[str, ...]]
"""The accepted SHA-256 of each file: of its content, and of the content before."""


def manifest_text(sums: Sums) -> str:
    """Returns the manifest of these checksums, by file name; it carries a checksum of itself."""
    files = {name: list(sums[name]) for name in sorted(sums)}
    own = sha256(json.dumps(files).encode())
    listed = ",\n".join(f"    {quoted(name)}: {_list(files[name])}" for name in files)
    inside = f"{{\n{listed}\n  }}" if listed else "{}"
    return f'{{\n  "schema": {SCHEMA},\n  "files": {inside},\n  "sha256": "{own}"\n}}\n'


def _list(listed: list[str]) -> str:
    """Returns a list as `json.dumps` indents it, which takes ten times as long."""
    inside = ",\n".join([f"      {quoted(item)}" for item in listed])
    return f"[\n{inside}\n    ]" if inside else "[]"


def first_manifest(files: Mapping[str, bytes]) -> str:
    """Returns the manifest of the files that a run directory is made with."""
    return manifest_text({name: (sha256(content),) for name, content in files.items()})


@contextmanager
def publishing(path: Path) -> Iterator[Path]:
    """Gives a temporary path to write a run's file to, and publishes it with its checksum.

    Raises:
        DiskError: Writing failed; an earlier file at `path` is untouched.
        RunError: The manifest is missing or damaged.
    """
    with published(path, lambda temporary: _note(path, file_sha256(temporary))) as temporary:
        yield temporary


def publish(path: Path, data: bytes) -> None:
    """Publishes a run's file with its checksum; raises as `publishing` does."""
    with published(path, lambda _: _note(path, sha256(data))) as temporary:
        temporary.write_bytes(data)


def read_checked(path: Path, read: Callable[[Path], bytes] = read_regular) -> bytes:
    """Reads a run's file; what was checked is what is returned.

    Args:
        path: The file.
        read: Reads it, and may refuse to.

    Raises:
        RunError: The file is missing, or is not what was published.
    """
    content = b""

    def digest(path: Path) -> str:
        nonlocal content
        content = read(path)
        return sha256(content)

    check(path, digest)
    return content


def check(path: Path, digest: Callable[[Path], str] | None = None) -> None:
    """Compares a run's file, which may be large, with its checksum.

    Args:
        path: The file.
        digest: Gives its SHA-256, and may keep what it reads. Default: `file_sha256`.

    Raises:
        RunError: The file is missing, or is not what was published.
    """
    for _ in range(_TRIES):
        try:
            found = (digest or file_sha256)(path)
        except OSError as error:
            raise _unreadable(path, error) from error
        if found in read_manifest(RunDirectory(path.parent)).get(path.name, ()):
            return
    raise damaged(path)


def damaged(path: Path, reason: object = None) -> RunError:
    """Returns the error for a file that is not what was published, or holds what none can hold."""
    found = "damaged or was edited" if reason is None else f"damaged: {reason}"
    return RunError(f"{path} is {found}", hint=_what_to_do(path))


def sha256(content: bytes) -> str:
    """Returns the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal; raises `OSError`."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(path: Path, new: str) -> None:
    run = RunDirectory(path.parent)
    sums = read_manifest(run)
    before = sums.get(path.name, ())[:1]
    if before != (new,):
        write_text(run.manifest, manifest_text({**sums, path.name: (new, *before)}))


def read_manifest(run: RunDirectory) -> Sums:
    """Returns the accepted checksums of all files; raises `RunError`.

    Nothing but the very text that was written passes.
    """
    manifest = run.manifest
    try:
        text = read_regular(manifest).decode()
        values = json.loads(text)
        refuse_newer(manifest.parent, values["schema"])
        sums = {name: tuple(listed) for name, listed in values["files"].items()}
        whole = manifest_text(sums) == text
    except OSError as error:
        raise _unreadable(manifest, error) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged(manifest) from error
    if not whole:
        raise damaged(manifest)
    return sums


def refuse_newer(made: Path, schema: int) -> None:
    """Refuses a run, or a file of one, that has a later schema; raises `RunError`."""
    if schema > SCHEMA:
        raise RunError(
            f"{made} was made by a newer dl",
            expected=f"schema {SCHEMA} or older",
            found=f"schema {schema}",
            hint="update dl: pip install --upgrade dl-keras",
        )


def _unreadable(path: Path, error: OSError) -> RunError:
    if isinstance(error, FileNotFoundError):
        return RunError(f"{path} is missing", hint=_what_to_do(path))
    return RunError(f"{path} cannot be read: {error.strerror}", hint="see its permissions")


def _what_to_do(path: Path) -> str:
    run = RunDirectory(path.parent)
    if path in (run.history, run.metrics, run.model) and run.checkpoints.is_dir():
        return f"make it again from the last checkpoint: {run.command_to_resume}"
    again = f", or train again: dl train {run.config}" if run.config.is_file() else ""
    return f"restore it from a copy{again}"


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
    with disk_errors(f"making {run.checkpoints}"):
        run.checkpoints.mkdir(exist_ok=True)
    with published(run.checkpoints / f"epoch-{epoch:06d}.checkpoint") as temporary:
        _write(temporary, {**header, "sizes": [blob.nbytes for blob in blobs]}, blobs)
    for _, path in list_checkpoints(run)[KEPT:]:
        path.unlink(missing_ok=True)


def list_checkpoints(run: RunDirectory) -> list[tuple[int, Path]]:
    """Returns epoch and path of each checkpoint, the newest first."""
    try:
        paths = list(run.checkpoints.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = [(match, path) for path in paths if (match := _NAME.fullmatch(path.name))]
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
    ends = list(accumulate(header["sizes"], initial=end))
    return Checkpoint(header, [body[begin:end] for begin, end in pairwise(ends)])


def remove_leftovers(run: RunDirectory) -> None:
    """Removes the unfinished files of a process that died; the caller holds the run's lock."""
    for folder in (run.path, run.checkpoints, run.plots):
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
