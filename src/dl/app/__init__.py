"""The use cases, which commands and the Python API share: check a config, use a run, look inside.

Those that train are in `training`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl.errors import (
    BusyError,
    DataError,
    DiskError,
    DlError,
    UsageError,
)
from dl.imports import importing
from dl.progress import Reporter, SilentReporter
from dl.rundir.directory import RunDirectory, SweepDirectory, find_run
from dl.rundir.manifest import read_checked
from dl.rundir.record import RunRecord, read_history, read_record

if TYPE_CHECKING:
    from dl.audit.glance import Glance, TokenGlance
    from dl.audit.table import Table
    from dl.config.load import Loaded
    from dl.config.rules import Advice, Note
    from dl.data.inputs import InputBlocks
    from dl.data.target import Target
    from dl.export.files import Exported
    from dl.inspect import LayerRow, NetworkStatistics
    from dl.inspect.diagnose import Diagnosis
    from dl.inspect.evidence import Evidence
    from dl.inspect.row import RowTrace
    from dl.inspect.trace import Trace
    from dl.play.session import Session
    from dl.predict.evaluate import Evaluation
    from dl.predict.lite import Outputs, SavedFiles, Task
    from dl.report.ranking import Ranking
    from dl.report.verdict import Verdict
    from dl.rundir.query import Entry, Row
    from dl.serve.service import Service

_MOST_BYTES = 100_000_000
"""Larger data takes seconds to read; its advice is told when it is trained on."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What `diagnose` found in a run: ids with what they say, and what they were found in."""

    run: RunDirectory
    record: RunRecord
    case: Evidence
    found: Sequence[tuple[str, Diagnosis]]


@dataclass(frozen=True, slots=True)
class Described:
    """A table at a glance.

    Attributes:
        table: The table.
        columns: Its columns.
        findings: Where it leaks, and what `dl lint` says of its columns.
        tokens: The tokens of its columns of texts.
        why_not: Why leaks are not looked for, in words; empty if they are.
    """

    table: Table
    columns: list[Glance]
    findings: list[Note]
    tokens: list[TokenGlance]
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """Runs that were asked for.

    Attributes:
        chosen: Each with what is known of it, by key.
        damaged: What is wrong with those that cannot be read.
        any_readable: Whether there are runs at all.
    """

    chosen: list[tuple[Entry, Row]]
    damaged: list[str]
    any_readable: bool


def config_of(run: RunDirectory, overrides: tuple[str, ...]) -> Loaded:
    """Returns the config of a run, which an earlier `dl` may have trained, with overrides.

    Raises:
        RunError: It is damaged.
        ConfigError: The overrides make it a wrong one.
    """
    from dl.config.load import load_resolved, load_text

    text = read_checked(run.resolved)
    loaded = load_resolved(run.resolved, text)
    return load_text(run.resolved, text, overrides, trained=True) if overrides else loaded


def named_config(text: str, runs: Path, overrides: tuple[str, ...]) -> Loaded:
    """Returns the config that `text` names: a file, or that of a run.

    Raises:
        DlError: There is none, or it is wrong.
    """
    from dl.config.load import load_config

    if names_config(text):
        return load_config(Path(text), overrides)
    return config_of(find_run(text, runs), overrides)


def names_config(text: str) -> bool:
    """Tells whether `text` names a config's file, not a run."""
    path = Path(text)
    return path.is_file() or ends_as_config(path)


def ends_as_config(path: Path) -> bool:
    """Tells whether a file is named as a config is, not as rows are."""
    return path.suffix.lower() in (".yaml", ".yml")


def validate(loaded: Loaded, *, build: bool) -> None:
    """Checks what a config says of a table's header; with `build`, its data and model, too.

    Raises:
        ConfigError: The config is wrong.
        DataError: The data cannot be used.
    """
    from dl.config.tables import check_headers

    check_headers(loaded.config.data)
    if build:
        from dl.data.load import read_dataset
        from dl.training.setup import prepare

        prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())


def lint(loaded: Loaded) -> list[Note]:
    """Returns advice on a config, and on its data where that is a file of moderate size."""
    from dl.config.rules import placed

    return placed(loaded, _advice(loaded))


