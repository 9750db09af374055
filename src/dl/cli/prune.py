"""`dl prune`: old runs make room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import runs_option, yes_option

if TYPE_CHECKING:
    pass


@click.command()
@click.argument("name", required=False)
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N of a name."
)
@click.option("--unfinished", is_flag=True, help="Remove failed and interrupted runs.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@yes_option
@runs_option
def prune(
    name: str | None, keep: int | None, unfinished: bool, dry_run: bool, yes: bool, runs: Path
) -> None:
    """Free disk: remove runs by a rule, and what commands that were cut off left behind.

    Runs that are being trained and runs with a tag are always kept. Asks before it removes a run.

    \b
    dl prune --keep 5
    dl prune digits --unfinished -y
    """
    from dl.browse.entries import read_entries
    from dl.browse.prune import to_prune
    from dl.cli.remove import remove_after_asking
    from dl.cli.words import size
    from dl.runs.create import clear_abandoned
    from dl.runs.remove import size_of

    doomed = to_prune(read_entries(runs, name).readable, keep=keep, unfinished=unfinished)
    if dry_run:
        for entry in doomed:
            click.echo(f"{entry.run.path}  {size(size_of(entry.run.path))}")
        return
    clear_abandoned(runs)
    if doomed:
        remove_after_asking([entry.run for entry in doomed], yes=yes)
    else:
        click.echo(_nothing(keep, unfinished), err=True)


def _nothing(keep: int | None, unfinished: bool) -> str:
    if keep is None and not unfinished:
        return "no rule was given, so no run was removed: see dl prune --help"
    return "there is no run to remove"
