"""`dl evaluate`, `predict`, `summary`, `trace` and `diagnose`: a model, and what it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from dl.cli.options import (
    RunType,
    check_output,
    check_output_folder,
    json_option,
    output_option,
    print_json,
    quiet_option,
    run_argument,
    runs_option,
    set_option,
    targets_option,
    threshold_option,
    usual_options,
)
from dl.cli.process import open_reporter
from dl.errors import UsageError
from dl.rundir.directory import find_run
from dl.text import percent

_SPLITS = click.Choice(["train", "validation", "test"])
_STDIN = 0

config_or_run_argument = click.argument("config_or_run", type=RunType(), metavar="CONFIG|RUN")


@click.command()
@run_argument
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Labelled rows of another file, instead of a part of the run's own data.",
)
@click.option("--split", type=_SPLITS, help="Which part.  [default: test, if there is no --data]")
@targets_option("For a model file: the column of the true values. Repeatable.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="For a model file: a value of its config, e.g. training.loss=mse. Repeatable.",
)
@threshold_option
@usual_options
def evaluate(
    run: str,
    data: Path | None,
    split: str | None,
    targets: tuple[str, ...],
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
    from dl import app
    from dl.cli.texts import metrics_text, steps_text

    with open_reporter(quiet=quiet) as reporter:
        if os.path.isfile(run):
            path, rows = _model_file(Path(run), data, split)
            if threshold is not None:
                overrides = (*overrides, f"evaluation.threshold={threshold}")
            evaluation = app.evaluate_file(path, rows, targets, overrides, reporter)
        elif targets or overrides:
            raise UsageError(
                "--target and --set are for model files: a run has its own config",
                hint="leave them out",
            )
        else:
            directory = find_run(run, runs)
            path = directory.path
            evaluation = app.evaluate(directory, data, split or "test", threshold, reporter)
    if as_json:
        print_json({"run": path}, evaluation)
    else:
        click.echo(metrics_text({evaluation.split: evaluation.metrics}, evaluation.trivial))
        if evaluation.coverage is not None:
            low, high = evaluation.interval
            share = percent(evaluation.coverage)
            click.echo(f"\ncoverage: {share} of the rows lie from {low} to {high}")
        if evaluation.by_step:
            simple = evaluation.trivial.by_step(evaluation.split) if evaluation.trivial else {}
            click.echo(f"\n{steps_text({'the network': evaluation.by_step, **simple})}")


def _model_file(path: Path, data: Path | None, split: str | None) -> tuple[Path, Path]:
    """Returns the file of a model and that of its rows, if these options make sense together."""
    if (path.parent / "run.json").is_file():
        raise UsageError(
            f"{path} is the model of a run, which also says how its rows are prepared",
            hint=f"name the run: dl evaluate {path.parent}",
        )
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise UsageError(
            f"{path} is not a run, and not a model file that can be read",
            expected="a run, or a file that `model.save('model.h5')` wrote",
        )
    if data is None or split is not None:
        raise UsageError(
            f"{path} is a model without its own data",
            expected="--data FILE, and no --split",
            hint=f"dl evaluate {path} --data rows.csv --target COLUMN",
        )
    return path, data


@click.command()
@config_or_run_argument
@set_option
@usual_options
def baseline(
    config_or_run: str, overrides: tuple[str, ...], runs: Path, quiet: bool, as_json: bool
) -> None:
    """Say what simple models reach on the same data.

    Always the same answer, a line, neighbours and boosted trees. They are fitted on the same
    training rows, prepared in the same way, and measured by the same metrics on the same test (else
    validation) rows. With a run, the network stands among them, and each difference is tested row
    by row; the run keeps it for dl show, report and compare.

    \b
    dl baseline bikes.yaml
    dl baseline bikes/3 --json
    """
    from dl import app

    with open_reporter(quiet=quiet) as reporter:
        subject = app.config_or_run("baseline", config_or_run, runs, overrides)
        ranking = app.baseline(subject, reporter)
        if ranking.network is None:
            reporter.note("the network beside them: dl train, then dl baseline RUN")
    if as_json:
        print_json(ranking)
    else:
        from dl.report.ranking import ranking_text

        click.echo(ranking_text(ranking))


@click.command()
@run_argument
@click.argument("file", required=False, metavar="[FILE|-]")
@output_option("Default: stdout.", "OUT", folders=True)
@click.option(
    "--split",
    type=_SPLITS,
    help="A part of the run's own data instead of FILE.  [default: test, if there is no FILE]",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Write a column of FILE, too, as it stands there; may be repeated.",
)
@click.option(
    "--as", "name", default="prediction", metavar="NAME", help="Name of the column `prediction`."
)
@click.option("--lines", is_flag=True, help="Each line of FILE is a text to predict.")
@click.option(
    "--drift",
    type=click.Choice(["ignore", "warn", "error"]),
    default="warn",
    show_default=True,
    help="What to do about rows that the training part had nothing like.",
)
@click.option(
    "--layer", metavar="NAME", help="The outputs of a layer, NAME_1, NAME_2…, not predictions."
)
@click.option(
    "--error",
    is_flag=True,
    help="Of a run with `target: inputs`: how far each row comes back from what it was.",
)
@click.option(
    "--quantile",
    type=click.FloatRange(0, 1),
    metavar="Q",
    help="With --error: a row is unusual whose error is above those of this fraction of the "
    "training rows.  [default: 0.99]",
)
@click.option(
    "--masks",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Of a class at each pixel: write a PNG for each row, of the size of its picture.",
)
@click.option(
    "--join", metavar="TEXT", help="Of a class at each step: one column, with TEXT between them."
)
@click.option(
    "--samples",
    type=int,
    metavar="N",
    help="Predict each row N times with dropout active: mean, and standard deviation (_std).",
)
@threshold_option
@runs_option
@quiet_option
def predict(
    run: str,
    file: str | None,
    output: Path | None,
    split: str | None,
    masks: Path | None,
    runs: Path,
    quiet: bool,
    **asked: Any,
) -> None:
    """Predict with the saved model of RUN, row by row.

    FILE is read as the run's own data was (the target may be absent); - is stdin. The columns are
    `prediction` and, for a classifier, `probability_<class>`. What is written is CSV, or Parquet
    where OUT ends in .parquet. A table may be of any length: a few thousand rows at a time are in
    memory. Values, categories and whole columns that are unlike those of the training part are
    told at the end.

    \b
    dl predict titanic test.csv --keep PassengerId --as Survived -o out.csv
    dl predict titanic test.csv --samples 50
    echo "A film that moves" | dl predict reviews - --lines
    """
    from dl import app

    if file is not None and split is not None:
        raise UsageError("FILE and --split exclude each other", hint="leave one of them out")
    directory = find_run(run, runs)
    reads: list[Path | int] = [_STDIN if file == "-" else Path(file)] if file else []
    if output is not None:
        check_output(output, [directory], reads)
    if masks is not None:
        check_output_folder(masks, directory, reads)
    source: Path | BinaryIO | None = None
    if file is not None:
        source = sys.stdin.buffer if file == "-" else Path(file)
    with open_reporter(quiet=quiet, rows=output is None) as reporter:
        from dl.data.write import rows_output
        from dl.predict.lite import Task

        task = Task(source, split or "test", masks=masks, **asked)
        with rows_output(output if output is not None else sys.stdout.buffer) as write:
            for block in app.predict(directory, task, reporter):
                write(block)


@click.command()
@config_or_run_argument
@set_option
@runs_option
@json_option
def summary(config_or_run: str, overrides: tuple[str, ...], runs: Path, as_json: bool) -> None:
    """Show the layers, their parameters, and the hyperparameters.

    The argument is a config file or a run.
    """
    from dl import app
    from dl.cli.texts import hyperparameters_text, summary_text, totals
    from dl.config.summary import hyperparameters

    loaded = app.named_config(config_or_run, runs, overrides)
    with open_reporter(quiet=False) as reporter:
        rows = app.summary(loaded, reporter)
    chosen = hyperparameters(loaded.config)
    if as_json:
        total, trainable = totals(rows)
        print_json(
            {"layers": rows, "parameters": total, "trainable": trainable, "hyperparameters": chosen}
        )
    else:
        click.echo(f"{summary_text(loaded.config.name, rows)}\n\n{hyperparameters_text(chosen)}")


@click.command()
@config_or_run_argument
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    metavar="N",
    help="Rows of the mini-batch. Default: the batch size of the config.",
)
@click.option(
    "--row",
    type=click.IntRange(min=0),
    metavar="N",
    help="Of a run: the way of one row instead, by its position in the source, from 0.",
)
@click.option("--split", type=_SPLITS, help="With --row: the part to look for it in.")
@set_option
@usual_options
def trace(
    config_or_run: str,
    rows: int | None,
    row: int | None,
    split: str | None,
    overrides: tuple[str, ...],
    runs: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Show one training step by hand, with all its numbers.

    Inputs, activations, loss, gradients, update. With a config it is the first step of its
    training, from the initial weights; with a run, a step from its trained weights, with an
    optimizer that starts afresh. Nothing is written. Wide layers are cut in the table; --json has
    every number.

    With --row it is one row of a run, forwards through the trained network, and the smallest
    change of its inputs that was found to turn the answer; of a regression, what the answer gains
    by each input.

    \b
    dl trace configs/xor.yaml
    dl trace xor --rows 2 --json
    dl trace iris --row 17
    """
    from dl import app
    from dl.cli.texts import row_text, trace_document, trace_text

    if row is None and split is not None:
        raise UsageError("--split goes with --row", hint="leave it out")
    if row is not None and rows is not None:
        raise UsageError("--row and --rows exclude each other", hint="leave one of them out")
    with open_reporter(quiet=quiet) as reporter:
        subject = app.config_or_run("trace", config_or_run, runs, overrides)
        document: object
        if row is not None:
            document = way = app.trace_row(subject, row, split, reporter)
            text = row_text(way)
        else:
            made = app.trace(subject, rows, reporter)
            document, text = trace_document(made), trace_text(made)
    if as_json:
        print_json(document)
    else:
        click.echo(text)


@click.command()
@run_argument
@usual_options
def diagnose(run: str, runs: Path, quiet: bool, as_json: bool) -> None:
    """Say what went wrong in RUN, and what to try.

    Over- and underfitting, a loss that stalls, jumps or becomes NaN, units that give
    0 for every row, gradients that vanish or explode: each with its numbers, why, and the lines to
    try. Put such lines into the config, or into a new one with `extends`. The exit code is 0 with
    and without findings.

    \b
    dl diagnose moons
    dl diagnose moons/3 --json
    """
    from dl import app
    from dl.cli.texts import diagnose_document, diagnose_text

    directory = find_run(run, runs)
    with open_reporter(quiet=quiet) as reporter:
        findings = app.diagnose(directory, reporter)
    if as_json:
        print_json(diagnose_document(findings))
    else:
        click.echo(diagnose_text(findings))