def describe(
    source: Path | Loaded | RunDirectory, targets: Sequence[str], reporter: Reporter
) -> Described:
    """Looks at the table of a config or run, or at that of a file as `dl init` would read it.

    A file of which no config can be made, or whose target nobody names, is only looked at. A run
    keeps what is found for its page, unless it is in training or cannot be written to.

    Args:
        source: The config, the run, or the file.
        targets: The columns of a file to predict.
        reporter: Is told what happens.

    Raises:
        DlError: The table cannot be read, or not be used as the config says.
    """
    from dl.audit.glance import glance, token_glances
    from dl.audit.leaks import FEWEST_ROWS, audit
    from dl.audit.table import file_config, read_file, read_table
    from dl.config.data import window_of
    from dl.report.ranking import keep_audit

    why_not = ""
    if isinstance(source, RunDirectory):
        from dl.config.load import load_resolved
        from dl.data.dataset import read_preprocessing

        loaded = load_resolved(source.resolved, read_checked(source.resolved))
        table = read_table(loaded, reporter, read_preprocessing(source).fingerprint)
    elif not isinstance(source, Path):
        table = read_table(source, reporter)
    elif not targets and not source.is_dir() and source.suffix.lower() != ".npz":
        table, why_not = read_file(source), "it is not said which column is to be predicted"
    else:
        try:
            table = read_table(file_config(source, targets), reporter)
        except DataError as error:
            if not targets or not source.is_file():
                raise
            table, problem = read_file(source), error.problems[0]
            if not all(target in table.columns for target in targets):
                raise
            why_not = problem.message.removeprefix(f"{source}: ")
            why_not += f"; found {problem.found}" if problem.found else ""
    if table.loaded is not None and window_of(table.loaded.config.data):
        why_not = "the rows are a series: what a window holds lies before what it is to predict"
    if not why_not and len(table) < FEWEST_ROWS:
        why_not = f"in fewer than {FEWEST_ROWS} rows all may be chance"
    found = Described(table, glance(table), audit(table), token_glances(table), why_not)
    if isinstance(source, RunDirectory):
        with _kept(reporter):
            keep_audit(source, found.findings, why_not)
    return found


@contextmanager
def _kept(reporter: Reporter) -> Iterator[None]:
    """Says why a run does not keep what was found of it; it has been found all the same."""
    try:
        yield
    except (BusyError, DiskError) as error:
        reporter.warn(f"the run does not keep this: {error.problems[0].message}")


def summary(loaded: Loaded, reporter: Reporter) -> list[LayerRow]:
    """Returns the layers of a config's model; raises `DlError` where it cannot be built."""
    _load_keras("dl.inspect.layers", reporter)
    from dl.inspect.layers import layer_rows
    from dl.training.setup import build

    return layer_rows(build(loaded, reporter))


def _load_keras(module: str, reporter: Reporter) -> None:
    """Imports a module that brings Keras along, in a thread: pyarrow loads meanwhile."""
    with reporter.stage("Loading Keras"), importing(module) as load:
        import dl.data.load  # noqa: F401

        load()


def config_or_run(
    command: str, text: str, runs: Path, overrides: tuple[str, ...]
) -> Loaded | RunDirectory:
    """Returns the config or the run that `text` names, for a command that takes either.

    Raises:
        DlError: There is none, it is wrong, or there are overrides of a run.
    """
    from dl.config.load import load_config

    if names_config(text):
        return load_config(Path(text), overrides)
    run = find_run(text, runs)
    if overrides:
        raise UsageError(
            "--set changes a config, but a run is as it was trained",
            hint=f"dl {command} {run.resolved} --set {overrides[0]}",
        )
    return run


def trace(subject: Loaded | RunDirectory, rows: int | None, reporter: Reporter) -> Trace:
    """Returns one training step: the first of a config, or one from the weights of a run.

    Args:
        subject: The config, or the run.
        rows: Rows of the mini-batch; None for the batch size of the config.
        reporter: Is told what happens.

    Raises:
        DlError: The data or the model cannot be used.
    """
    if isinstance(subject, RunDirectory):
        _load_keras("dl.inspect.trace", reporter)
        from dl.inspect.trace import trace as trace_step
        from dl.predict.evaluate import open_run, training_data

        saved = open_run(subject, reporter)
        return trace_step(saved.model, training_data(saved, reporter), saved.config, rows)
    _load_keras("dl.inspect.trace", reporter)
    from dl.data.load import read_dataset
    from dl.inspect.trace import trace as trace_step
    from dl.training.setup import prepare

    prepared = prepare(subject, read_dataset(subject, reporter), reporter)
    return trace_step(prepared.model, prepared.dataset, prepared.config, rows)


