"""A training is killed by SIGKILL at random moments and gone on with, again and again.

`python -m campaigns.kill9 --seed 1 --size 200` kills 200 times. After each kill the published files
must verify and the run must read `interrupted`; at its end each run must be that which was never
disturbed, bit for bit.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.training import Small

EPOCHS = 40


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 200)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"kill9: {tried}", failures)


def campaign(seed: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    choose = random.Random(seed)
    small = Small(folder, EPOCHS, eager=True)
    longest = small.seconds()
    run, failures = 0, []
    for kill in with_progress(range(1, size + 1)):
        while not _is_killed(small, folder / f"run-{run}", choose.uniform(0, longest)):
            failures += _ended(small, folder, run)
            run += 1
        problems = small.problems(folder / f"run-{run}")
        failures += [f"kill {kill}: {problem}" for problem in problems]
    failures += _ended(small, folder, run)
    return f"{size} kills in {run + 1} runs", failures


def _ended(small: Small, folder: Path, run: int) -> list[str]:
    return [f"run {run}: {problem}" for problem in small.ended(folder / f"run-{run}")]


def _is_killed(small: Small, root: Path, seconds: float) -> bool:
    """Trains, and kills it after so many seconds; False if it had ended before."""
    pid = small.begin(root)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return small.wait(pid) == -signal.SIGKILL


if __name__ == "__main__":
    main()
