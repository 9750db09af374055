"""`manifest.json`: the checksums of a run's files, so that a torn or altered one is never used.

A file is published in this order: its content to the disk under a temporary name, its checksum to
the manifest, then its own name. The manifest also keeps the checksum of the content before, so
that a crash between the two leaves a file that verifies: the new one, or the one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path

from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import open_regular, published, read_regular, write_text

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
    for _ in range(_TRIES):
        try:
            content = read(path)
        except OSError as error:
            raise _unreadable(path, error) from error
        if sha256(content) in _accepted(path):
            return content
    raise damaged(path)


def check(path: Path) -> None:
    """Compares a run's file, which may be large, with its checksum.

    Raises:
        RunError: The file is missing, or is not what was published.
    """
    for _ in range(_TRIES):
        try:
            found = file_sha256(path)
        except OSError as error:
            raise _unreadable(path, error) from error
        if found in _accepted(path):
            return
    raise damaged(path)


def read_manifest(run: RunDirectory) -> Sums:
    """Returns the accepted checksums of all files; raises `RunError`."""
    return _read(run.manifest)


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
    manifest = RunDirectory(path.parent).manifest
    sums = _read(manifest)
    before = sums.get(path.name, ())[:1]
    if before != (new,):
        write_text(manifest, manifest_text({**sums, path.name: (new, *before)}))


def _accepted(path: Path) -> tuple[str, ...]:
    return _read(RunDirectory(path.parent).manifest).get(path.name, ())


def _read(manifest: Path) -> Sums:
    """Reads a manifest; nothing but the very text that was written passes."""
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
    return f"restore it from a copy, or train again: dl train {run.config}"