def trace_row(
    subject: Loaded | RunDirectory, row: int, split: str | None, reporter: Reporter
) -> RowTrace:
    """Returns the way of a row through the network of a run, and the least that turns the answer.

    Args:
        subject: The run.
        row: The 0-based position of the row in its source.
        split: The part to look for it in; None for all.
        reporter: Is told what happens.

    Raises:
        DlError: It is no run, there is no such row, or the run cannot be used.
    """
    if not isinstance(subject, RunDirectory):
        raise UsageError(
            "--row is for a run: a network that is not trained has no answer yet",
            hint="dl train it, then dl trace RUN --row N; or --rows N for the first step",
        )
    _load_keras("dl.inspect.row", reporter)
    from dl.data.dataset import Dataset
    from dl.data.load import load_parts
    from dl.inspect.row import find_row
    from dl.inspect.row import trace_row as way_of
    from dl.predict.evaluate import open_run

    saved = open_run(subject, reporter)
    parts = load_parts(saved.config, saved.preprocessing, reporter)
    name, found = find_row(parts, row, split)
    return way_of(
        saved.model, Dataset(parts["train"], None, None, saved.preprocessing), name, found
    )


def evaluate(
    run: RunDirectory,
    data: Path | None,
    split: str,
    threshold: float | None,
    reporter: Reporter,
) -> Evaluation:
    """Measures the model of a run on a file of labelled rows, or on a part of the run's own data.

    Raises:
        DlError: The run or the rows cannot be used.
    """
    _load_keras("dl.predict.evaluate", reporter)
    from dl.predict.evaluate import evaluate_run, open_run

    return evaluate_run(open_run(run, reporter, threshold), data, split, reporter)


def evaluate_file(
    path: Path,
    data: Path,
    target: tuple[str, ...],
    overrides: tuple[str, ...],
    reporter: Reporter,
) -> Evaluation:
    """Measures a model file of plain Keras on a file of labelled rows.

    Raises:
        DlError: The model or the rows cannot be used.
    """
    with reporter.stage("Loading Keras"):
        from dl.predict.keras_file import evaluate_keras_file, read_keras_file
    return evaluate_keras_file(read_keras_file(path, overrides), data, target, overrides, reporter)


def baseline(subject: Loaded | RunDirectory, reporter: Reporter) -> Ranking:
    """Returns what simple models reach on the data of a config, or where a run stands among them.

    The run keeps it, unless it is in training or cannot be written to.

    Raises:
        DlError: The data cannot be used, the run is damaged, or there is nothing to compare.
    """
    with reporter.stage("Loading Keras"):
        from dl.baselines.ranking import rank_config, rank_run
        from dl.predict.evaluate import open_run
        from dl.report.ranking import keep_ranking, model_of
    if not isinstance(subject, RunDirectory):
        return rank_config(subject, reporter)
    model = model_of(subject)  # before it is read: one that is trained on meanwhile is another
    ranking = rank_run(open_run(subject, reporter), reporter)
    with _kept(reporter):
        keep_ranking(subject, ranking, model)
    return ranking


def predict(run: RunDirectory, task: Task, reporter: Reporter) -> Iterator[Mapping[str, Any]]:
    """Yields the columns of the output, some rows at a time, in the order of the rows.

    Those that are kept are Arrow's, as they were read, those of predictions are arrays.

    Raises:
        DlError: The run or the rows cannot be used.
    """
    from dl.predict.forms import check_task, columns_of
    from dl.predict.lite import open_files, predictions

    check_task(task)
    if task.source is None and task.lines:
        raise UsageError("--lines is for a FILE or -", hint="name it, or leave --lines out")
    if task.source is None and task.keep:
        message = "columns are kept of rows in a file, not of a part of the run's own data"
        raise UsageError(message, hint="name the file of the rows, or leave --keep out")
    files = open_files(run, task.threshold)
    columns = columns_of(files, task, reporter)
    model = _outputs(files, reporter, task)
    rows = _rows(files, task, reporter)
    target = files.preprocessing.target
    return predictions(model, rows, target, task, reporter, columns)


def service(run: RunDirectory, threshold: float | None, reporter: Reporter) -> Service:
    """Returns a run that can be asked for predictions again and again.

    Raises:
        DlError: The run cannot be used, or not row by row.
    """
    from dl.predict.lite import Task, open_files
    from dl.serve.service import Service, check_servable

    files = open_files(run, threshold)
    check_servable(files)
    return Service(files, _outputs(files, reporter, Task(None)))


