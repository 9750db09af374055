"""`dl train`: from a config to a trained, evaluated, saved model."""

from __future__ import annotations

import sys
from collections.abc import Callable
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
    from dl.data.types import Dataset
    from dl.engine.prepare import Prepared
    from dl.engine.workflow import Judged, Trained
    from dl.pages.drawing import Drawing
    from dl.progress import Reporter


_KERAS_SOURCE = "keras"
"""The source that needs Keras to be read."""


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
        _advise(loaded, reporter)
        if dry_run:
            _prepare(loaded, reporter)
            reporter.note("dry run: nothing was trained and nothing was written")
        else:
            _train(loaded, runs, reporter, _print_json if as_json else _print_result)


def _advise(loaded: Loaded, reporter: Reporter) -> None:
    from dl.lint import notes

    found = notes(loaded)
    for note in found:
        reporter.note(f"advice: {note.path} {note.message} ({note.rule})")
    if found:
        reporter.note(f"the reasons, and what to write: dl lint {loaded.path}")


def _prepare(loaded: Loaded, reporter: Reporter) -> Prepared:
    """Reads the data while Keras loads, then builds the model."""
    from dl.cli.background import Importing
    from dl.cli.tables import data_text, summary_text

    if loaded.config.data.source == _KERAS_SOURCE:
        dataset = _read(loaded, reporter)
    with Importing("dl.engine.workflow") as engine:
        if loaded.config.data.source != _KERAS_SOURCE:
            dataset = _read(loaded, reporter)
        with reporter.stage("Loading Keras"):
            engine.module()
    from dl.engine.prepare import prepare
    from dl.engine.summary import layer_rows

    prepared = prepare(loaded, dataset, reporter)
    reporter.note(data_text(dataset.sizes()))
    reporter.note(summary_text(prepared.config.name, layer_rows(prepared.model)))
    return prepared


def _read(loaded: Loaded, reporter: Reporter) -> Dataset:
    from dl.data.load import read_dataset

    return read_dataset(loaded, reporter)


def _train(loaded: Loaded, runs: Path, reporter: Reporter, show: Callable[[Trained], None]) -> None:
    """Trains and shows the result; what nobody waits for is made at the end.

    Another process draws the pictures and writes the page, while this one makes the model's light
    copy.
    """
    from dl.cli.signals import stop_requests
    from dl.pages.drawing import Drawing

    with Drawing() as drawing:
        prepared = _prepare(loaded, reporter)
        with stop_requests() as request:
            from dl.engine import workflow
            from dl.engine.light import keep_light

            trained = workflow.train(
                prepared,
                workflow.Place(runs, prepared.config.name),
                reporter,
                command=("dl", *sys.argv[1:]),
                watch=workflow.Watch(
                    stop_signal=request, on_judged=lambda judged: _draw(judged, drawing)
                ),
            )
        show(trained)
        sys.stdout.flush()
        _hint(trained, reporter)
        drawing.write_page(trained.run)
        keep_light(trained)
        failure = drawing.end()
    if failure is not None:
        reporter.warn(f"the pictures or the report could not be made: {failure}")


def _hint(trained: Trained, reporter: Reporter) -> None:
    """Says that something in the history is worth a look; the layers are not looked at here."""
    from dl.diagnose import Case, diagnose

    found = diagnose(Case(trained.prepared.config, trained.history))
    if found:
        names = ", ".join(name for name, _ in found)
        reporter.note(f"worth a look: {names}; what to try: dl diagnose {trained.run.path}")


def _draw(judged: Judged, drawing: Drawing) -> None:
    from dl.engine.summary import layer_rows
    from dl.engine.weights_summary import weight_rows
    from dl.pages.facts import facts_of, write_facts
    from dl.report.input import PlotInput
    from dl.report.outcome import with_outputs

    dataset, config = judged.prepared.dataset, judged.prepared.config
    known = PlotInput(
        name=judged.run.label,
        history=judged.history,
        task=dataset.info.task,
        loss=config.training.loss.type,
        part=judged.name,
        part_rows=len(dataset.parts[judged.name]),
        boundary=judged.boundary,
        path=judged.path,
    )
    judged.run.plots.mkdir()
    run = with_outputs(known, judged.part, judged.outputs, dataset.info, dataset.learned)
    drawing.begin(judged.run.plots, run)
    model = judged.prepared.model
    facts = facts_of(dataset, judged.part, run, layer_rows(model), weight_rows(model))
    write_facts(judged.run, facts)


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
