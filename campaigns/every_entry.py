"""Every layer, loss and optimizer: saved, opened in a new process, and gone on with.

One process trains each case for an epoch and, from the start, for two, and keeps what the first
model predicts. Another process, which has seen none of it, opens each run of one epoch, compares
the predictions bit for bit, goes on with it to the second epoch, and compares model, optimizer,
callbacks, metrics and history with those of the run that never stopped.

`python -m campaigns.every_entry --size 0` takes cases until every two entries of different kinds
have met; another size takes the first of them. The first 114 have every entry.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from campaigns.command import options, report, with_progress
from campaigns.entry_cases import Case, covering, write

TOGETHER = 38
"""Cases that share their two processes."""
STEPS = ("train", "go on")


def main() -> None:
    """Runs the campaign and prints its figure."""
    chosen = options(__doc__, 0)
    with tempfile.TemporaryDirectory() as folder:
        tried, failures = campaign(chosen.seed, chosen.size, Path(folder))
    report(f"every_entry: {tried}", failures)


def campaign(seed: int, size: int, folder: Path) -> tuple[str, list[str]]:
    """Returns what was tried, and what broke."""
    cases = list(itertools.islice(covering(seed), size or None))
    groups = [cases[start : start + TOGETHER] for start in range(0, len(cases), TOGETHER)]
    failures = [what for group in with_progress(groups) for what in _together(group, folder)]
    layers = {case.layer for case in cases}
    losses = {case.loss for case in cases}
    optimizers = {case.optimizer for case in cases}
    names = f"{len(layers)} layers, {len(losses)} losses, {len(optimizers)} optimizers"
    return f"{len(cases)} cases of {names}", failures


def _together(cases: Sequence[Case], folder: Path) -> list[str]:
    """Does every step with some cases, each step in a process of its own."""
    for case in cases:
        write(case, folder / str(case.number))
    failures = []
    for step in STEPS:
        command = [sys.executable, "-m", "campaigns.entry_steps", step]
        places = [str(folder / str(case.number)) for case in cases]
        ended = subprocess.run([*command, *places], check=False, capture_output=True, text=True)
        failures += [_with_name(line, cases) for line in ended.stdout.splitlines()]
        failures += [ended.stderr[-2000:]] if ended.returncode else []
    for case in cases:
        shutil.rmtree(folder / str(case.number))
    return failures


def _with_name(line: str, cases: Sequence[Case]) -> str:
    names = {str(case.number): str(case) for case in cases}
    number, _, what = line.partition(": ")
    return f"{names[number]}: {what}" if number in names else line


if __name__ == "__main__":
    main()
