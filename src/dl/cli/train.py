"""`dl train` and `dl reproduce`: from a config to a trained, evaluated, saved model, and again."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    ConfigPath,
    RunType,
    config_argument,
    json_option,
    print_json,
    quiet_option,
    run_argument,
    runs_option,
    set_option,
    usual_options,
    verbose_option,
)
from dl.cli.process import open_reporter, stop_requests
from dl.errors import ExitCode, UsageError
from dl.rundir.directory import find_run

if TYPE_CHECKING:
    from dl.app.training import Caller, Result
    from dl.progress import Reporter
    from dl.report.facts import RunFacts
    from dl.training.resume import Repeat
    from dl.training.setup import Prepared

_NEWEST = ""
"""What `--resume` means without a run: the newest unfinished one of the config."""


@click.command()
@click.argument("config", type=ConfigPath(), required=False)
@set_option
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="The number of epochs.")
@click.option("--name", metavar="NAME", help="Name of the run. Default: the config's.")
@runs_option
@click.option(
    "--resume",
    type=RunType(),
    is_flag=False,
    flag_value=_NEWEST,
    metavar="[RUN]",
    help="Resume a run from its last checkpoint. Default: CONFIG's newest unfinished run.",
)
@click.option("--force", is_flag=True, help="Resume although config, data or versions changed.")
@click.option("--dry-run", is_flag=True, help="Read, check and build everything, train nothing.")
@verbose_option("Show data, layers and mistakes too.")
@quiet_option
@json_option
def train(
    config: Path | None,
    overrides: tuple[str, ...],
    epochs: int | None,
    name: str | None,
    runs: Path,
    resume: str | None,
    force: bool,
    dry_run: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train the model of CONFIG.

    Everything about it is kept in a run directory, which is the last line on stdout.

    \b
    dl train configs/digits.yaml
    dl train configs/digits.yaml --set training.epochs=5 --set model.layers.hidden.units=32
    dl train --resume digits              (after an interruption)
    dl train --resume digits --epochs 40  (longer than was planned)
    """
    from dl import app
    from dl.app import training
    from dl.config.load import load_config
    from dl.tracking import check_packages

    if epochs is not None:
        overrides = (*overrides, f"training.epochs={epochs}")
    if resume is not None:
        resume, config = _named(resume, config)
    loaded = None if config is None else load_config(config, overrides, name)
    if loaded is not None:
        check_packages(loaded)
    with open_reporter(quiet=quiet) as reporter:
        caller = _caller(reporter, as_json=as_json, verbose=verbose)
        if resume is not None:
            newest = loaded is not None and resume == _NEWEST
            run = training.run_of(loaded, runs) if loaded and newest else find_run(resume, runs)
            loaded = loaded or app.config_of(run, overrides)
            training.resume(run, loaded, caller, force=force)
        elif loaded is None:
            raise UsageError("a config is missing", hint="dl train CONFIG, or --resume RUN")
        elif dry_run:
            training.prepare(loaded, replace(caller, runs=runs), advise=True)
            reporter.note("dry run: nothing was trained and nothing was written")
        else:
            training.train(loaded, runs, caller)


def _named(resume: str, config: Path | None) -> tuple[str, Path | None]:
    """Returns the run and the config, where `--resume CONFIG` was typed for `CONFIG --resume`."""
    if resume != _NEWEST and config is None and Path(resume).is_file():
        return _NEWEST, Path(resume)
    if resume == _NEWEST and config is None:
        raise UsageError(
            "no run to resume was named",
            hint="dl train --resume RUN, or dl train CONFIG --resume for its newest unfinished run",
        )
    return resume, config


