"""`dl rm`: runs that are not wanted any more."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import RunType, runs_option, yes_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dl.errors import DlError
    from dl.runs.directory import RunDirectory


@click.command(name="rm")
@click.argument("selected", nargs=-1, required=True, metavar="RUN…", type=RunType())
@yes_option
@runs_option
def remove(selected: tuple[str, ...], yes: bool, runs: Path) -> None:
    """Remove runs with all their files; asks before. A name alone means its newest run."""
    from dl.runs.directory import find_run

    found = {os.path.realpath(run.path): run for run in (find_run(text, runs) for text in selected)}
    errors = remove_after_asking(found.values(), yes=yes)
    if errors:
        raise type(errors[0]).of(problem for error in errors for problem in error.problems)


def remove_after_asking(
    found: Iterable[RunDirectory],
    *,
    yes: bool,
    still: Callable[[RunDirectory], bool] = lambda run: True,
) -> list[DlError]:
    """Lists the runs with their sizes on stderr, asks unless `yes`, and removes them.

    Args:
        found: The runs.
        yes: Whether not to ask.
        still: Whether a run is still to be removed, asked when nobody can change it any more.

    Returns:
        Why runs were not removed: somebody works on them, or was faster.
    """
    from dl.errors import BusyError, RunError
    from dl.runs.remove import remove_run, size_of
    from dl.text import plural, size

    chosen = list(found)
    sizes = [size_of(run.path) for run in chosen]
    for run, count in zip(chosen, sizes, strict=True):
        click.echo(f"{run.path}  {size(count)}", err=True)
    if not yes and not is_agreed(f"Remove {plural(len(chosen), 'run')}, {size(sum(sizes))}?"):
        click.echo("nothing was removed", err=True)
        return []
    removed: list[int] = []
    errors: list[DlError] = []
    for run, count in zip(chosen, sizes, strict=True):
        try:
            if remove_run(run, lambda run=run: still(run)):  # type: ignore[misc]
                removed.append(count)
        except (BusyError, RunError) as error:
            errors.append(error)
    click.echo(f"removed {plural(len(removed), 'run')}, {size(sum(removed))}", err=True)
    return errors


def is_agreed(question: str) -> bool:
    """Asks on the terminal; raises `UsageError` where nobody can answer."""
    from dl.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError("nothing is removed without asking", hint="where nobody can answer: -y")
    return click.confirm(question, err=True)
