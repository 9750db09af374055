"""`dl validate`: all mistakes of a config at once, without loading Keras."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from dl.cli.options import config_argument, json_option, set_option
from dl.errors import ConfigError, ExitCode, Problem


@click.command()
@config_argument
@set_option
@click.option("--build", is_flag=True, help="Read the data and build the model too (loads Keras).")
@json_option
def validate(config: Path, overrides: tuple[str, ...], build: bool, as_json: bool) -> None:
    """Check CONFIG and report every mistake with its line.

    Exits with 0 if the config is right, with 2 if it is not, with 3 if its table has no header.
    """
    try:
        _check(config, overrides, build)
    except ConfigError as error:
        if not as_json:
            raise
        _print_json(error.problems)
        raise click.exceptions.Exit(ExitCode.USAGE) from error
    if as_json:
        _print_json(())
    else:
        click.echo(f"{config}: valid")


def _check(path: Path, overrides: tuple[str, ...], build: bool) -> None:
    from dl.config.header import check_headers
    from dl.config.load import load_config

    loaded = load_config(path, overrides)
    check_headers(loaded.config.data)
    if build:
        from dl.data.load import read_dataset
        from dl.engine.prepare import prepare
        from dl.progress import SilentReporter

        prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())


def _print_json(problems: tuple[Problem, ...]) -> None:
    import json

    result = {"valid": not problems, "errors": [_plain(problem) for problem in problems]}
    click.echo(json.dumps(result, ensure_ascii=False))


def _plain(problem: Problem) -> dict[str, object]:
    values = asdict(problem)
    mark = values.pop("mark") or {}
    place = {"file": mark.get("source"), "line": mark.get("line"), "column": mark.get("column")}
    return place | values
