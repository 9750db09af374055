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

from campaigns.command import options, report
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
    longest = _seconds(small, folder)
    kills, ended, failures = 0, 0, []
    while kills < size:
        root = folder / f"run-{ended}"
        while kills < size and _is_killed(small, root, choose.uniform(0, longest)):
            kills += 1
            failures += [f"kill {kills}: {problem}" for problem in small.problems(root)]
        code = small.wait(small.begin(root))
        failures += [f"run {ended}: ended with {code}"] if code else []
        failures += [f"run {ended}: another {part}" for part in small.unequal(root)]
        ended += 1
    return f"{kills} kills in {ended} runs", failures


def _seconds(small: Small, folder: Path) -> float:
    started = time.monotonic()
    small.wait(small.begin(folder / "timed"))
    return time.monotonic() - started


def _is_killed(small: Small, root: Path, seconds: float) -> bool:
    """Trains, and kills it after so many seconds; False if it had ended before."""
    pid = small.begin(root)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return small.wait(pid) == -signal.SIGKILL


if __name__ == "__main__":
    main()
