"""`dl init`: a first config for a user's data, or a shipped example."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import click

_LIST = ""


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="The column of a table to predict. Repeatable.",
)
@click.option(
    "--example",
    is_flag=False,
    flag_value=_LIST,
    metavar="[NAME]",
    help="Print a shipped config, or their list.",
)
def init(data: Path | None, targets: tuple[str, ...], example: str | None) -> None:
    """Print a first config for DATA that trains well as it is.

    DATA is a CSV, Parquet or npz file, or a folder with a folder of pictures for each class.

    \b
    dl init flowers.csv --target species > flowers.yaml
    dl init --example digits > digits.yaml
    """
    if (data is None) == (example is None):
        raise click.UsageError("give either DATA or --example")
    if example is not None:
        _print_example(example, targets)
    elif data is not None:
        from dl.init.propose import first_config

        click.echo(first_config(data, targets), nl=False)


def _print_example(name: str, targets: tuple[str, ...]) -> None:
    from dl.init.examples import example, examples

    if targets:
        raise click.UsageError("--target is for DATA, not for --example")
    if name != _LIST:
        click.echo(example(name).text_in_one_folder, nl=False)
        return
    for group, listed in groupby(examples().values(), key=lambda entry: entry.group):
        entries = list(listed)
        width = max(len(entry.name) for entry in entries)
        if group:
            click.echo(f"\n{group}")
        for entry in entries:
            click.echo(f"{'  ' if group else ''}{entry.name:<{width}}  {entry.summary}")
