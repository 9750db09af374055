"""A sweep in words: its leaderboard, what its plan is, and what is told of its failures."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dl.errors import DlError, error_class
from dl.text import cut, number

if TYPE_CHECKING:
    from dl.sweep.definition.load import Sweep
    from dl.sweep.definition.terms import Terms
    from dl.sweep.estimate import Estimate
    from dl.sweep.results.leaderboard import Line
    from dl.sweep.results.reading import Results

MOST_LINES = 20
_MOST_NAMED = 10
"""Trainings that a line names, so that it stays one."""
_WIDEST = 30
_WIDTH = 79
_ALIKE = "≈ best"
_VERDICTS = {"not distinguishable": _ALIKE, "not tested: one training each": "-"}
"""Verdicts in short; the line below the table says them in words."""


def sweep_text(results: Results, most: int = MOST_LINES) -> str:
    """Returns the leaderboard as a table, what its verdicts rest on, and the directory."""
    from dl.report.terminal import table
    from dl.sweep.results.leaderboard import paths_of

    lines, terms = results.lines, results.record.terms
    paths = paths_of(lines)
    header = ["rank", "trial", terms.goal.metric, "spread", *_short(paths), "verdict"]
    rows = [_cells(line, paths) for line in lines[:most]]
    parts = [table(rows, header)]
    if len(lines) > most:
        parts.append(f"… and {len(lines) - most} more in {results.directory.leaderboard}")
    if results.trivial is not None:
        parts.append(f"An answer that learns nothing reaches {number(results.trivial)}.")
    parts.append(textwrap.fill(_rests_on(terms, lines), _WIDTH))
    parts.append(results.torn)
    return "\n".join([*filter(None, parts), str(results.directory.path)])


def again_text(keys: Sequence[tuple[int, int]]) -> str:
    """Says which trainings failed for want of memory, disk or their process, and begin anew."""
    named = ", ".join(f"{trial}.{repeat}" for trial, repeat in keys[:_MOST_NAMED])
    more = ", …" if len(keys) > _MOST_NAMED else ""
    count = "1 training" if len(keys) == 1 else f"{len(keys)} trainings"
    return f"done again, as memory, disk or a process failed: {count}, {named}{more}"


def sweep_json(results: Results) -> str:
    """Returns the leaderboard as one JSON object."""
    goal = results.record.terms.goal
    result = {
        "sweep": str(results.directory.path),
        "status": results.record.status,
        "metric": goal.metric,
        "mode": "max" if goal.maximize else "min",
        "trivial": results.trivial,
        "trials": [_plain(line) for line in results.lines],
    }
    return json.dumps(result, ensure_ascii=False)


def plan_text(sweep: Sweep) -> str:
    """Returns what a sweep is going to do."""
    file, goal = sweep.file, sweep.goal
    each = f"{file.folds} folds each" if file.folds else f"{file.repeats} seeds each"
    at = "the best epoch" if goal.at_best else "the last epoch"
    facts = {
        "sweep": sweep.name,
        "base": str(sweep.base.path),
        "trials": f"{sweep.size} by {file.method}"
        + (f", {each}: {sweep.size * sweep.terms.runs} trainings" if sweep.terms.runs > 1 else ""),
        "objective": f"{'most' if goal.maximize else 'least'} {goal.metric} of {at}",
        "pruning": file.pruning.type,
    }
    return "\n".join(f"{key:10} {value}" for key, value in facts.items())


def estimate_text(estimate: Estimate, jobs: int) -> str:
    """Returns what a sweep will take, in the lines of the plan."""
    from dl.text import duration

    facts = {
        "time": f"about {duration(estimate.seconds)} with {jobs} at the same time, "
        f"{duration(estimate.training)} a training",
        "memory": f"about {estimate.memory:,.0f} MB",
        "disk": f"about {estimate.disk:,.1f} MB",
    }
    return "\n".join(f"{key:10} {value}" for key, value in facts.items())


def failure_of(results: Results) -> DlError | None:
    """Returns the error for a sweep of which trials failed; None if none did."""
    failed = [line.standing for line in results.lines if line.standing.status == "failed"]
    if not failed:
        return None
    again = any(ended.again for ended in results.journal.ended.values())
    trying = "; where memory, disk or a process failed, --resume tries again" if again else ""
    return error_class(results.code)(
        f"{len(failed)} of {len(results.lines)} trials failed",
        found=f"trial {failed[0].trial}: {failed[0].error}",
        hint=f"the others are ranked; all messages: {results.directory.leaderboard}{trying}",
    )


def _cells(line: Line, paths: Sequence[str]) -> list[str]:
    standing = line.standing
    values = standing.setting.values
    score = number(standing.mean, padded=True) if standing.scores else ""
    spread = "" if standing.spread is None else number(standing.spread, padded=True)
    settings = [_value(values[path]) if path in values else "" for path in paths]
    verdict = _VERDICTS.get(line.verdict, line.verdict) or standing.status
    return [str(line.rank or ""), str(standing.trial), score, spread, *settings, verdict]


def setting_text(values: Mapping[str, object]) -> str:
    """Returns a setting in short: `learning_rate 0.01, units 64`."""
    names = _short(list(values))
    pairs = zip(names, values.values(), strict=True)
    return ", ".join(f"{name} {_value(value)}" for name, value in pairs)


def _value(value: object) -> str:
    from dl.config.emit import flow

    return number(value) if isinstance(value, float) else cut(flow(value), _WIDEST)


def _short(paths: Sequence[str]) -> list[str]:
    """Returns the last parts of paths, as many as tell them apart."""
    for count in range(1, 33):
        names = [".".join(path.split(".")[-count:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return list(paths)


def _rests_on(terms: Terms, lines: Sequence[Line]) -> str:
    from dl.stats import LEVEL
    from dl.sweep.results.leaderboard import METHOD

    if sum(line.rank is not None for line in lines) < 2:
        return ""
    if terms.runs == 1:
        return "Differences are not tested: with `repeats: 3` or `folds: 5` they are."
    return (
        f"{_ALIKE}: not distinguishable from the best; {METHOD}, level {LEVEL:g}, "
        f"{terms.runs} trainings each."
    )


def _plain(line: Line) -> dict[str, object]:
    standing = line.standing
    return {
        "rank": line.rank,
        "trial": standing.trial,
        "status": standing.status,
        "setting": standing.setting.values,
        "scores": standing.scores,
        "mean": standing.mean if standing.scores else None,
        "spread": standing.spread,
        "p_value": line.p_value,
        "verdict": line.verdict or None,
        "error": standing.error,
    }
