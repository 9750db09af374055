"""What all benchmarks share: two commands in turn, and a table of ratios."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Timed = Callable[[], float]
"""Runs one side once and returns its seconds."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a job, its two sides, and the ratio that is aimed at."""

    job: str
    against: str
    dl: float
    other: float
    worst: float
    target: str

    @property
    def ratio(self) -> float:
        """How many times faster `dl` is, by the medians."""
        return self.other / self.dl


def compare(job: str, against: str, dl: Timed, other: Timed, *, rounds: int, target: str) -> Row:
    """Runs both sides in turn, so that a machine whose speed drifts is fair to both."""
    pairs = [(dl(), other()) for _ in range(rounds)]
    ours = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    worst = min(pair[1] / pair[0] for pair in pairs)
    row = Row(job, against, ours, theirs, worst, target)
    print(line(row), flush=True)
    return row


def line(row: Row) -> str:
    """Words a row for the terminal."""
    return (
        f"{row.job:34} dl {row.dl:8.3f} s  {row.against} {row.other:8.3f} s  "
        f"{row.ratio:6.2f} x (worst {row.worst:.2f} x; aim {row.target})"
    )


def markdown(rows: Sequence[Row]) -> str:
    """Words the rows as a Markdown table."""
    head = "| job | against | dl, s | other, s | faster | worst pair | aim |\n"
    head += "|---|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| {row.job} | {row.against} | {row.dl:.3f} | {row.other:.3f} "
        f"| {row.ratio:.2f} x | {row.worst:.2f} x | {row.target} |\n"
        for row in rows
    )


def run(command: Sequence[str]) -> str:
    """Runs a command and returns what it printed; its errors are shown and end the benchmark."""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{result.stderr}")
    return result.stdout


def wall(command: Sequence[str]) -> float:
    """Returns the seconds of a whole command."""
    begin = time.perf_counter()
    run(command)
    return time.perf_counter() - begin


def last_json(text: str) -> dict[str, object]:
    """Returns the JSON object on the last line."""
    result: dict[str, object] = json.loads(text.strip().splitlines()[-1])
    return result


def steady(seconds: Sequence[float]) -> float:
    """Returns the median of an epoch without the first, which compiles."""
    return statistics.median(seconds[1:] if len(seconds) > 1 else seconds)
