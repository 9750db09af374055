"""`dl evaluate`: metrics of a saved model, in a fresh process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    json_option,
    quiet_option,
    run_argument,
    runs_option,
    threshold_option,
)

if TYPE_CHECKING:
    from dl.engine.saved import Evaluation

SPLITS = click.Choice(["train", "validation", "test"])


@click.command()
@run_argument
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Labelled rows of another file, instead of a part of the run's own data.",
)
@click.option("--split", type=SPLITS, default="test", show_default=True, help="Which part.")
@threshold_option
@runs_option
@quiet_option
@json_option
def evaluate(
    run: str,
    data: Path | None,
    split: str,
    threshold: float | None,
    runs: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Measure the saved model of RUN.

    RUN is a directory, a name (its newest run) or name/number.
    """
    from dl.cli.display import open_reporter
    from dl.cli.tables import metrics_text
    from dl.runs.find import find_run

    directory = find_run(run, runs)
    with open_reporter(quiet=quiet) as reporter:
        with reporter.stage("Loading Keras"):
            from dl.engine import saved as saved_runs
        saved = saved_runs.open_run(directory, reporter, threshold)
        evaluation = saved_runs.evaluate(saved, data, split, reporter)
    if as_json:
        _print_json(str(directory.path), evaluation)
    else:
        click.echo(metrics_text({evaluation.split: evaluation.metrics}))


def _print_json(run: str, evaluation: Evaluation) -> None:
    import json

    result = {
        "run": run,
        "split": evaluation.split,
        "rows": evaluation.rows,
        "metrics": evaluation.metrics,
    }
    click.echo(json.dumps(result))
