"""The Python API: what the commands do, for notebooks and scripts, with the same bits and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl import app
from dl.app import training
from dl.app.training import Caller
from dl.config.builder import node_of
from dl.config.data import TYPED
from dl.config.document import read_bytes
from dl.config.load import Loaded, load_config, load_mapping
from dl.config.nodes import find, flow, plain
from dl.config.overrides import Override, path_parts, read_with_bases
from dl.errors import Mark, UsageError
from dl.hosted import computed, hosted, noted
from dl.progress import SilentReporter
from dl.rows import Rows, rows_file
from dl.run import Description, Run, Sweep
from dl.rundir.directory import DEFAULT_ROOT, RunDirectory, SweepDirectory, find_run

if TYPE_CHECKING:
    import pandas as pd

    from dl.inspect.rates import RateTest
    from dl.report.ranking import Ranking

Config = str | Path | Mapping[str, Any]
"""A config: its file, or the same as a dict."""
Overrides = Mapping[str, Any] | None
"""Values on top of a config, by their paths: `{"training.epochs": 5}`."""


def train(
    config: Config,
    overrides: Overrides = None,
    *,
    data: Rows = None,
    name: str | None = None,
    runs: str | Path = DEFAULT_ROOT,
    report: bool = True,
    quiet: bool = True,
) -> Run:
    """Trains a config as `dl train` does, and returns the run.

    Args:
        config: The file, or the same as a dict.
        overrides: Values on top of it, by their paths: `{"training.epochs": 5}`.
        data: A `pandas.DataFrame` in the place of the config's csv or Parquet file, or a dict of
            arrays in the place of its npz file; the run keeps the rows.
        name: Name of the run. Default: the config's.
        runs: The folder of all runs.
        report: Whether to draw the pictures and to write the page, which takes some seconds.
        quiet: Whether to tell nothing on stderr; else a line for each step and epoch.

    Raises:
        ConfigError: The config is wrong; `problems` has all of it.
        DlError: The data cannot be used, or the training did not end well.
        KeyboardInterrupt: Ctrl-C; what was finished is kept, and `dl.resume` goes on with it.
    """

    def work(reporter: SilentReporter, caller: Caller) -> RunDirectory:
        with _loaded(config, overrides, name, data, reporter) as loaded:
            return training.train(loaded, Path(runs), replace(caller, report=report)).run

    call = f"dl.train({config!r})" if isinstance(config, str | Path) else "dl.train(dict)"
    return Run(hosted(work, call, quiet=quiet))


def resume(
    run: str | Path | Run,
    epochs: int | None = None,
    *,
    runs: str | Path = DEFAULT_ROOT,
    force: bool = False,
    quiet: bool = True,
) -> Run:
    """Goes on with a run from its last checkpoint, with the bits of one that was never stopped.

    Args:
        run: The run.
        epochs: Its new number of epochs, to train it longer.
        runs: The folder of all runs.
        force: Whether to go on although data or versions have changed.
        quiet: Whether to tell nothing on stderr.

    Raises:
        DlError: It cannot be resumed, or the training did not end well.
        KeyboardInterrupt: Ctrl-C; as `train`.
    """

    def work(reporter: SilentReporter, caller: Caller) -> RunDirectory:
        directory = run.directory if isinstance(run, Run) else find_run(str(run), Path(runs))
        overrides = () if epochs is None else (f"training.epochs={epochs}",)
        loaded = app.config_of(directory, overrides)
        return training.resume(directory, loaded, caller, force=force).run

    return Run(hosted(work, f"dl.resume({str(run)!r})", quiet=quiet))


def load(run: str | Path, *, runs: str | Path = DEFAULT_ROOT) -> Run:
    """Returns a run: by its directory, its name (the newest) or `name/number`.

    Raises:
        RunError: There is no such run.
    """
    return Run(noted(lambda: find_run(str(run), Path(runs))))


def baseline(
    config_or_run: Config | Run,
    overrides: Overrides = None,
    *,
    data: Rows = None,
    runs: str | Path = DEFAULT_ROOT,
) -> pd.DataFrame:
    """Returns what simple models reach where a network is trained, the best first.

    Args:
        config_or_run: The config, as for `train`; or a run, which then stands among them.
        overrides: Values on top of a config, by their paths.
        data: Rows in the place of a config's file, as for `train`.
        runs: The folder of all runs.

    Returns:
        A row for each model: its metrics, `rows` that it was fitted on and `seconds`. With a run,
        `gain` is by how much the network is better, between `low` and `high`, `p` how often chance
        gives as much, and `real` whether it is more than that.

    Raises:
        DlError: The data or the run cannot be used, or there is nothing to compare.
    """
    import pandas as pd

    def rank(reporter: SilentReporter) -> Ranking:
        if isinstance(config_or_run, Run):
            return app.baseline(config_or_run.directory, reporter)
        if isinstance(config_or_run, Mapping) or app.names_config(str(config_or_run)):
            with _loaded(config_or_run, overrides, None, data, reporter) as loaded:
                return app.baseline(loaded, reporter)
        return app.baseline(find_run(str(config_or_run), Path(runs)), reporter)

    found = computed(rank)
    gains = {verdict.model: asdict(verdict) for verdict in found.verdicts}
    columns = ("gain", "low", "high", "p", "real") if gains else ()
    rows = {
        model.name: {
            **model.metrics,
            "rows": model.rows,
            "seconds": model.seconds,
            **{name: gains.get(model.name, {}).get(name) for name in columns},
        }
        for model in found.models
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    return frame.astype({"rows": "Int64"})


def learning_rates(
    config: Config, overrides: Overrides = None, *, data: Rows = None, steps: int = 200
) -> RateTest:
    """Finds a learning rate by a short training with a growing rate, as `dl lr` does.

    Args:
        config: The config, as for `train`.
        overrides: Values on top of it, by their paths.
        data: Rows in the place of its file, as for `train`.
        steps: Steps (batches) of the test, no fewer than 50.

    Returns:
        `suggestion`, `reason`, and of each step `rates`, `losses` and `smoothed`.

    Raises:
        DlError: The data cannot be used, the model cannot be built, or no rate can be told.
    """
    if steps < 50:  # as the command
        raise UsageError("too few steps", expected="50 or more", found=str(steps))

    def find(reporter: SilentReporter) -> RateTest:
        with _loaded(config, overrides, None, data, reporter) as loaded:
            return training.learning_rates(loaded, steps, reporter)

    return computed(find)


def validate(config: Config, overrides: Overrides = None) -> None:
    """Checks a config in a fraction of a second, without loading Keras.

    Raises:
        ConfigError: It is wrong; `problems` has every mistake with line, column, message and hint.
    """
    noted(lambda: app.validate(_read(config, overrides, None), build=False))


def describe(
    data: Config | Run | pd.DataFrame,
    target: str | Sequence[str] = (),
    overrides: Overrides = None,
) -> Description:
    """Looks at a table as `dl data` does: each column at a glance, and where the table leaks.

    Args:
        data: A config, a run, a file of a table, or a `pandas.DataFrame`.
        target: The columns to predict, where the table is not that of a config.
        overrides: Values on top of the config, by their paths.

    Raises:
        DlError: The table cannot be read, or not be used as the config says.
    """
    targets = (target,) if isinstance(target, str) else tuple(target)

    def work(reporter: SilentReporter) -> app.Described:
        if isinstance(data, Run):
            return app.describe(data.directory, targets, reporter)
        if not isinstance(data, str | Path | Mapping):
            with rows_file(data, {}, reporter) as path:
                return app.describe(path, targets, reporter)
        if isinstance(data, Mapping) or app.ends_as_config(Path(data)):
            return app.describe(_read(data, overrides, None), targets, reporter)
        return app.describe(Path(data), targets, reporter)

    return Description(computed(work))


def sweep(
    file: str | Path,
    grid: Mapping[str, Sequence[Any]] | None = None,
    overrides: Overrides = None,
    *,
    metric: str | None = None,
    jobs: int | None = None,
    trials: int | None = None,
    resume: bool = False,
    runs: str | Path = DEFAULT_ROOT,
    quiet: bool = True,
) -> Sweep:
    """Trains many settings of a config as `dl sweep` does, in other processes, and ranks them.

    Args:
        file: The file of a sweep; with `grid` that of a config.
        grid: Values to try, by their paths: `{"training.batch_size": [16, 32]}`.
        overrides: With `grid`: values on top of the config, for all settings.
        metric: With `grid`: what is compared. Default: a validation metric.
        jobs: Trainings at the same time.
        trials: Settings in all.
        resume: Whether to resume the newest sweep of that name.
        runs: The folder of all runs.
        quiet: Whether to tell nothing on stderr.

    Raises:
        DlError: The sweep is wrong, or cannot be carried out. Trials that failed are in
            `leaderboard`, with their errors.
        KeyboardInterrupt: Ctrl-C; what was finished is kept.
    """
    from dl.sweeps.session import Job
    from dl.sweeps.watching import Watcher

    if grid is None and (overrides or metric):
        raise UsageError("overrides and metric go with grid", hint="the file of a sweep has both")
    grids = None
    if grid is not None:
        grids = [f"{path}={','.join(map(flow, values))}" for path, values in grid.items()]
    changed = [f"{path}={flow(value)}" for path, value in (overrides or {}).items()]

    def work(reporter: SilentReporter, caller: Caller) -> SweepDirectory:
        @contextmanager
        def watching() -> Iterator[Watcher]:
            with caller.stopping() as stop:
                yield Watcher(stop_signal=stop)

        checked = training.read_sweep(Path(file), grids, changed, metric, jobs=jobs, trials=trials)
        job = Job(Path(runs), caller.command, resume=resume)
        again = "the same call with resume=True"
        return training.sweep(checked, job, reporter, watching, again).directory

    return Sweep(hosted(work, f"dl.sweep({str(file)!r})", quiet=quiet))


def runs(
    filter: str | Sequence[str] = (),
    *,
    name: str | None = None,
    sort: str = "started",
    columns: Sequence[str] = (),
    runs: str | Path = DEFAULT_ROOT,
) -> pd.DataFrame:
    """Returns the runs as a table, the newest last: status, times, tags and all final metrics.

    Args:
        filter: Conditions that all must hold: `accuracy>0.9`, `training.batch_size=32`.
        name: Only the runs of this name; of a sweep, its trials.
        sort: A column, a metric or a config path to sort by; `-accuracy` for descending.
        columns: More values: paths of the config.
        runs: The folder of all runs.

    Raises:
        UsageError: No run has a value of this name.
    """
    import pandas as pd

    conditions = [filter] if isinstance(filter, str) else list(filter)
    found = noted(lambda: app.select_runs(Path(runs), name, conditions, sort, columns))
    first = ["name", "status", "started", "seconds", "epochs", "seed", "tags", *columns]
    rows = {
        entry.run.label: {key: row.get(key) for key in first}
        | {
            f"{part}.{metric}": value
            for part, values in entry.metrics.items()
            for metric, value in values.items()
        }
        for entry, row in found.chosen
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("run")
    return frame.assign(started=pd.to_datetime(frame["started"], utc=True)) if rows else frame


@contextmanager
def _loaded(
    config: Config, overrides: Overrides, name: str | None, rows: Rows, reporter: SilentReporter
) -> Iterator[Loaded]:
    """Gives the checked config; with rows, one whose data is a file of them."""
    if rows is None:
        yield _read(config, overrides, name)
        return
    changed = dict(overrides or {})
    source = data_section(config) | {
        key.removeprefix("data."): value
        for key, value in changed.items()
        if key.startswith("data.") and key.count(".") == 1
    }
    if source.get("source") not in ("csv", "npz", "builtin", None, *TYPED):
        raise UsageError(
            "data= takes the place of a file",
            expected="a config whose `data.source` is a table, npz or builtin",
            found=f"source: {source['source']}",
        )
    own = ("source", "dataset", "sheet")  # keys that Parquet has not, or otherwise
    if source.get("source") in ("builtin", *TYPED[1:]):
        changed = {key: value for key, value in changed.items() if not key.startswith("data.")}
        source = {key: value for key, value in source.items() if key not in own}
        changed["data"] = source
    if not source.get("source"):
        changed["data.source"] = "parquet"
    for key, value in {"header": True, "separator": ","}.items():  # as the rows are written below
        if key in source:
            changed[f"data.{key}"] = source[key] = value
    with rows_file(rows, source, reporter) as path:
        yield replace(_read(config, {**changed, "data.path": str(path)}, name), rows=path)


def _read(config: Config, overrides: Overrides, name: str | None) -> Loaded:
    listed = [_override(key, value) for key, value in (overrides or {}).items()]
    if isinstance(config, Mapping):
        return load_mapping(config, listed, name)
    return load_config(Path(config), listed, name)


def _override(key: str, value: Any) -> Override:
    mark = Mark(f"overrides[{key!r}]")
    return Override(path_parts(key, mark), node_of(value, mark.source), mark)


def data_section(config: Config) -> dict[str, Any]:
    """Returns what a config says of its data, unchecked: the path may be missing."""
    if isinstance(config, Mapping):
        root = node_of(config, "config")
    else:
        root = read_with_bases(Path(config), read_bytes(Path(config))).root
    section = find(root, ("data",))
    values = None if section is None else plain(section)
    return values if isinstance(values, dict) else {}
