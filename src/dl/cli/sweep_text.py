"""A sweep in words: how it goes on, its leaderboard, its plan, and what is told of failures."""

from __future__ import annotations

import json
import os
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from dl.cli.display import is_live_terminal, stderr_of_its_own
from dl.errors import DlError, error_class
from dl.text import cut, duration, number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dl.sweeps.definition import Sweep
    from dl.sweeps.loop import Progress, Running
    from dl.sweeps.results import Results
    from dl.sweeps.session import Estimate

MOST_LINES = 20
"""Rows of the leaderboard that fit on a screen; `dl compare SWEEP --all` has the others."""
_WIDEST = 30
"""Characters of a value, which may be a whole layer."""
_WIDTH = 79
_ALIKE = "≈ best"
_PLAIN_SECONDS = 5.0
"""Seconds between two plain lines."""
_LIVE_SECONDS = 0.1
"""Between two pictures: more often than one can see costs the trainings time."""
_BAR = 20
_MOST_ROWS = 12
"""Trainings in the live table: a cluster has hundreds at the same time."""

Show = Callable[["Progress"], None]


@contextmanager
def open_view(*, quiet: bool) -> Iterator[Show]:
    """Gives what shows a running sweep on stderr: a live table on a terminal, else plain lines."""
    if quiet:
        yield lambda progress: None
    elif is_live_terminal():
        with _live(stderr_of_its_own()) as show:
            yield show
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


@contextmanager
def _live(stream: TextIO) -> Iterator[Show]:
    """Gives what redraws a table: what is running, the best so far, the time left."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, highlight=False, no_color="NO_COLOR" in os.environ)
    live = Live(console=console, auto_refresh=False, transient=True)
    drawn = 0.0

    def show(progress: Progress) -> None:
        nonlocal drawn
        if not live.is_started:  # not before: until then, the stages are drawn
            live.start()
        if time.monotonic() - drawn >= _LIVE_SECONDS:  # not more often than one can see
            drawn = time.monotonic()
            live.update(_picture(progress), refresh=True)

    try:
        yield show
    finally:
        live.stop()


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
    score = number(best.mean, padded=True)
    return [f"best {score} by trial {best.trial}: {setting_text(best.setting.values)}"]


def _picture(progress: Progress) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    done = round(_BAR * progress.done / max(1, progress.total))
    bar = Text("━" * done, style="green").append("━" * (_BAR - done), style="dim")
    head = bar.append("  ".join(["", *_facts(progress)]), style="default")
    rows = [Text(_row(running)) for running in progress.running[:_MOST_ROWS]]
    best = [Text(text, style="cyan", overflow="ellipsis", no_wrap=True) for text in _best(progress)]
    return Group(head, *rows, *best)


def _row(running: Running) -> str:
    task, values = running.task, running.values
    shown = f"epoch {len(values)}, {number(values[-1], padded=True)}" if values else "begins"
    seconds = duration(time.monotonic() - running.since)
    return f"  trial {task.trial}.{task.repeat}  {shown}  {seconds}"


def sweep_text(results: Results, most: int = MOST_LINES) -> str:
    """Returns the leaderboard as a table, what its verdicts rest on, and the directory."""
    from dl.report.terminal import table
    from dl.sweeps.results import ALIKE, NOT_TESTED, paths_of

    trials, paths = results.trials, paths_of(results.trials)
    short = {ALIKE: _ALIKE, NOT_TESTED: "-"}  # the line below says them in words
    rows = [
        [*cells, short.get(verdict, verdict)]
        for *cells, verdict in (trial.cells(paths, _value) for trial in trials[:most])
    ]
    metric = results.record.terms.goal.metric
    parts = [table(rows, ["rank", "trial", metric, "spread", *_short(paths), "verdict"])]
    if len(trials) > most:
        parts.append(f"… and {len(trials) - most} more in {results.directory.leaderboard}")
    if results.baseline is not None:
        reached = number(results.baseline, padded=True)
        parts.append(f"The baseline, an answer that learns nothing, reaches {reached}.")
    parts += [textwrap.fill(_rests_on(results), _WIDTH), results.torn]
    return "\n".join([*filter(None, parts), str(results.directory.path)])


def _rests_on(results: Results) -> str:
    from dl.stats import LEVEL
    from dl.sweeps.results import METHOD

    runs = results.record.terms.runs
    if sum(trial.rank is not None for trial in results.trials) < 2:
        return ""
    if runs == 1:
        return "Differences are not tested: with `repeats: 3` or `folds: 5` they are."
    return (
        f"{_ALIKE}: not distinguishable from the best; {METHOD}, level {LEVEL:g}, "
        f"{runs} trainings each."
    )


def sweep_json(results: Results) -> str:
    """Returns the leaderboard as one JSON object."""
    objective = results.record.terms.goal
    result = {
        "sweep": str(results.directory.path),
        "status": results.record.status,
        "metric": objective.metric,
        "mode": "max" if objective.maximize else "min",
        "trivial": results.baseline,
        "trials": [
            {
                "rank": trial.rank,
                "trial": trial.trial,
                "status": trial.status,
                "setting": trial.setting.values,
                "scores": trial.scores,
                "mean": trial.mean if trial.scores else None,
                "spread": trial.spread,
                "p_value": trial.p_value,
                "verdict": trial.verdict or None,
                "error": trial.error,
            }
            for trial in results.trials
        ],
    }
    return json.dumps(result, ensure_ascii=False)


def plan_text(sweep: Sweep) -> str:
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


def estimate_text(estimate: Estimate) -> str:
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


def setting_text(values: Mapping[str, object]) -> str:
    """Returns a setting in short: `learning_rate 0.01, units 64`."""
    names = _short(list(values))
    pairs = zip(names, values.values(), strict=True)
    return ", ".join(f"{name} {_value(value)}" for name, value in pairs)


def _value(value: object) -> str:
    from dl.config.nodes import flow

    return number(value) if isinstance(value, float) else cut(flow(value), _WIDEST)


def _short(paths: Sequence[str]) -> list[str]:
    """Returns the last parts of paths, as many as tell them apart."""
    for count in range(1, 33):
        names = [".".join(path.split(".")[-count:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return list(paths)
