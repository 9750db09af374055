"""`dl sweep`: many trainings, to find out which setting is best; and a sweep in words."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from dl.cli.options import print_json, runs_option, set_option, usual_options
from dl.cli.process import is_live_terminal, open_reporter, stderr_of_its_own, stop_requests
from dl.errors import DlError, UsageError, error_class
from dl.rundir.directory import find_sweep
from dl.text import cut, duration, measured, number

if TYPE_CHECKING:
    from dl.cli.live import Draw
    from dl.sweeps.definition import Sweep
    from dl.sweeps.results import Results
    from dl.sweeps.session import Estimate, Job
    from dl.sweeps.watching import Progress, Running, Watcher

_MOST_LINES = 20
"""Rows of the leaderboard that fit on a screen; `dl compare SWEEP --all` has the others."""
_WIDEST = 30
"""Characters of a value, which may be a whole layer."""
_WIDTH = 79
_ALIKE = "≈ best"
_UNSURE = "?"
_UNTESTED = ("", "-", "best")
"""What stands in a column of verdicts that says no more than the rank."""
_PLAIN_SECONDS = 5.0
"""Seconds between two plain lines."""
_LIVE_SECONDS = 0.1
"""Between two pictures: more often than one can see costs the trainings time."""
_MOST_ROWS = 12
"""Trainings in the live table: a cluster has hundreds at the same time."""

Show = Callable[["Progress"], None]


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
@usual_options
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
    from dl.app import training

    if (overrides or metric) and not grids:
        raise UsageError("--set and --metric go with --grid", hint="the file of a sweep has both")
    checked = training.read_sweep(file, grids or None, overrides, metric, jobs=jobs, trials=trials)

    from dl.sweeps.session import Job, check_place  # these take half a second: after all mistakes

    job = Job(runs, ("dl", *sys.argv[1:]), on, address, resume)
    check_place(job)
    if dry_run:
        _foretell(checked, job, quiet=quiet)
        return

    again = "the same command with --resume"
    with open_reporter(quiet=quiet) as reporter:
        watching = partial(_watching, quiet=quiet, fail_fast=fail_fast)
        results = training.sweep(checked, job, reporter, watching, again)
    show_sweep(results, as_json=as_json)
    sys.stdout.flush()
    error = failure_of(results)
    if error is not None:
        raise error


def _foretell(checked: Sweep, job: Job, *, quiet: bool) -> None:
    """Prints what a sweep is going to do, then what it will take, which needs a training."""
    from dl.sweeps.session import estimate

    click.echo(_plan_text(checked))
    sys.stdout.flush()
    stage = "Training the first setting for two epochs"
    with open_reporter(quiet=quiet) as reporter, reporter.stage(stage):
        found = estimate(checked, job)
    click.echo(_estimate_text(found))


@contextmanager
def _watching(*, quiet: bool, fail_fast: bool) -> Iterator[Watcher]:
    from dl.sweeps.watching import Watcher

    with stop_requests() as request, _view(quiet=quiet) as show:
        yield Watcher(show, request, fail_fast)


@sweep.command()
@click.argument("sweep_name", metavar="SWEEP")
@runs_option
def best(sweep_name: str, runs: Path) -> None:
    """Print the best setting of a sweep as a config to train from.

    \b
    dl sweep best digits-search > best.yaml
    """
    from dl.sweeps.results import best_config, read_results

    click.echo(best_config(read_results(find_sweep(sweep_name, runs))), nl=False)


@contextmanager
def _view(*, quiet: bool) -> Iterator[Show]:
    """Gives what shows a running sweep on stderr: a live table on a terminal, else plain lines."""

    if quiet:
        yield lambda progress: None
    elif is_live_terminal():
        from dl.cli.live import live_table

        with live_table(stderr_of_its_own()) as draw:
            yield _drawn_by(draw)
    else:
        yield _plain_lines(stderr_of_its_own())


def _plain_lines(stream: TextIO) -> Show:
    """Returns what writes a line now and then, and one for the end."""
    said, last = time.monotonic(), ""

    def show(progress: Progress) -> None:
        nonlocal said, last
        over = progress.done == progress.total
        line = "  ".join([*_facts(progress), *_best(progress)])
        if line != last and (over or time.monotonic() - said >= _PLAIN_SECONDS):
            said, last = time.monotonic(), line
            stream.write(f"{line}\n")
            stream.flush()

    return show


def _drawn_by(draw: Draw) -> Show:
    """Returns what has a table drawn: what is running, the best so far, the time left."""
    drawn = 0.0

    def show(progress: Progress) -> None:
        nonlocal drawn
        if time.monotonic() - drawn >= _LIVE_SECONDS:
            drawn = time.monotonic()
            share = progress.done / max(1, progress.total)
            rows = list(map(_row, progress.running[:_MOST_ROWS]))
            draw(share, "  ".join(["", *_facts(progress)]), rows, _best(progress))

    return show


def _facts(progress: Progress) -> list[str]:
    facts = [f"{progress.done}/{progress.total} trainings"]
    facts += [f"{progress.failed} failed"] if progress.failed else []
    facts += [f"{progress.pruned} pruned"] if progress.pruned else []
    if progress.left is not None and progress.done < progress.total:
        facts.append(f"{duration(progress.left)} left")
    return facts


def _best(progress: Progress) -> list[str]:
    best = progress.best
    if best is None:
        return []
    setting = _setting(best.setting.values)
    return [f"best {measured(best.mean)} by trial {best.trial}: {setting}"]


def _setting(values: Mapping[str, object]) -> str:
    from dl.sweeps.results import setting_text

    return setting_text(values, _value)


def _row(running: Running) -> str:
    task, values = running.task, running.values
    shown = f"epoch {len(values)}, {measured(values[-1])}" if values else "begins"
    seconds = duration(time.monotonic() - running.since)
    tried = _setting(running.setting.values)
    return f"  trial {task.trial}.{task.repeat}  {shown}  {seconds}  {tried}"


def show_sweep(results: Results, *, as_json: bool, everything: bool = False) -> None:
    """Prints the leaderboard: all of it, or what fits on a screen."""
    if as_json:
        print_json(_document(results))
    else:
        click.echo(_text(results, len(results.trials) if everything else _MOST_LINES))


def _text(results: Results, most: int) -> str:
    """Returns the leaderboard as a table, what its verdicts rest on, and the directory."""
    import textwrap

    from dl.report.terminal import table
    from dl.sweeps.results import ALIKE, NOT_TESTED, UNSURE, paths_of, short_names
    from dl.vocabulary.labels import column_label

    trials, paths = results.trials, paths_of(results.trials)
    # The lines below say them in words.
    short = {ALIKE: _ALIKE, NOT_TESTED: "-", UNSURE: _UNSURE}
    rows = [
        [*cells, short.get(verdict, verdict)]
        for *cells, verdict in (trial.cells(paths, _value) for trial in trials[:most])
    ]
    metric = results.record.terms.goal.metric
    header = ["rank", "trial", column_label(metric), "spread", *short_names(paths), "verdict"]
    said = [
        place
        for place, name in enumerate(header)
        if name not in ("spread", "verdict") or any(row[place] not in _UNTESTED for row in rows)
    ]
    rows, header = [[row[place] for place in said] for row in rows], [header[p] for p in said]
    parts = [table(rows, header, spare=["trial", "spread", *reversed(short_names(paths))])]
    if len(trials) > most:
        parts.append(f"… and {len(trials) - most} more in {results.directory.leaderboard}")
    if results.baseline is not None:
        reached = measured(results.baseline)
        parts.append(f"The baseline, an answer that learns nothing, reaches {reached}.")
    parts += [textwrap.fill(_rests_on(results), _WIDTH), results.torn]
    if any(trial.rank is not None for trial in trials):
        name = results.directory.label
        parts.append(f"best as a config  dl sweep best {name} > best.yaml")
        parts.append(f"as a page         dl report {name}")
    return "\n".join([*filter(None, parts), str(results.directory.path)])


def _rests_on(results: Results) -> str:
    from dl.stats import LEVEL
    from dl.sweeps.results import METHOD

    runs = results.record.terms.runs
    if sum(trial.rank is not None for trial in results.trials) < 2:
        return ""
    if runs == 1:
        return "Differences are not tested: with `repeats: 3` or `folds: 5` they are."
    said = (
        f"{_ALIKE}: not distinguishable from the best; {METHOD}, level {LEVEL:g}, "
        f"{runs} trainings each."
    )
    return f"{said} {_UNSURE}: {results.cannot_tell}." if results.cannot_tell else said


def _document(results: Results) -> dict[str, object]:
    """Returns the leaderboard for `--json`."""
    goal = results.record.terms.goal
    told = ("rank", "trial", "status", "scores", "mean", "spread", "p_value", "error")
    return {
        "sweep": results.directory,
        "status": results.record.status,
        "metric": goal.metric,
        "mode": "max" if goal.maximize else "min",
        "trivial": results.baseline,
        "trials": [
            {key: getattr(trial, key) for key in told}
            | {"setting": trial.setting.values, "verdict": trial.verdict or None}
            for trial in results.trials
        ],
    }


def _plan_text(sweep: Sweep) -> str:
    """Returns what a sweep is going to do."""
    file, objective, runs = sweep.file, sweep.plan.goal, sweep.plan.runs
    each = f"{file.folds} folds each" if file.folds else f"{file.repeats} seeds each"
    at = "the best epoch" if objective.at_best else "the last epoch"
    trials = f"{sweep.size} by {file.method}"
    facts = {
        "sweep": sweep.name,
        "base": str(sweep.base.path),
        "trials": f"{trials}, {each}: {sweep.size * runs} trainings" if runs > 1 else trials,
        "objective": f"{'most' if objective.maximize else 'least'} {objective.metric} of {at}",
        "pruning": file.pruning.type,
    }
    return _facts_text(facts)


def _estimate_text(estimate: Estimate) -> str:
    """Returns what a sweep will take, in the lines of the plan."""
    facts = {
        "time": f"about {duration(estimate.seconds)} with {estimate.jobs} at the same time, "
        f"{duration(estimate.training)} a training",
        "memory": f"about {estimate.memory:,.0f} MB",
        "disk": f"about {estimate.disk:,.1f} MB",
    }
    return _facts_text(facts)


def _facts_text(facts: Mapping[str, str]) -> str:
    return "\n".join(f"{key:10} {value}" for key, value in facts.items())


def failure_of(results: Results) -> DlError | None:
    """Returns the error for a sweep of which trials failed; None if none did."""
    failed = [trial for trial in results.trials if trial.status == "failed"]
    if not failed:
        return None
    again = any(ended.again for ended in results.journal.ended.values())
    trying = "; where memory, disk or a process failed, --resume tries again" if again else ""
    return error_class(results.code)(
        f"{len(failed)} of {len(results.trials)} trials failed",
        found=f"trial {failed[0].trial}: {failed[0].error}",
        hint=f"the others are ranked; all messages: {results.directory.leaderboard}{trying}",
    )


def _value(value: object) -> str:
    from dl.config.nodes import flow

    return number(value) if isinstance(value, float) else cut(flow(value), _WIDEST)
