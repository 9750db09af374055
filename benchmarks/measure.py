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

os.environ["DL_WARM"] = "0"  # a warm process of the user would do the commands
Timed = Callable[[], float]
"""Runs one side once and returns its seconds."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a job, its two sides, and the ratio that is aimed at.

    Attributes:
        job: What was done.
        against: By whom else; where that has no time, why.
        dl: Seconds of `dl`, the median; None where it was not measured.
        other: Seconds of the other side, the median; None where there are none.
        worst: The worst ratio of a pair.
        target: What is aimed at.
        pairs: How often both sides ran.
    """

    job: str
    against: str
    dl: float | None
    other: float | None
    worst: float | None
    target: str
    pairs: int = 1

    @property
    def ratio(self) -> float | None:
        """How many times faster `dl` is, by the medians."""
        return self.other / self.dl if self.other and self.dl else None


def compare(job: str, against: str, dl: Timed, other: Timed, *, rounds: int, target: str) -> Row:
    """Runs both sides in turn, so that a machine whose speed drifts is fair to both."""
    pairs = [(dl(), other()) for _ in range(rounds)]
    ours = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    worst = min(pair[1] / pair[0] for pair in pairs)
    row = Row(job, against, ours, theirs, worst, target, rounds)
    print(line(row), flush=True)
    return row


def line(row: Row) -> str:
    """Words a row for the terminal."""
    return (
        f"{row.job:34} dl {seconds(row.dl)} s  {row.against} {seconds(row.other)} s  "
        f"{times(row.ratio)} (worst {times(row.worst)}; aim {row.target or NOTHING})"
    )


def markdown(rows: Sequence[Row]) -> str:
    """Words the rows as a Markdown table."""
    return HEAD + "".join(map(cells, rows))


HEAD = (
    "| job | against | dl, s | other, s | faster | worst pair | pairs | aim |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
NOTHING = "–"  # noqa: RUF001 - stands in a table


def cells(row: Row) -> str:
    """Words a row as a line of a Markdown table."""
    known = row.job, row.against, seconds(row.dl), seconds(row.other)
    ratios = [times(row.ratio), times(row.worst), str(row.pairs), row.target or NOTHING]
    signs = " | ".join(ratios).replace(" x", " \N{MULTIPLICATION SIGN}")
    return f"| {' | '.join(known)} | {signs} |\n"


def seconds(value: float | None) -> str:
    """Words seconds by three digits."""
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def times(ratio: float | None) -> str:
    """Words a ratio."""
    return NOTHING if ratio is None else f"{ratio:.1f} x" if ratio < 20 else f"{ratio:.0f} x"


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
