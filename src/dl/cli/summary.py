"""`dl summary`: the parameters and hyperparameters of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import RunType, json_option, runs_option, set_option

if TYPE_CHECKING:
    from dl.config.load import Loaded


@click.command()
@click.argument("config_or_run", type=RunType(), metavar="CONFIG|RUN")
@set_option
@runs_option
@json_option
def summary(config_or_run: str, overrides: tuple[str, ...], runs: Path, as_json: bool) -> None:
    """Show the layers of a model, the parameters of each, and the hyperparameters.

    The argument is a config file or a run.
    """
    from dl.cli.display import open_reporter
    from dl.cli.tables import hyperparameters_text, summary_json, summary_text
    from dl.config.hyperparameters import hyperparameters

    loaded = _load(config_or_run, runs, overrides)
    with open_reporter(quiet=False) as reporter:
        with reporter.stage("Loading Keras"):
            from dl.engine.inside.summary import layer_rows
            from dl.engine.prepare import build
        rows = layer_rows(build(loaded, reporter))
    chosen = hyperparameters(loaded.config)
    if as_json:
        click.echo(summary_json(rows, chosen))
    else:
        click.echo(f"{summary_text(loaded.config.name, rows)}\n\n{hyperparameters_text(chosen)}")


def _load(text: str, runs: Path, overrides: tuple[str, ...]) -> Loaded:
    from dl.cli.resume import of_run
    from dl.config.load import load_config
    from dl.runs.find import find_run

    path = Path(text)
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        return load_config(path, overrides)
    return of_run(find_run(text, runs), overrides)
