"""The Python API: what the commands do, for notebooks and scripts, with the same bits and files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dl.app import training, using
from dl.app.training import Caller
from dl.config.load import Loaded, load_config, load_mapping
from dl.config.mapping import node_of
from dl.config.nodes import find, plain
from dl.config.overrides import Override, path_parts
from dl.errors import Mark, UsageError
from dl.hosted import noted, trained
from dl.progress import Reporter
from dl.run import Rows, Run, write_rows
from dl.runs.directory import DEFAULT_ROOT, RunDirectory
from dl.runs.find import find_run

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
        quiet: Whether to tell nothing on stderr; else a line for each step and epoch.

    Raises:
        ConfigError: The config is wrong; `problems` has all of it.
        DlError: The data cannot be used, or the training did not end well.
        KeyboardInterrupt: Ctrl-C; what was finished is kept, and `dl.resume` goes on with it.
    """
    with ExitStack() as stack:

        def work(reporter: Reporter, caller: Caller) -> RunDirectory:
            loaded = stack.enter_context(_loaded(config, overrides, name, data))
            return training.train(loaded, Path(runs), caller).run

        call = f"dl.train({config!r})" if isinstance(config, str | Path) else "dl.train(dict)"
        return Run(trained(work, call, quiet=quiet))


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
        DlError: It cannot be gone on with, or the training did not end well.
        KeyboardInterrupt: Ctrl-C; as `train`.
    """

    def work(reporter: Reporter, caller: Caller) -> RunDirectory:
        directory = run.directory if isinstance(run, Run) else find_run(str(run), Path(runs))
        overrides = () if epochs is None else (f"training.epochs={epochs}",)
        loaded = training.config_of(directory, overrides)
        return training.resume(directory, loaded, caller, force=force).run

    return Run(trained(work, f"dl.resume({str(run)!r})", quiet=quiet))


def load(run: str | Path, *, runs: str | Path = DEFAULT_ROOT) -> Run:
    """Returns a run: by its directory, its name (the newest) or `name/number`.

    Raises:
        RunError: There is no such run.
    """
    return Run(noted(lambda: find_run(str(run), Path(runs))))


def validate(config: Config, overrides: Overrides = None) -> None:
    """Checks a config in a fraction of a second, without loading Keras.

    Raises:
        ConfigError: It is wrong; `problems` has every mistake with line, column, message and hint.
    """
    noted(lambda: using.validate(_read(config, overrides, None), build=False))


@contextmanager
def _loaded(config: Config, overrides: Overrides, name: str | None, rows: Rows) -> Iterator[Loaded]:
    """Gives the checked config; with rows, one whose data is a file of them."""
    if rows is None:
        yield _read(config, overrides, name)
        return
    changed = dict(overrides or {})
    source = _data_section(config) | {
        key.removeprefix("data."): value
        for key, value in changed.items()
        if key.startswith("data.") and key.count(".") == 1
    }
    if source.get("source") not in ("csv", "parquet", "npz", None):
        raise UsageError(
            "data= stands in the place of a file",
            expected="a config whose `data.source` is csv, parquet or npz",
            found=f"source: {source['source']}",
        )
    with tempfile.TemporaryDirectory(prefix="dl-rows-") as folder:
        path = write_rows(rows, Path(folder), source)
        kind = {} if source.get("source") else {"data.source": "parquet"}
        loaded = _read(config, {**changed, **kind, "data.path": str(path)}, name)
        yield replace(loaded, rows=path)


def _read(config: Config, overrides: Overrides, name: str | None) -> Loaded:
    listed = [_override(key, value) for key, value in (overrides or {}).items()]
    if isinstance(config, Mapping):
        return load_mapping(config, listed, name)
    return load_config(Path(config), listed, name)


def _override(key: str, value: Any) -> Override:
    mark = Mark(f"overrides[{key!r}]")
    return Override(path_parts(key, mark), node_of(value, mark.source), mark)


def _data_section(config: Config) -> dict[str, Any]:
    """Returns what a config says of its data, unchecked: the path may be missing."""
    from dl.config.extends import read_with_bases
    from dl.config.source import read_bytes

    if isinstance(config, Mapping):
        root = node_of(config, "config")
    else:
        root = read_with_bases(Path(config), read_bytes(Path(config))).root
    section = find(root, ("data",))
    values = None if section is None else plain(section)
    return values if isinstance(values, dict) else {}
