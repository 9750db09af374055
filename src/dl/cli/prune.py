"""`dl prune`: old runs make room."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from dl.cli.options import runs_option, yes_option


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
    """Free disk: remove runs by a rule, checkpoints, and what commands that were cut off left.

    Runs that are being trained and runs with a tag are always kept, these with a last checkpoint.
    Asks before it removes anything.

    \b
    dl prune --keep 5
    dl prune digits --unfinished -y
    dl prune --checkpoints
    """
    from dl.cli.remove import remove_after_asking
    from dl.runs.create import clear_abandoned
    from dl.runs.query import read_entries
    from dl.runs.remove import is_as_it_was, to_prune

    doomed = to_prune(read_entries(runs, name).readable, keep=keep, unfinished=unfinished)
    if dry_run:
        _tell([entry.run.path for entry in doomed])
    else:
        clear_abandoned(runs)
    if doomed and not dry_run:
        entries = {entry.run: entry for entry in doomed}
        remove_after_asking(entries, yes=yes, still=lambda run: is_as_it_was(entries[run]))
    if checkpoints or all_checkpoints:
        _prune_checkpoints(runs, name, last=all_checkpoints, dry_run=dry_run, yes=yes)
    elif not doomed and not dry_run:
        click.echo(_nothing(keep, unfinished), err=True)


def _tell(paths: list[Path]) -> None:
    from dl.runs.remove import size_of
    from dl.text import size

    for path in paths:
        click.echo(f"{path}  {size(size_of(path))}")


def _prune_checkpoints(
    runs: Path, name: str | None, *, last: bool, dry_run: bool, yes: bool
) -> None:
    from dl.cli.remove import is_agreed
    from dl.errors import BusyError, RunError
    from dl.runs.directory import RunDirectory
    from dl.runs.lock import locked
    from dl.runs.remove import checkpoints_to_prune, size_of
    from dl.text import size

    found = checkpoints_to_prune(runs, name, last=last)
    if dry_run:
        _tell(found)
        return
    what = "1 checkpoint" if len(found) == 1 else f"{len(found)} checkpoints"
    room = size(sum(map(size_of, found)))
    if not found:
        click.echo("there is no checkpoint to remove", err=True)
    elif yes or is_agreed(f"Remove {what} of finished runs, {room}?"):
        for path in found:
            # A run that is gone, or that somebody goes on with, is left alone.
            with suppress(BusyError, RunError), locked(RunDirectory(path.parent.parent)):
                path.unlink(missing_ok=True)
        click.echo(f"removed {what}, {room}", err=True)
    else:
        click.echo("no checkpoint was removed", err=True)


def _nothing(keep: int | None, unfinished: bool) -> str:
    if keep is None and not unfinished:
        return "no rule was given, so no run was removed: see dl prune --help"
    return "there is no run to remove"
