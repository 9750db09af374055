"""`dl trace`: one training step with every number of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import RunType, json_option, quiet_option, runs_option, set_option

if TYPE_CHECKING:
    from dl.engine.inside.trace import Trace
    from dl.progress import Reporter


@click.command()
@click.argument("config_or_run", type=RunType(), metavar="CONFIG|RUN")
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    metavar="N",
    help="Rows of the mini-batch. Default: the batch size of the config.",
)
@set_option
@runs_option
@quiet_option
@json_option
def trace(
    config_or_run: str,
    rows: int | None,
    overrides: tuple[str, ...],
    runs: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Show one training step by hand: inputs, activations, loss, gradients, update.

    With a config it is the first step of its training, from the initial weights; with a run, a
    step from its trained weights, with an optimizer that starts anew. Nothing is written.
    Wide layers are cut in the table; --json has every number.

    \b
    dl trace configs/xor.yaml
    dl trace xor --rows 2 --json
    """
    from dl.cli.display import open_reporter
    from dl.cli.trace_text import trace_json, trace_text

    with open_reporter(quiet=quiet) as reporter:
        made = _trace(config_or_run, rows, overrides, runs, reporter)
    click.echo(trace_json(made) if as_json else trace_text(made))


def _trace(
    text: str, rows: int | None, overrides: tuple[str, ...], runs: Path, reporter: Reporter
) -> Trace:
    from dl.config.load import load_config
    from dl.data.load import read_dataset

    path = Path(text)
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        loaded = load_config(path, overrides)
        with reporter.stage("Loading Keras"):
            from dl.engine.inside.trace import trace as trace_step
            from dl.engine.prepare import prepare
        prepared = prepare(loaded, read_dataset(loaded, reporter), reporter)
        return trace_step(prepared.model, prepared.dataset, prepared.config, rows)
    return _trace_run(text, rows, overrides, runs, reporter)


def _trace_run(
    text: str, rows: int | None, overrides: tuple[str, ...], runs: Path, reporter: Reporter
) -> Trace:
    from dl.errors import UsageError
    from dl.runs.find import find_run

    run = find_run(text, runs)
    if overrides:
        raise UsageError(
            "--set changes a config, but a run is as it was trained",
            hint=f"dl trace {run.resolved} --set {overrides[0]}",
        )
    with reporter.stage("Loading Keras"):
        from dl.engine.inside.trace import trace as trace_step
        from dl.engine.saved import open_run, training_data
    saved = open_run(run, reporter)
    return trace_step(saved.model, training_data(saved, reporter), saved.config, rows)
