"""`dl diagnose`: what happened in a training, and what to try."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import json_option, quiet_option, run_argument, runs_option
from dl.errors import NO_NUMBER, DlError

if TYPE_CHECKING:
    from dl.diagnose import Case, Signals
    from dl.progress import Reporter
    from dl.runs.directory import RunDirectory
    from dl.runs.record import RunRecord


@click.command()
@run_argument
@runs_option
@quiet_option
@json_option
def diagnose(run: str, runs: Path, quiet: bool, as_json: bool) -> None:
    """Say what went wrong in RUN: from its history, its weights and their gradients.

    Over- and underfitting, a loss that stands still, jumps or leaves the numbers, units that give
    0 for every row, gradients that vanish or explode: each with its numbers, why, and the lines to
    try. Put such lines into the config, or into a new one with `extends`. The exit code is 0 with
    and without findings.

    \b
    dl diagnose moons
    dl diagnose moons/3 --json
    """
    from dl.cli.diagnose_text import diagnose_json, diagnose_text
    from dl.cli.display import open_reporter
    from dl.diagnose import diagnose as findings
    from dl.runs.find import find_run
    from dl.runs.record import read_record

    directory = find_run(run, runs)
    record = read_record(directory)
    with open_reporter(quiet=quiet) as reporter:
        case = _case(directory, record, reporter)
    found = findings(case)
    text = diagnose_json if as_json else diagnose_text
    click.echo(text(directory.label, record.status, case, found))


def _case(run: RunDirectory, record: RunRecord, reporter: Reporter) -> Case:
    from dl.config.load import load_resolved
    from dl.diagnose import Case
    from dl.runs.history import read_history
    from dl.runs.manifest import read_checked

    config = load_resolved(run.resolved, read_checked(run.resolved)).config
    history = read_history(run) if run.history.exists() else []
    error = record.error or ""
    left = error.partition(": ")[2] if error.startswith(NO_NUMBER) else ""
    return Case(config, history, left, _signals(run, reporter), _one_answer(run))


def _one_answer(run: RunDirectory) -> str:
    from dl.data.dataset import read_preprocessing
    from dl.data.judged import read_answers
    from dl.data.one_answer import one_answer

    if not run.outputs.exists():
        return ""
    target = read_preprocessing(run).target
    return one_answer(read_answers(run, target), target)


def _signals(run: RunDirectory, reporter: Reporter) -> Signals | None:
    """Measures the layers; where that cannot be, the history has to do."""
    with reporter.stage("Loading Keras"):
        from dl.engine.inside.signals import measure_run
    try:
        with reporter.stage("Measuring the layers"):
            return measure_run(run, reporter)
    except DlError as error:
        reporter.warn(f"the layers cannot be measured: {error.problems[0].message}")
        return None
