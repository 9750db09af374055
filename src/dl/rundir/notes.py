"""What the user says about a run: `tags.json` and `note.txt`.

They are not part of the manifest: they change while a run is trained, and nothing depends on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from dl.errors import RunError, UsageError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import disk_errors, read_regular, write_text
from dl.rundir.typed import MisfitError, parse_as
from dl.system import locked_folder

_TAG = re.compile(r"[^\W_][\w.+-]{0,63}")


def read_tags(run: RunDirectory) -> tuple[str, ...]:
    """Returns the tags of a run, sorted; raises `RunError` where the file is damaged."""
    try:
        return tuple(sorted(parse_as(list[str], read_regular(run.tags))))
    except FileNotFoundError:
        return ()
    except (OSError, MisfitError) as error:
        hint = "delete the file and tag the run again"
        raise RunError(f"{run.tags} is damaged", hint=hint) from error


def change_tags(run: RunDirectory, change: Callable[[set[str]], set[str]]) -> list[str]:
    """Replaces the tags of a run by what `change` makes of them; returns them, sorted.

    The folder is locked meanwhile, not the run, which may be in training: no tag of another
    process is lost.

    Raises:
        RunError: The run is gone, or its tags are damaged.
        DiskError: They cannot be written.
    """
    with disk_errors(f"locking {run.path}", run.path), locked_folder(run.path):
        before = set(read_tags(run))
        after = change(before)
        if after != before:
            write_tags(run, after)
    return sorted(after)


def write_tags(run: RunDirectory, tags: Iterable[str]) -> None:
    """Replaces the tags of a run durably; raises `DiskError`."""
    write_text(run.tags, json.dumps(sorted(set(tags)), ensure_ascii=False) + "\n")


MOST_OF_NOTE = 2000
"""Characters of a note; what is longer is a file of its own."""


def read_note(run: RunDirectory) -> str:
    """Returns what the user has written of a run; empty without a note, or one that is no text."""
    try:
        content = read_regular(run.note, 4 * MOST_OF_NOTE)
    except OSError:
        return ""
    return content.decode(errors="replace").strip()


def write_note(run: RunDirectory, text: str) -> None:
    """Replaces the note of a run durably; an empty one goes.

    Raises:
        UsageError: It is too long.
        DiskError: It cannot be written.
    """
    if len(text := text.strip()) > MOST_OF_NOTE:
        raise UsageError(
            f"the note has {len(text):,} characters",
            expected=f"{MOST_OF_NOTE:,} at most",
            hint="keep the long text in a file and name that here",
        )
    if text:
        write_text(run.note, text + "\n")
    else:
        with disk_errors(f"removing {run.note}", run.path):
            run.note.unlink(missing_ok=True)


def check_tag(tag: str) -> str:
    """Returns the tag, or raises `UsageError` where it is not a single word."""
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"{tag!r} is not a tag",
            expected="one word of letters, digits and . + - _, at most 64 characters",
            hint="for example: dl tag digits/3 best",
        )
    return tag
