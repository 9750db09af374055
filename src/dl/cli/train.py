"""`dl train`: from a config to a trained, evaluated, saved model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    config_argument,
    json_option,
    quiet_option,
    runs_option,
    set_option,
)

if TYPE_CHECKING:
    from dl.config.load import Loaded
    from dl.engine.workflow import Trained
    from dl.progress import Reporter


@click.command()
@config_argument
@set_option
@click.option("--name", metavar="NAME", help="Name of the run. Default: the config's.")
@runs_option
@click.option("--dry-run", is_flag=True, help="Read, check and build everything, train nothing.")
@quiet_option
@json_option
def train(
    config: Path,
    overrides: tuple[str, ...],
    name: str | None,
    runs: Path,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train the model of CONFIG and keep everything about it in a run directory.

    The last line on stdout is the run directory.

    \b
    dl train configs/digits.yaml
    dl train configs/digits.yaml --set training.epochs=5 --set model.layers.hidden.units=32
    """
    from dl.cli.display import open_reporter
    from dl.config.load import load_config

    loaded = load_config(config, overrides, name)
    with open_reporter(quiet=quiet) as reporter:
        trained = _train(loaded, runs, dry_run, reporter)
        if trained is None:
            return
        _draw(trained, reporter)
    _print_json(trained) if as_json else _print_result(trained)


def _train(loaded: Loaded, runs: Path, dry_run: bool, reporter: Reporter) -> Trained | None:
    from dl.cli.signals import stop_requests
    from dl.cli.tables import summary_text

    with reporter.stage("Loading Keras"):
        from dl.engine import workflow
        from dl.engine.summary import layer_rows

    prepared = workflow.prepare(loaded, reporter)
    reporter.note(summary_text(prepared.config.name, layer_rows(prepared.model)))
    if dry_run:
        reporter.note("dry run: nothing was trained and nothing was written")
        return None
    command = ("dl", *sys.argv[1:])
    with stop_requests() as request:
        return workflow.train(prepared, runs, reporter, command=command, stop_signal=request)


def _draw(trained: Trained, reporter: Reporter) -> None:
    from dl.engine.workflow import parts
    from dl.report.outcome import with_outputs
    from dl.report.plots import PlotInput, draw

    dataset, config = trained.prepared.dataset, trained.prepared.config
    known = PlotInput(
        name=trained.run.label,
        history=trained.history,
        task=dataset.info.task,
        loss=config.training.loss.type,
        part=trained.judged,
    )
    part = parts(dataset)[trained.judged]
    with reporter.stage("Drawing"):
        trained.run.plots.mkdir()
        draw(
            trained.run.plots,
            with_outputs(known, part, trained.outputs, dataset.info, dataset.learned),
        )


def _print_result(trained: Trained) -> None:
    from dl.cli.tables import metrics_text

    click.echo(metrics_text(trained.metrics))
    click.echo(str(trained.run.path))


def _print_json(trained: Trained) -> None:
    import json

    result = {
        "run": str(trained.run.path),
        "status": "completed",
        "epochs": len(trained.history),
        "seconds": trained.seconds,
        "metrics": trained.metrics,
    }
    click.echo(json.dumps(result))
