"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from dl.runs.directory import DEFAULT_ROOT


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
        from dl.runs.directory import all_runs, run_names

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
