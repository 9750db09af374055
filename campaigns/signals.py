"""A training gets SIGINT, SIGTERM and SIGHUP at random moments and is gone on with.

`python -m campaigns.signals --seed 1 --size 60` sends so many. The exit code must be that of the
signal, the run must say `interrupted` with as many epochs as its history has, and at its end each
run must be that which was never disturbed, bit for bit.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.published import rows
from campaigns.training import Small
from dl.cli.process import STOPPING
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_record

EPOCHS = 40


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 60)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"signals: {tried}", failures)


def campaign(seed: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    choose = random.Random(seed)
    small = Small(folder, EPOCHS, eager=False)
    longest = small.seconds()
    failures, ended, root = [], 0, folder / "run-0"
    for number in with_progress(range(1, size + 1)):
        kind = choose.choice(STOPPING)
        pid = small.begin(root)
        time.sleep(choose.uniform(0.05, 1) * longest)
        os.kill(pid, kind)
        code = small.wait(pid)
        failures += [f"signal {number}: {problem}" for problem in _problems(root, kind, code)]
        if code == 0 or number == size:
            failures += [f"{root.name}: {problem}" for problem in small.ended(root)]
            ended += 1
            root = folder / f"run-{ended}"
    return f"{size} signals in {ended} runs", failures


def _problems(root: Path, kind: signal.Signals, code: int) -> Iterator[str]:
    if code not in (0, 128 + kind):
        yield f"exit code {code} after {kind.name}"
    run = RunDirectory(root / "small" / "0001")
    if code == 0 or not run.history.exists():
        return
    record = read_record(run)
    if record.status != "interrupted" or record.epochs != len(rows(run)) - 1:
        yield f"{record.status} after {record.epochs} epochs, {len(rows(run)) - 1} in the history"


if __name__ == "__main__":
    main()
