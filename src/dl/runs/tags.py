"""`tags.json`: words that a user has put on a run.

It is no part of the manifest: tags change while a run is trained, and nothing depends on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from dl.errors import RunError, UsageError
from dl.runs.directory import RunDirectory
from dl.runs.files import disk_error, gone, read_regular, write_text
from dl.runs.typed import MisfitError, parse_as
from dl.system import locked_folder

_TAG = re.compile(r"[^\W_][\w.+-]{0,63}")


def read_tags(run: RunDirectory) -> tuple[str, ...]:
    """Returns the tags of a run, sorted; raises `RunError` where the file is damaged."""
    try:
        return tuple(sorted(parse_as(list[str], read_regular(run.tags))))
    except FileNotFoundError:
        return ()
    except (OSError, MisfitError) as error:
        raise _damaged(run) from error


def change_tags(run: RunDirectory, change: Callable[[set[str]], set[str]]) -> list[str]:
    """Replaces the tags of a run by what `change` makes of them; returns them, sorted.

    The folder is locked meanwhile, not the run, which may be in training: no tag of another
    process is lost.

    Raises:
        RunError: The run is gone, or its tags are damaged.
        DiskError: They cannot be written.
    """
    try:
        with locked_folder(run.path):
            before = set(read_tags(run))
            after = change(before)
            if after != before:
                write_tags(run, after)
    except FileNotFoundError as error:
        raise gone(run.path) from error
    except OSError as error:
        raise disk_error(error, f"locking {run.path}") from error
    return sorted(after)


def write_tags(run: RunDirectory, tags: Iterable[str]) -> None:
    """Replaces the tags of a run durably; raises `DiskError`."""
    write_text(run.tags, json.dumps(sorted(set(tags)), ensure_ascii=False) + "\n")


def check_tag(tag: str) -> str:
    """Returns the tag, or raises `UsageError` where it is no single word."""
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"{tag!r} is no tag",
            expected="one word of letters, digits and . + - _, at most 64 characters",
            hint="for example: dl tag digits/3 best",
        )
    return tag


def _damaged(run: RunDirectory) -> RunError:
    return RunError(f"{run.tags} is damaged", hint="delete the file and tag the run again")