def export(run: RunDirectory, paths: Mapping[str, Path], reporter: Reporter) -> list[Exported]:
    """Writes a run for other programs; see `dl.export.files`.

    Args:
        run: The run.
        paths: Where to, by format: onnx, saved_model, litert, litert-int8, keras, script, notebook.
        reporter: Is told what happens.

    Returns:
        What was written, in this order.

    Raises:
        DlError: The run cannot be used; or some format cannot hold it: all others are written.
    """
    _load_keras("dl.export.files", reporter)
    from dl.export.files import Exporter
    from dl.predict.evaluate import rebuild
    from dl.predict.lite import Task, open_files

    files = open_files(run)
    exporter = Exporter(rebuild(files, reporter), _outputs(files, reporter, Task(None)), reporter)
    found, refused = list[Any](), list[UsageError]()
    for to, path in paths.items():
        try:
            found.append(exporter.export(to, path))
        except UsageError as error:
            refused.append(error)
    if refused:
        for each in found:
            reporter.note(f"written: {each.path}")
        raise UsageError.of(problem for error in refused for problem in error.problems)
    return found


def play(
    subject: Path | None,
    target: str,
    overrides: tuple[str, ...],
    scratch: Path,
    reporter: Reporter,
) -> Session:
    """Returns what a page plays with: a config, a table, or a made-up problem where none is given.

    Args:
        subject: The file of a config, or of a table.
        target: The column of a table to predict; empty for the likeliest.
        overrides: Changes of the config.
        scratch: The folder for what the page changes.
        reporter: Is told what happens.

    Raises:
        DlError: It cannot be read, or shows nothing on a plane of two inputs.
    """
    from dl.config.load import load_config
    from dl.play import settings

    config = subject is not None and ends_as_config(subject)
    if (target and (config or subject is None)) or (overrides and not config):
        wrong = "--target is for a table" if target else "--set is for a config"
        raise UsageError(wrong, hint="dl play --help")
    if subject is None:
        setting = settings.preset("circles", scratch)
    elif config:
        setting = settings.opened(load_config(subject, overrides))
    else:
        setting = settings.of_table(subject, target)
    _load_keras("dl.play.session", reporter)
    from dl.play.session import Session

    with reporter.stage("Building the network"):
        session = Session(setting, scratch)
        session.wait()
    return session


def diagnose(run: RunDirectory, reporter: Reporter) -> Findings:
    """Returns what went wrong in a run: from its history, its weights and their gradients.

    Raises:
        RunError: The run is damaged.
    """
    from dl.config.load import load_resolved
    from dl.inspect.diagnose import diagnose as findings
    from dl.inspect.evidence import Evidence

    record = read_record(run)
    config = load_resolved(run.resolved, read_checked(run.resolved)).config
    history = read_history(run) if run.history.exists() else []
    signals, said = _signals(run, reporter), one_answer_of(run)
    case = Evidence.of_run(config, record, history, signals, said)
    return Findings(run, record, case, findings(case))


def one_answer_of(run: RunDirectory, target: Target | None = None) -> str:
    """Returns what the network answers to each row of a run, in words; empty if answers differ."""
    from dl.data.dataset import read_preprocessing
    from dl.data.predictions import one_answer, read_answers

    if not run.outputs.exists():
        return ""
    target = target or read_preprocessing(run).target
    return one_answer(read_answers(run, target), target)


def verdict_of(run: RunDirectory) -> Verdict:
    """Returns what came of a run, in one sentence and its parts; raises `RunError`."""
    from dl.report.verdict import verdict
    from dl.rundir.query import read_entry

    return verdict(read_entry(run))


def page(directory: RunDirectory | SweepDirectory) -> str:
    """Returns the page of a run or a sweep, as HTML; raises `RunError` where that is damaged."""
    if isinstance(directory, SweepDirectory):
        from dl.report.sweep_page import sweep_page
        from dl.sweeps.results import read_results

        return sweep_page(read_results(directory))
    from dl.report.run_page import run_page
    from dl.report.stored import read_stored_run

    return run_page(read_stored_run(directory))


