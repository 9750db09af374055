"""`dl evaluate`: metrics of a saved model, in a fresh process."""

from __future__ import annotations

import os
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
from dl.errors import UsageError

if TYPE_CHECKING:
    from dl.engine.saved import Evaluation
    from dl.progress import Reporter
    from dl.runs.directory import RunDirectory

SPLITS = click.Choice(["train", "validation", "test"])


@click.command()
@run_argument
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Labelled rows of another file, instead of a part of the run's own data.",
)
@click.option("--split", type=SPLITS, help="Which part.  [default: test, if there is no --data]")
@click.option(
    "--target",
    multiple=True,
    metavar="COLUMN",
    help="For a model file: the column of the truth. Repeatable.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="For a model file: a value of its config, e.g. training.loss=mse. Repeatable.",
)
@threshold_option
@runs_option
@quiet_option
@json_option
def evaluate(
    run: str,
    data: Path | None,
    split: str | None,
    target: tuple[str, ...],
    overrides: tuple[str, ...],
    threshold: float | None,
    runs: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Measure the saved model of RUN.

    RUN is a directory, a name (its newest run) or name/number; or a model file (.h5) of plain
    Keras, whose rows are taken as they are.

    \b
    dl evaluate digits
    dl evaluate digits/3 --data new.csv
    dl evaluate model.h5 --data rows.csv --target label --set training.metrics=[accuracy]
    """
    from dl.cli.display import open_reporter
    from dl.cli.tables import metrics_text

    with open_reporter(quiet=quiet) as reporter:
        if os.path.isfile(run):
            path, rows = _model_file(Path(run), data, split)
            if threshold is not None:
                overrides = (*overrides, f"evaluation.threshold={threshold}")
            evaluation = _of_file(path, rows, target, overrides, reporter)
        else:
            _refuse_for_run(target, overrides)
            from dl.runs.find import find_run

            directory = find_run(run, runs)
            path = directory.path
            evaluation = _of_run(directory, data, split or "test", threshold, reporter)
    if as_json:
        _print_json(str(path), evaluation)
    else:
        click.echo(metrics_text({evaluation.split: evaluation.metrics}))


def _of_run(
    run: RunDirectory,
    data: Path | None,
    split: str,
    threshold: float | None,
    reporter: Reporter,
) -> Evaluation:
    with reporter.stage("Loading Keras"):
        from dl.engine import saved as saved_runs
    saved = saved_runs.open_run(run, reporter, threshold)
    return saved_runs.evaluate(saved, data, split, reporter)


def _of_file(
    path: Path,
    data: Path,
    target: tuple[str, ...],
    overrides: tuple[str, ...],
    reporter: Reporter,
) -> Evaluation:
    with reporter.stage("Loading Keras"):
        from dl.engine.files.foreign import evaluate_foreign, read_foreign
    return evaluate_foreign(read_foreign(path, overrides), data, target, overrides, reporter)


def _model_file(path: Path, data: Path | None, split: str | None) -> tuple[Path, Path]:
    """Returns the file of a model and that of its rows, if these options make sense together."""
    if (path.parent / "run.json").is_file():
        raise UsageError(
            f"{path} is the model of a run, which also says how its rows are prepared",
            hint=f"name the run: dl evaluate {path.parent}",
        )
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise UsageError(
            f"{path} is no run, and no model file that is read",
            expected="a run, or a file that `model.save('model.h5')` wrote",
        )
    if data is None or split is not None:
        raise UsageError(
            f"{path} is a model without data of its own",
            expected="--data FILE, and no --split",
            hint=f"dl evaluate {path} --data rows.csv --target COLUMN",
        )
    return path, data


def _refuse_for_run(target: tuple[str, ...], overrides: tuple[str, ...]) -> None:
    if target or overrides:
        raise UsageError(
            "--target and --set are for model files: a run has a config of its own",
            hint="leave them out",
        )


def _print_json(run: str, evaluation: Evaluation) -> None:
    import json

    result = {
        "run": run,
        "split": evaluation.split,
        "rows": evaluation.rows,
        "metrics": evaluation.metrics,
    }
    click.echo(json.dumps(result))
