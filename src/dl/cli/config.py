"""`dl validate`, `lint`, `schema` and `init`: what is done with a config before it is trained."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.colours import coloured
from dl.cli.options import config_argument, json_option, print_json, set_option, targets_option
from dl.errors import ConfigError, ExitCode, Problem, excerpt
from dl.text import painted

if TYPE_CHECKING:
    from dl.config.rules import Note

_LIST = ""
"""What `--example` means without a name: their list."""


@click.command()
@config_argument
@set_option
@click.option("--build", is_flag=True, help="Read the data and build the model too (loads Keras).")
@json_option
def validate(config: Path, overrides: tuple[str, ...], build: bool, as_json: bool) -> None:
    """Check CONFIG and report every mistake with its line.

    Exits with 0 if the config is right, with 2 if it is not, with 3 if its table has no header.
    """
    from dl import app
    from dl.config.load import load_config

    problems: Sequence[Problem] = ()
    try:
        app.validate(load_config(config, overrides), build=build)
    except ConfigError as error:
        if not as_json:
            raise
        problems = error.problems
    if not as_json:
        click.echo(f"{config}: {painted('valid', 'bold green')}")
        return
    print_json({"valid": not problems, "errors": list(map(placed_values, problems))})
    if problems:
        raise click.exceptions.Exit(ExitCode.USAGE)


@click.command()
@config_argument
@set_option
@json_option
def lint(config: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Give advice on CONFIG: what is allowed but doubtful.

    And why, and the line as it should be. A table or an .npz file is read for it. Advice is not an
    error: the exit code is 0 with and without it, 2 if the config is wrong, 3 if its data cannot be
    used. A config that knows better names the advice to ignore: `lint: {ignore: [no-validation]}`.

    \b
    dl lint configs/digits.yaml
    dl lint configs/digits.yaml --set training.optimizer.learning_rate=5
    """
    from dl import app
    from dl.config.load import load_config

    found = app.lint(load_config(config, overrides))
    if as_json:
        print_json({"advice": list(map(placed_values, found))})
    elif found:
        total = [f"{len(found)} pieces of advice on {config}"] if len(found) > 1 else []
        click.echo("\n\n".join([*map(note_text, found), *total]))
    else:
        click.echo(f"{config}: {painted('no advice', 'bold green')}")


def placed_values(found: Problem | Note) -> dict[str, object]:
    """Returns what is known of a problem or of advice, with file, line and column as its place."""
    values = asdict(found)
    mark = values.pop("mark") or {}
    return {
        "file": mark.get("source"),
        "line": mark.get("line"),
        "column": mark.get("column"),
    } | values


def note_text(note: Note) -> str:
    """Returns a piece of advice with its line, its reason and what to write."""
    lines = [f"{note.mark}: {note.rule}: {note.path} {note.message}", *excerpt(note.mark)]
    text = "\n".join([*lines, f"why: {note.why}", f"write: {note.mended}"])
    return coloured(text, sys.stdout)


@click.command()
def schema() -> None:
    """Print the JSON Schema of the config.

    Editors that speak YAML use it to complete keys and to mark mistakes while you type.
    """
    import json

    from dl.config.reference import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@targets_option("The column of a table to predict. Repeatable.")
@click.option(
    "--example",
    is_flag=False,
    flag_value=_LIST,
    metavar="[NAME]",
    help="Print a shipped config, or their list.",
)
@click.option(
    "--to",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write the example into FOLDER, with the data that is shipped for it.",
)
def init(
    data: Path | None, targets: tuple[str, ...], example: str | None, folder: Path | None
) -> None:
    """Print a first config for DATA that trains well as it is.

    DATA is a CSV, Parquet or npz file, a folder or pattern of such tables, a table
    that lists pictures, sounds or scans, or a folder with a folder of pictures,
    sounds, scans or texts for each class.

    \b
    dl init flowers.csv --target species > flowers.yaml
    dl init --example digits > digits.yaml
    dl init --example bikes --to bikes
    """
    if (data is None) == (example is None):
        raise click.UsageError("give either DATA or --example")
    if example is not None:
        _give_example(example, targets, folder)
    elif folder is not None:
        raise click.UsageError("--to is for --example: a config for DATA is printed")
    elif data is not None:
        from dl.init.draft import first_config

        click.echo(first_config(data, targets), nl=False)


def _give_example(name: str, targets: tuple[str, ...], folder: Path | None) -> None:
    from dl.init.examples import example, write_example

    if targets:
        raise click.UsageError("--target is for DATA, not for --example")
    if name == _LIST and folder is not None:
        raise click.UsageError(
            "--to needs the name of an example: dl init --example NAME --to FOLDER"
        )
    if name == _LIST:
        _list_examples()
    elif folder is not None:
        for path in write_example(name, folder):
            click.echo(path)
    else:
        found = example(name)
        click.echo(found.text_in_one_folder, nl=False)
        if found.named_files:
            click.echo(f"with its data: dl init --example {found.name} --to FOLDER", err=True)


def _list_examples() -> None:
    from dl.init.examples import examples

    for group, listed in groupby(examples().values(), key=lambda entry: entry.group):
        entries = list(listed)
        width = max(len(entry.name) for entry in entries)
        if group:
            click.echo(f"\n{group}")
        for entry in entries:
            click.echo(f"{'  ' if group else ''}{entry.name:<{width}}  {entry.summary}")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: echo 'eval "$(dl completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(dl completion zsh)"' >> ~/.zshrc
    fish: dl completion fish > ~/.config/fish/completions/dl.fish
    """
    from click.shell_completion import get_completion_class

    completer = get_completion_class(shell)
    if completer is None:
        raise click.ClickException(f"click knows no completion for {shell}")
    root = ctx.find_root().command
    click.echo(completer(root, {}, "dl", "_DL_COMPLETE").source())