def _advice(loaded: Loaded) -> Iterator[Advice]:
    from dl.config.data import NpzData, TableFile
    from dl.config.files import own_paths
    from dl.config.rules import advise, facts_of

    data = loaded.config.data
    near = isinstance(data, NpzData) or (isinstance(data, TableFile) and not data.remote)
    files = own_paths(data) if near else [Path()]
    if not all(map(Path.is_file, files)) or sum(f.stat().st_size for f in files) > _MOST_BYTES:
        return advise(facts_of(loaded.config, Path()))
    from dl.data.load import read_dataset
    from dl.data.rules import advice_for

    return advice_for(loaded.config, read_dataset(loaded, SilentReporter()))


def select_runs(
    root: Path, name: str | None, conditions: Sequence[str], sort: str, columns: Sequence[str] = ()
) -> Selected:
    """Returns the runs below `root` that fulfil all conditions, in the order asked for.

    Args:
        root: The folder of all runs.
        name: Only the runs of this name; of a sweep, its trials.
        conditions: Such as `accuracy>0.95` or `training.batch_size=32`.
        sort: A key to sort by; descending where it begins with `-`.
        columns: More keys whose values are wanted.

    Raises:
        UsageError: A condition cannot be read, or no run has a value of a key.
    """
    from dl.rundir.query import parse_condition, read_entries, select, utc_now

    entries = read_entries(root, name)
    parsed = [parse_condition(text) for text in conditions]
    key, now = sort.removeprefix("-"), utc_now()
    wanted = [*(condition.key for condition in parsed), key, *columns]
    rows: list[Row] = [entry.facts(now) for entry in entries.readable]
    if not all(each in row for each in wanted for row in rows):
        from dl.rundir.settings import SettingsMemory, require_keys, rows_of

        rows = rows_of(entries.readable, SettingsMemory(root), wanted)
        require_keys("--filter", (condition.key for condition in parsed), rows)
        require_keys("--sort", [key], rows)
        require_keys("--columns", columns, rows)
    chosen = select(entries.readable, rows, parsed, sort)
    return Selected(chosen, entries.damaged, bool(entries.readable))


def _outputs(files: SavedFiles, reporter: Reporter, task: Task) -> Outputs:
    """Opens the lite copy of the model; loads TensorFlow only where that cannot be used."""
    from dl.predict.lite import UnusableError, open_lite

    try:
        if task.layer is None and task.samples is None:
            return open_lite(files.run)
        last = "it gives the outputs of the last layer alone"
        unusable = UnusableError(last if task.samples is None else "it drops nothing")
    except UnusableError as error:
        unusable = error
    if not unusable.suspicious:
        reporter.note(f"no lite copy of the model ({unusable}): TensorFlow is loaded")
    with reporter.stage("Loading Keras"):
        from dl.predict.evaluate import Forward, rebuild
        from dl.predict.samples import Samples
    saved = rebuild(files, reporter)
    if task.samples is not None:
        return Samples(saved, task.samples)
    model = Forward(saved.model, task.layer)
    if unusable.suspicious:
        reporter.warn(f"{files.run.label}: {unusable}; TensorFlow predicted from model.h5 instead")
    return model


def _rows(files: SavedFiles, task: Task, reporter: Reporter) -> InputBlocks:
    from dl.data.drift import Drift, read_summaries
    from dl.data.inputs import open_blocks, split_blocks

    fitted = files.preprocessing
    compared = task.source is not None and fitted.array is None
    columns = read_summaries(files.run, fitted.kinds) if compared else None
    if task.drift == "error" and columns is None:
        reason, hint = "an earlier dl trained", "train again, or leave --drift error out"
        reason = f"{reason} {files.run.label}, and kept nothing of its rows"
        if not compared:
            reason = "only rows of a table in a file are compared with those of the training part"
            hint = "leave --drift error out"
        raise UsageError(f"whether the rows have drifted is not known: {reason}", hint=hint)
    if task.source is None:
        return split_blocks(files.config, fitted, task.split, reporter)
    # Of a series, the past of the target is meant to go on beyond what it has been.
    past = fitted.target.names if fitted.window else ()
    drift = Drift([each for each in columns or () if each.name not in past], task.drift)
    return open_blocks(
        files.config, fitted, task.source, reporter, task.keep, drift, lines=task.lines
    )


def _signals(run: RunDirectory, reporter: Reporter) -> NetworkStatistics | None:
    """Measures the layers; where that cannot be, the history has to do."""
    _load_keras("dl.inspect.layers", reporter)
    from dl.inspect.layers import measure_run

    try:
        with reporter.stage("Measuring the layers"):
            return measure_run(run, reporter)
    except DlError as error:
        reporter.warn(f"the layers cannot be measured: {error.problems[0].message}")
        return None
