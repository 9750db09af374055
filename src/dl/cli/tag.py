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
    from dl.runs.find import find_run
    from dl.runs.tags import check_tag, read_tags, write_tags

    directory = find_run(run, runs)
    before = set(read_tags(directory))
    given = {check_tag(word) for word in tags}
    if remove:
        _require(directory.label, given, before)
    after = before - given if remove else before | given
    if after != before:
        write_tags(directory, after)
    for word in sorted(after):
        click.echo(word)


def _require(label: str, given: set[str], present: set[str]) -> None:
    from dl.errors import UsageError

    missing = sorted(given - present)
    if missing or not given:
        raise UsageError(
            f"{label} has no tag {missing[0]}" if missing else "no tag to remove was named",
            expected=", ".join(sorted(present)) or "a run with tags",
        )
