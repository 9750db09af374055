"""`dl sweep`: many trainings, to find out which setting is best."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import json_option, quiet_option, runs_option, set_option

if TYPE_CHECKING:
    from dl.cli.sweep_trainer import Where
    from dl.sweep.definition.load import Sweep
    from dl.sweep.results.reading import Results
    from dl.sweep.session import Session


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
    dl sweep sweep.yaml --resume        go on with the newest sweep of that name
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
@click.option("--resume", is_flag=True, help="Go on with the newest sweep of that name.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first trial that fails.")
@click.option("--dry-run", is_flag=True, help="Check every value, tell the plan, time and memory.")
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
    where = _where(on, address)
    checked = _load(file, grids, overrides, metric)
    changes = {key: value for key, value in (("jobs", jobs), ("trials", trials)) if value}
    checked = checked.with_file(**changes)
    if dry_run:
        _plan(checked, where, quiet=quiet)
        return
    from dl.cli.display import open_reporter
    from dl.sweep.session import session
    from dl.tracking.tracker import tracking

    command = ("dl", *sys.argv[1:])
    with (
        open_reporter(quiet=quiet) as reporter,
        tracking(checked.base, reporter, "the same command with --resume") as track,
    ):
        with session(checked, runs, command, resume=resume) as opened:
            track(opened.directory.path)
            done = _carry_out(checked, where, opened, quiet=quiet, fail_fast=fail_fast)
        _show(done, as_json)


def _where(on: str, address: str | None) -> Where:
    """Checks where the trials are to be trained; Ray itself is loaded by the sweep's server."""
    from importlib.util import find_spec

    from dl.cli.sweep_trainer import Where
    from dl.errors import UsageError
    from dl.system import HAS_SERVERS

    if address is not None and on != "ray":
        raise UsageError("--address goes with --on ray", hint=f"add --on ray --address {address}")
    if not HAS_SERVERS:
        raise UsageError(
            "a sweep needs processes that share a socket, which this system does not have",
            hint="on Windows, run dl in WSL 2; dl train trains one setting",
        )
    if on == "ray" and find_spec("ray") is None:
        raise UsageError("Ray is not installed", hint='pip install "dl-keras[ray]"')
    return Where(on, address)


def _load(
    file: Path, grids: tuple[str, ...], overrides: tuple[str, ...], metric: str | None
) -> Sweep:
    from dl.errors import UsageError
    from dl.sweep.definition.load import load_sweep
    from dl.sweep.definition.quick import quick_sweep

    if grids:
        return quick_sweep(file, grids, overrides, metric)
    if overrides or metric:
        raise UsageError(
            "--set and --metric go with --grid", hint="a sweep's file says both by itself"
        )
    return load_sweep(file)


def _plan(checked: Sweep, where: Where, *, quiet: bool) -> None:
    """Tells what is going to happen, and what it will take, by a training of two epochs."""
    import tempfile

    from dl.cli.display import open_reporter
    from dl.cli.sweep_text import estimate_text, plan_text
    from dl.cli.sweep_trainer import open_pool
    from dl.sweep.estimate import estimate

    click.echo(plan_text(checked))
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="dl-sweep-") as name:
        folder = Path(name)
        with (
            open_pool(checked, where, folder / "workers.log") as pool,
            open_reporter(quiet=quiet) as reporter,
            reporter.stage("Training the first setting for two epochs"),
        ):
            pool.ready()
            found = estimate(checked, pool, folder / "trials")
    click.echo(estimate_text(found, pool.jobs))


def _carry_out(
    checked: Sweep, where: Where, opened: Session, *, quiet: bool, fail_fast: bool
) -> Results:
    """Runs the trials; the server imports Keras while this process gets ready."""
    from dl.cli.display import open_reporter
    from dl.cli.signals import stop_requests
    from dl.cli.sweep_pictures import PLOTS_MODULE, draw_pictures
    from dl.cli.sweep_text import again_text
    from dl.cli.sweep_trainer import open_pool
    from dl.cli.sweep_view import open_view
    from dl.errors import Interrupted
    from dl.imports import Importing
    from dl.sweep.loop import Loop, Watcher
    from dl.sweep.results.journal import OwnJournal

    files = (opened.directory.log, opened.lock)
    stage = "Loading Keras and the data" if where.on == "local" else "Connecting to Ray"
    with stop_requests() as request, open_pool(checked, where, *files) as pool:
        with open_reporter(quiet=quiet) as reporter, reporter.stage(stage):
            baseline = pool.ready()
            journal = OwnJournal(opened.directory.journal)
            if journal.again:
                reporter.note(again_text(journal.again))
        with open_view(quiet=quiet) as view, Importing(PLOTS_MODULE):
            watcher = Watcher(show=view.show, stop_signal=request, fail_fast=fail_fast)
            loop = Loop(checked, opened.directory, journal, pool, watcher)
            try:
                loop.run()
            finally:
                results = opened.close(loop.status, baseline, loop.journal)
        number = request()
    if number is not None:
        raise Interrupted(
            f"interrupted after {len(loop.journal.ended)} trainings",
            signal_number=number,
            hint="go on: the same command with --resume",
        )
    draw_pictures(checked, results)
    return results


def _show(results: Results, as_json: bool) -> None:
    from dl.cli.sweep_text import failure_of, sweep_json, sweep_text

    text = sweep_json if as_json else sweep_text
    click.echo(text(results))
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
    from dl.runs.find import find_sweep
    from dl.sweep.results.reading import best_config, read_results

    click.echo(best_config(read_results(find_sweep(sweep_name, runs))), nl=False)
