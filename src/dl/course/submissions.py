"""What a class has handed in: a file of each student, read as text and never followed elsewhere."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from dl.config.document import MOST_BYTES, read_document
from dl.config.nodes import MapNode, Node, ScalarNode, dotted, walk
from dl.course.exercise import ENDINGS
from dl.errors import ConfigError, Problem, UsageError, without_separators
from dl.system import AT_ONCE, NO_LINK
from dl.vocabulary.catalog import find as entry_of
from dl.vocabulary.spec import Kind

_WRITING = frozenset({"modelcheckpoint", "tensorboard", "backupandrestore", "csvlogger"})
"""Callbacks that write files, in small letters."""
_ELSEWHERE: Mapping[str, str] = {
    "extends": "a submission stands alone",
    "from": "a submission begins from nothing",
    "start": "a submission begins from nothing",
    "tracking": "a submission is copied nowhere",
}
"""Keys that lead out of a config, and why they are refused."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a student has handed in.

    Attributes:
        name: The student: the name of the file, or of the folder.
        path: The file, to be named in messages.
        text: Its bytes; None where there is none that can be read.
        modified: When it was changed last, in seconds since 1970.
        problem: Why there is none.
    """

    name: str
    path: Path
    text: bytes | None
    modified: float
    problem: str = ""


def read_submissions(folder: Path) -> list[Submission]:
    """Reads all submissions: `NAME.yaml`, or folders `NAME` with one such file, by their names.

    Raises:
        UsageError: There is no such folder, or nothing in it.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read: {error.strerror}",
            expected="the folder of the submissions",
        ) from error
    read = [_submission(entry) for entry in entries if not entry.name.startswith(".")]
    found = [replace(e, name=_utf8(e.name), path=Path(_utf8(str(e.path)))) for e in read]
    if not found:
        raise UsageError(f"{folder} has no submissions", expected="NAME.yaml of each student")
    counts = Counter(each.name for each in found)
    return [
        replace(each, text=None, problem="has the name of another submission")
        if counts[each.name] > 1
        else each
        for each in found
    ]


def _utf8(name: str) -> str:
    """Returns a name as a file can hold it: bytes that are no UTF-8 are replaced."""
    return os.fsencode(name).decode(errors="replace")


def _submission(entry: os.DirEntry[str]) -> Submission:
    path = Path(entry.path)
    name = path.stem if path.suffix in ENDINGS else entry.name
    try:
        if entry.is_symlink():
            return Submission(name, path, None, 0, "is a link, which is not followed")
        if entry.is_dir(follow_symlinks=False):
            inside = [each for each in os.scandir(path) if each.name.endswith(ENDINGS)]
            if len(inside) != 1:
                return Submission(name, path, None, 0, f"has {len(inside)} YAML files, not one")
            path = Path(inside[0].path)
        elif path.suffix not in ENDINGS:
            return Submission(name, path, None, 0, "is not a YAML file")
        return Submission(name, path, *_content(path))
    except OSError as error:
        return Submission(name, path, None, 0, f"cannot be read: {error.strerror or error}")


def _content(path: Path) -> tuple[bytes, float]:
    """Returns the bytes of a regular file, and when it was changed; raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | AT_ONCE | NO_LINK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        if status.st_size > MOST_BYTES:
            raise OSError("it is larger than 1 MB")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES), status.st_mtime
    finally:
        os.close(descriptor)


def check_alone(path: Path, text: bytes) -> None:
    """Refuses a config that reads or writes anything beside itself, or asks another machine.

    Raises:
        ConfigError: It is no YAML, or there is such a key; at its line.
    """
    root = read_document(text, str(path)).root
    problems = list(_leading_out(root))
    if problems:
        raise ConfigError.of(problems)


def _leading_out(root: MapNode) -> Iterator[Problem]:
    for place, node in walk(root):
        if place[:1] == ("data",):  # the exercise's own stand in its place
            continue
        for key, entry in node.entries.items() if isinstance(node, MapNode) else ():
            if key in _ELSEWHERE:
                said = f"{dotted((*place, key))} is not allowed: {_ELSEWHERE[key]}"
                yield Problem(said, entry.key, hint="leave it out")
        word = without_separators(node_word(node))
        if "callbacks" in place and word in _WRITING:
            said = f"{node_word(node)} is not allowed: a submission writes no files"
            yield Problem(said, node.mark, hint="leave it out")
        if place[:2] == ("model", "layers") and word and entry_of(Kind.BASE, word) is not None:
            said = f"{node_word(node)} is not allowed: a submission downloads no weights"
            yield Problem(said, node.mark, hint="use layers of your own")


def node_word(node: Node) -> str:
    """Returns a single text as it stands; empty for anything else."""
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""


def times_of(file: Path | None, submissions: list[Submission]) -> dict[str, float]:
    """Returns when each was handed in, in seconds since 1970: as a list says, else by its file.

    Args:
        file: CSV with the columns `name` and `time` (ISO 8601); None for the times of the files.
        submissions: All of them.

    Raises:
        UsageError: The list cannot be read.
    """
    times = {each.name: each.modified for each in submissions}
    if file is None:
        return times
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                times[row["name"]] = datetime.fromisoformat(row["time"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise UsageError(
            f"{file} is not a list of times: {error}",
            expected="CSV with the columns name and time, as 2026-10-01T23:59",
        ) from error
    return times


def safe_name(name: str) -> str:
    """Returns a name for a file of what a student is told, whatever the student's is."""
    plain = name.isascii() and name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return name if plain and len(name) < 100 else hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
