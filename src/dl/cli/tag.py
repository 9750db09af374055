"""`dl tag`: words on runs, to find them again."""

from __future__ import annotations

from pathlib import Path

import click

from dl.cli.options import run_argument, runs_option


@click.command()
@run_argument
@click.argument("tags", nargs=-1, metavar="[TAG]…")
@click.option("--remove", is_flag=True, help="Take these tags off instead.")
@runs_option
def tag(run: str, tags: tuple[str, ...], remove: bool, runs: Path) -> None:
    """Put tags on RUN; without a TAG, print those that it has.

    \b
    dl tag digits/3 best
    dl list --filter tags~best
    """
    from dl.runs.directory import find_run
    from dl.runs.record import change_tags, check_tag, read_tags

    directory = find_run(run, runs)
    given = {check_tag(word) for word in tags}

    def change(before: set[str]) -> set[str]:
        if remove:
            _require(directory.label, given, before)
        return before - given if remove else before | given

    changes = bool(tags) or remove
    for word in change_tags(directory, change) if changes else read_tags(directory):
        click.echo(word)


def _require(label: str, given: set[str], present: set[str]) -> None:
    from dl.errors import UsageError

    missing = sorted(given - present)
    if missing or not given:
        raise UsageError(
            f"{label} has no tag {missing[0]}" if missing else "no tag to remove was named",
            expected=", ".join(sorted(present)) or "a run with tags",
        )
