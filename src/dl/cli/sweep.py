"""`dl sweep`: many trainings, to find out which setting is best."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dl.cli.options import json_option, quiet_option, runs_option, set_option


class _FileFirst(click.Group):
    """A group whose command `run` need not be named: `dl sweep FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named or not args else ["run", *args])


@click.group(cls=_FileFirst)
def sweep() -> None:
    """Train many settings of a config and rank them.

    \b
    dl sweep sweep.yaml                 the settings that the file describes
    dl sweep config.yaml --grid training.batch_size=16,32 --grid model.layers.hidden.units=32,64
    dl sweep sweep.yaml --resume        resume the newest sweep of that name
    dl sweep sweep.yaml --on ray        train the trials on a Ray cluster
    dl sweep best digits-search         the best setting, as a config to train from

    All options of a sweep: dl sweep run --help
    """


@sweep.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--grid",
    "grids",
    multiple=True,
    metavar="PATH=VALUE,VALUE",
    help="Try these values; FILE is then a config. Repeatable: all combinations.",
)
@click.option("--metric", help="With --grid: what is compared. Default: a validation metric.")
@set_option
@click.option("--jobs", type=click.IntRange(min=1), help="Trainings at the same time.")
@click.option("--trials", type=click.IntRange(min=1), help="Settings in all.")
@click.option(
    "--on",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where trials are trained: on this machine (default), or on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Of the Ray cluster; auto: one that runs on this machine. Default: RAY_ADDRESS, or one "
    "that begins and ends with the sweep.",
)
@click.option("--resume", is_flag=True, help="Resume the newest sweep of that name.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first trial that fails.")
@click.option("--dry-run", is_flag=True, help="Check every value; show the plan, time and memory.")
@runs_option
@quiet_option
@json_option
def run(
    file: Path,
    grids: tuple[str, ...],
    metric: str | None,
    overrides: tuple[str, ...],
    jobs: int | None,
    trials: int | None,
    on: str,
    address: str | None,
    resume: bool,
    fail_fast: bool,
    dry_run: bool,
    runs: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run the sweep that FILE describes, or one over the config FILE with --grid.

    The last line on stdout is the sweep's directory. Exits with the code of the first trial that
    failed, if any did.
    """
    from dl.errors import UsageError
    from dl.sweeps.definition import load_sweep, quick_sweep

    if (overrides or metric) and not grids:
        raise UsageError("--set and --metric go with --grid", hint="the file of a sweep has both")
    checked = quick_sweep(file, grids, overrides, metric) if grids else load_sweep(file)

    # These take half a second: after all mistakes.
    from dl.cli.display import open_reporter
    from dl.cli.signals import stop_requests
    from dl.cli.sweep_text import (
        estimate_text,
        failure_of,
        open_view,
        plan_text,
        sweep_json,
        sweep_text,
    )
    from dl.sweeps.loop import Watcher
    from dl.sweeps.session import Job, check_place, estimate, run_sweep
    from dl.tracking import tracking

    job = Job(runs, ("dl", *sys.argv[1:]), on, address, resume)
    check_place(job)
    changes = {key: value for key, value in (("jobs", jobs), ("trials", trials)) if value}
    checked = checked.with_file(**changes)
    if dry_run:
        click.echo(plan_text(checked))
        sys.stdout.flush()
        stage = "Training the first setting for two epochs"
        with open_reporter(quiet=quiet) as reporter, reporter.stage(stage):
            found = estimate(checked, job)
        click.echo(estimate_text(found))
        return

    @contextmanager
    def watching() -> Iterator[Watcher]:
        with stop_requests() as request, open_view(quiet=quiet) as show:
            yield Watcher(show, request, fail_fast)

    with (
        open_reporter(quiet=quiet) as reporter,
        tracking(checked.base, reporter, "the same command with --resume") as track,
    ):
        results = run_sweep(checked, job, reporter, watching, begun=track)
    click.echo(sweep_json(results) if as_json else sweep_text(results))
    sys.stdout.flush()
    error = failure_of(results)
    if error is not None:
        raise error


@sweep.command()
@click.argument("sweep_name", metavar="SWEEP")
@runs_option
def best(sweep_name: str, runs: Path) -> None:
    """Print the best setting of a sweep as a config to train from.

    \b
    dl sweep best digits-search > best.yaml
    """
    from dl.rundir.directory import find_sweep
    from dl.sweeps.results import best_config, read_results

    click.echo(best_config(read_results(find_sweep(sweep_name, runs))), nl=False)