def _caller(reporter: Reporter, *, as_json: bool, verbose: bool = False) -> Caller:
    from dl.app.training import Caller
    from dl.cli.texts import data_text, summary_text
    from dl.cli.train_texts import data_line, end_text, network_line
    from dl.report.terminal import text_width
    from dl.rundir.record import read_record

    def tell(prepared: Prepared) -> None:
        from dl.inspect.layers import layer_rows

        config, dataset, layers = prepared.config, prepared.dataset, layer_rows(prepared.model)
        reporter.note(data_line(config.name, dataset))
        reporter.note(network_line(config, layers))
        if verbose:
            reporter.note(f"\n{data_text(dataset.sizes())}")
            reporter.note(f"\n{summary_text(config.name, layers)}")
        reporter.note("")

    mistakes: list[str] = []

    def look(facts: RunFacts) -> None:
        if verbose and not as_json:
            from dl.report.mistakes import mistakes_text

            mistakes.append(mistakes_text(facts, text_width()))

    def show(result: Result) -> None:
        if as_json:
            print_json(result)
        elif result.status == "completed":
            reporter.note("")
            click.echo(end_text(result, read_record(result.run), mistakes))
        sys.stdout.flush()

    stopping = partial(stop_requests, once_asked=True)
    return Caller(reporter, ("dl", *sys.argv[1:]), stopping, tell, show, look)


@click.command(name="lr")
@config_argument
@set_option
@click.option(
    "--steps",
    type=click.IntRange(50, 100_000),
    default=200,
    show_default=True,
    metavar="N",
    help="Steps (batches) of the test.",
)
@click.option(
    "--png",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the picture goes.  [default: NAME-lr.png]",
)
@quiet_option
@json_option
def learning_rates(
    config: Path,
    overrides: tuple[str, ...],
    steps: int,
    picture: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Find a learning rate for CONFIG by a short training.

    The rate grows from 1e-7 to 10, and the test ends when the loss diverges. The last line on
    stdout is the line for training.optimizer. It makes no run.

    \b
    dl lr configs/digits.yaml
    dl lr configs/digits.yaml --set training.optimizer=sgd --steps 500 --json
    """
    from dl.app import training
    from dl.cli.options import check_output
    from dl.config.load import load_config
    from dl.rundir.files import output

    loaded = load_config(config, overrides)
    picture = picture or Path(f"{loaded.config.name}-lr.png")
    check_output(picture, [], [config])
    with open_reporter(quiet=quiet) as reporter:
        found = training.learning_rates(loaded, steps, reporter)
        from dl.report import rates

        with output(picture) as stream:
            stream.write(rates.picture(found))
        if found.replaced:
            reporter.note(f"the rates were tried in the place of the config's {found.replaced}")
        reporter.note(f"picture: {picture}")
    if as_json:
        print_json({"picture": picture}, found)
        return
    click.echo(rates.terminal_text(found))
    click.echo(f"\nlearning rate {found.suggestion:g}: {found.reason}")
    click.echo(found.line)


@click.command()
@run_argument
@usual_options
def reproduce(run: str, runs: Path, quiet: bool, as_json: bool) -> None:
    """Train RUN again, and compare history and weights.

    It is done in a temporary folder. The exit code is 0 if all is identical, and 4 if not; then the
    first epoch that differs is named, and what has changed since: data, versions, threads,
    processor.
    """
    from dl.app import training

    directory = find_run(run, runs)
    with open_reporter(quiet=quiet) as reporter:
        repeat = training.reproduce(directory, _caller(reporter, as_json=as_json))
    if as_json:
        print_json({"run": directory, "identical": repeat.identical}, repeat)
    else:
        click.echo(_repeat_text(repeat))
    if not repeat.identical:
        raise click.exceptions.Exit(ExitCode.RUN)


def _repeat_text(repeat: Repeat) -> str:
    first, epochs = repeat.first_difference, f"{repeat.epochs} epochs"
    if repeat.identical:
        what = epochs + (" and model.h5" if repeat.model_identical is not None else "")
        return f"identical: {what}, bit for bit"
    if first is None:
        head = f"different: the same history of {epochs}, but another model.h5"
    else:
        was = f"{first.name} was {first.before}, is {first.now}"
        head = f"different from epoch {first.epoch} on: {was}"
    unchanged = "nothing that a run records has changed: data, versions, threads and processor"
    reasons = [f"changed since: {change}" for change in repeat.changed] or [unchanged]
    return "\n".join([head, *reasons])
