"""`dl tag`, `rm` and `prune`: words on runs, and runs that are not wanted any more."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import RunType, run_argument, runs_option, yes_option
from dl.errors import BusyError, RunError, UsageError
from dl.rundir.directory import RunDirectory, find_run
from dl.text import plural, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dl.errors import DlError


@click.command()
@run_argument
@click.argument("tags", nargs=-1, metavar="[TAG]…")
@click.option("--remove", is_flag=True, help="Take these tags off instead.")
@click.option("--note", metavar="TEXT", help="Write a note on RUN, in the place of an earlier one.")
@runs_option
def tag(run: str, tags: tuple[str, ...], remove: bool, note: str | None, runs: Path) -> None:
    """Put tags on RUN; without a TAG, print those that it has.

    \b
    dl tag digits/3 best
    dl tag digits/3 --note "more dropout than before"
    dl list --filter tags~best --filter note~dropout
    """
    from dl.rundir.notes import change_tags, check_tag, read_tags, write_note

    directory = find_run(run, runs)
    given = {check_tag(word) for word in tags}
    if note is not None:
        write_note(directory, note)

    def change(before: set[str]) -> set[str]:
        if remove:
            _require(directory.label, given, before)
        return before - given if remove else before | given

    changes = bool(tags) or remove
    for word in change_tags(directory, change) if changes else read_tags(directory):
        click.echo(word)


def _require(label: str, given: set[str], present: set[str]) -> None:
    missing = sorted(given - present)
    if missing or not given:
        raise UsageError(
            f"{label} has no tag {missing[0]}" if missing else "no tag to remove was named",
            expected=", ".join(sorted(present)) or "a run with tags",
        )


@click.command(name="rm")
@click.argument("selected", nargs=-1, required=True, metavar="RUN…", type=RunType())
@yes_option
@runs_option
def remove(selected: tuple[str, ...], yes: bool, runs: Path) -> None:
    """Remove runs with all their files; asks before. A name alone means its newest run."""

    found = {os.path.realpath(run.path): run for run in (find_run(text, runs) for text in selected)}
    errors = _remove_after_asking(found.values(), yes=yes)
    if errors:
        raise type(errors[0]).of(problem for error in errors for problem in error.problems)


def _remove_after_asking(
    found: Iterable[RunDirectory],
    *,
    yes: bool,
    still: Callable[[RunDirectory], bool] = lambda run: True,
) -> list[DlError]:
    """Lists the runs with their sizes on stderr, asks, and removes them; with `yes`, lists after.

    Args:
        found: The runs.
        yes: Whether not to ask.
        still: Whether a run is still to be removed, asked when nobody can change it any more.

    Returns:
        Why runs were not removed: somebody works on them, or was faster.
    """
    from dl.rundir.folders import remove_run, size_of

    sizes = {run: size_of(run.path) for run in found}
    if not yes:
        _tell(sizes, err=True)
        if not _is_agreed(f"Remove {plural(len(sizes), 'run')}, {size(sum(sizes.values()))}?"):
            click.echo("nothing was removed", err=True)
            return []
    removed: dict[RunDirectory, int] = {}
    errors: list[DlError] = []
    for run, count in sizes.items():
        try:
            if remove_run(run, lambda run=run: still(run)):  # type: ignore[misc]
                removed[run] = count
        except (BusyError, RunError) as error:
            errors.append(error)
    if yes:
        _tell(removed, err=True)
    counted = f"removed {plural(len(removed), 'run')}, {size(sum(removed.values()))}"
    click.echo(counted if removed else "nothing was removed", err=True)
    return errors


def _is_agreed(question: str) -> bool:
    """Asks on the terminal; raises `UsageError` where nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError("nothing is removed without asking", hint="where nobody can answer: -y")
    return click.confirm(question, err=True)


@click.command()
@click.argument("name", required=False)
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N of a name."
)
@click.option("--unfinished", is_flag=True, help="Remove failed and interrupted runs.")
@click.option(
    "--checkpoints", is_flag=True, help="Remove checkpoints of finished runs, but the last of each."
)
@click.option(
    "--all-checkpoints",
    is_flag=True,
    help="Remove the last ones too: `train --resume --epochs` then begins at the first epoch.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@yes_option
@runs_option
def prune(
    name: str | None,
    keep: int | None,
    unfinished: bool,
    checkpoints: bool,
    all_checkpoints: bool,
    dry_run: bool,
    yes: bool,
    runs: Path,
) -> None:
    """Free disk: remove runs and checkpoints by a rule.

    And what interrupted commands left. Runs that are being trained and runs with a tag are always
    kept, these with a last checkpoint. Asks before it removes anything.

    \b
    dl prune --keep 5
    dl prune digits --unfinished -y
    dl prune --checkpoints
    """
    from dl.rundir.folders import clear_abandoned, size_of
    from dl.rundir.query import is_as_it_was, read_entries, to_prune

    doomed = to_prune(read_entries(runs, name).readable, keep=keep, unfinished=unfinished)
    if dry_run:
        _tell({entry.run: size_of(entry.run.path) for entry in doomed}, err=False)
    else:
        clear_abandoned(runs)
    if doomed and not dry_run:
        entries = {entry.run: entry for entry in doomed}
        _remove_after_asking(entries, yes=yes, still=lambda run: is_as_it_was(entries[run]))
    if checkpoints or all_checkpoints:
        _prune_checkpoints(runs, name, last=all_checkpoints, dry_run=dry_run, yes=yes)
    elif keep is None and not unfinished and not dry_run:
        click.echo("no rule was given, so no run was removed: see dl prune --help", err=True)
    elif not doomed and not dry_run:
        click.echo("there is no run to remove", err=True)


def _tell(sizes: Mapping[RunDirectory, int], *, err: bool) -> None:
    for run, count in sizes.items():
        click.echo(f"{run.path}  {size(count)}", err=err)


def _prune_checkpoints(
    runs: Path, name: str | None, *, last: bool, dry_run: bool, yes: bool
) -> None:
    from dl.rundir.files import locked
    from dl.rundir.folders import size_of
    from dl.rundir.query import checkpoints_to_prune

    found = checkpoints_to_prune(runs, name, last=last)
    if dry_run:
        for path in found:
            click.echo(f"{path}  {size(size_of(path))}")
        return
    what = plural(len(found), "checkpoint")
    room = size(sum(map(size_of, found)))
    if not found:
        click.echo("there is no checkpoint to remove", err=True)
    elif yes or _is_agreed(f"Remove {what} of finished runs, {room}?"):
        for path in found:
            # A run that is gone, or that somebody goes on with, is left alone.
            with suppress(BusyError, RunError), locked(RunDirectory(path.parent.parent)):
                path.unlink(missing_ok=True)
        click.echo(f"removed {what}, {room}", err=True)
    else:
        click.echo("no checkpoint was removed", err=True)
