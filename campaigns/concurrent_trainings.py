"""Processes train in one folder of runs at once, while others look: each run is as if alone.

`python -m campaigns.concurrent_trainings --size 25`: 4 processes, each of which trains so many runs
of one name. No run may be lost, doubled or torn, and all must be the same, bit for bit.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from campaigns.command import options, report
from campaigns.concurrent_runs import LOOKERS, begin_looking, misnumbered
from campaigns.published import runs_of
from campaigns.training import NAME, Small

PROCESSES = 4
EPOCHS = 3


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 25)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.size, Path(folder))
    report(f"concurrent_trainings: {tried}", failures)


def campaign(size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    small = Small(folder, EPOCHS, eager=True)
    root, done = folder / "runs", folder / "done"
    trainers = [small.begin_new(root, size) for _ in range(PROCESSES)]
    lookers = [begin_looking(root, done) for _ in range(LOOKERS)]
    failures = [f"a process ended with {code}" for pid in trainers if (code := small.wait(pid))]
    done.touch()
    failures += ["a looker saw a damaged file" for pid in lookers if small.wait(pid)]
    failures += [*misnumbered(root / NAME, PROCESSES * size), *small.problems(root)]
    for run in runs_of(root, NAME):
        failures += [f"{run.label}: {problem}" for problem in small.differences(run)]
    return f"{PROCESSES} processes with {size} trainings, {LOOKERS} lookers", failures


if __name__ == "__main__":
    main()
