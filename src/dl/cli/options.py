"""What commands share: options, `--json`, and that no command writes over what it reads."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from dl.errors import DlError, UsageError
from dl.rundir.directory import DEFAULT_ROOT, RunDirectory, SweepDirectory

Command = TypeVar("Command", bound=Callable[..., Any])


class ConfigPath(click.Path):
    """A config file; that it exists is checked where it is read, with a better message."""

    name = "config"

    def __init__(self) -> None:
        super().__init__(path_type=Path)


class RunType(click.ParamType[str]):
    """A run: a directory, a name (its newest run) or name/number; names complete in the shell."""

    name = "run"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from dl.rundir.directory import all_runs, run_names

        root = Path(ctx.params.get("runs") or DEFAULT_ROOT)
        labels = [run.label for run in all_runs(root)] if "/" in incomplete else run_names(root)
        return [CompletionItem(label) for label in labels if label.startswith(incomplete)]


config_argument = click.argument("config", type=ConfigPath())
run_argument = click.argument("run", type=RunType())
runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_ROOT,
    show_default=True,
    metavar="DIR",
    help="The folder of all runs.",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value of the config, e.g. training.epochs=5. Repeatable.",
)
threshold_option = click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="P",
    help="Probability from which a row is of the second class, or has a label.  "
    "[default: the run's evaluation.threshold]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")


def usual_options(command: Command) -> Command:
    """Adds the folder of all runs, `--quiet` and `--json`."""
    return runs_option(quiet_option(json_option(command)))


def output_option(
    text: str, metavar: str = "FILE", *, folders: bool = False, **settings: Any
) -> Callable[[Command], Command]:
    """Returns the option that names the file to write, and says what goes there."""
    kind = click.Path(path_type=Path, dir_okay=folders)
    return click.option("-o", "--output", type=kind, metavar=metavar, help=text, **settings)


def targets_option(text: str) -> Callable[[Command], Command]:
    """Returns the option that names columns to predict, and says whose."""
    return click.option("--target", "targets", multiple=True, metavar="COLUMN", help=text)


def verbose_option(text: str) -> Callable[[Command], Command]:
    """Returns the option that shows more, and says what."""
    return click.option("-v", "--verbose", is_flag=True, help=text)


def print_json(*parts: object) -> None:
    """Prints the fields of dataclasses and the items of mappings as one JSON object."""
    import json

    click.echo(json.dumps({key: value for part in parts for key, value in _plain(part).items()}))


def _plain(value: Any) -> Any:
    """Returns plain data: paths as text, arrays as lists; null where a number is none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, RunDirectory | SweepDirectory):
        return str(value.path)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    if isinstance(value, Path):
        return str(value)
    return _plain(value.tolist()) if hasattr(value, "tolist") else value


_CONFIGS = ("config.yaml", "sweep.yaml", "base.yaml")


def check_output(
    output: Path, runs: Iterable[RunDirectory | SweepDirectory], reads: Iterable[Path | int] = ()
) -> None:
    """Refuses an output that would write over what the command, or a run that it is about, reads.

    The same file is found under any name: by a link, in other letters, as stdin.

    Args:
        output: Where to write.
        runs: The runs or sweeps that the command is about.
        reads: Other files and folders that it reads; a number is an open file.

    Raises:
        UsageError: It is such a file.
    """
    import filecmp

    folder = _run_folder(output)
    if folder is not None:
        raise _refused(output, f"is a file of the run in {folder}")
    if not os.path.isfile(output):  # nothing is there, or a device or a pipe that keeps nothing
        return
    if any(_is_or_holds(read, output) for read in reads):
        raise _refused(output, "is the file that is read")
    for run in runs:
        if any(_is_or_holds(path, output) for path in _data_of(run)):
            raise _refused(output, f"is the data of {run.label}")
        # A run keeps a copy of its config: it does not say where that came from.
        copies = filter(Path.is_file, (run.path / name for name in _CONFIGS))
        if any(filecmp.cmp(output, copy, shallow=False) for copy in copies):
            raise _refused(output, f"is the config of {run.label}")


def check_output_folder(folder: Path, run: RunDirectory, reads: Iterable[Path | int]) -> None:
    """Refuses a folder for new files that holds what is read; see `check_output`."""
    inside = folder / "new"
    check_output(inside, [])
    if any(_is_or_holds(read, inside) for read in (*reads, *_data_of(run))):
        raise _refused(folder, "is a folder of the data")


def _refused(output: Path, what: str) -> UsageError:
    return UsageError(f"{output} {what}", hint="name another file: nothing was written")


def _run_folder(output: Path) -> Path | None:
    """Returns the directory of the run or sweep whose own file this is."""
    real = Path(os.path.realpath(output))
    for folder in real.parents:
        for kind in (RunDirectory(folder), SweepDirectory(folder)):
            if kind.record.is_file() and real.relative_to(folder).parts[0] in own_names(kind):
                return folder
    return None


def own_names(directory: RunDirectory | SweepDirectory) -> set[str]:
    """Returns the names of the files and folders that a run or a sweep has."""
    owned = (getattr(directory, name) for name in vars(type(directory)))
    return {path.name for path in owned if isinstance(path, Path) and path != directory.path}


def _is_or_holds(read: Path | int, output: Path) -> bool:
    try:
        mode = os.stat(read).st_mode
        if stat.S_ISREG(mode):
            return os.path.samefile(read, output)
        return stat.S_ISDIR(mode) and any(
            os.path.samefile(read, folder) for folder in Path(os.path.realpath(output)).parents
        )
    except OSError:  # what cannot be read is told of where it is read
        return False


def _data_of(run: RunDirectory | SweepDirectory) -> list[Path]:
    from dl.config.files import own_paths
    from dl.config.load import load_resolved
    from dl.rundir.files import read_regular

    resolved = next(run.path.glob("trials/*/*/resolved.yaml"), run.path / "resolved.yaml")
    try:
        data = load_resolved(resolved, read_regular(resolved)).config.data
        return [] if getattr(data, "remote", False) else own_paths(data)
    except (DlError, OSError):
        return []
