"""Kills a sweep at random moments and resumes it, until it ends; compares with an undisturbed one.

python -m campaigns.kill_sweep [--seed 1] [--size 20]

The command is killed by SIGKILL, alone or with its server and workers. At the end the leaderboard
must be that of a sweep that nobody disturbed, byte for byte, and the journal must know each
training once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BASE = """\
name: digits
data: {source: builtin, dataset: digits, split: {validation: 0.2, test: 0.2}}
preprocess: {numeric: minmax}
model:
  layers:
    - {type: Dense, units: 16, activation: relu, name: hidden}
    - {type: Dropout, rate: 0.1}
    - {type: Dense, units: 10, activation: softmax}
training:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  batch_size: 64
  epochs: 10
"""
SWEEP = """\
base: base.yaml
name: killed
method: tpe
trials: 24
repeats: 2
jobs: 2
parameters:
  training.optimizer.learning_rate: {log_uniform: [1e-4, 1e-1]}
  model.layers.hidden.units: [8, 16, 32]
  model.layers.hidden.activation: [relu, tanh, sigmoid]
"""

_WHILE_LOADING = 0.25
"""Share of the kills that come before a first training has ended."""


def main() -> None:
    """Runs the campaign and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--size", type=int, default=20, help="how often it is killed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "base.yaml").write_text(BASE)
        (folder / "sweep.yaml").write_text(SWEEP)
        began = time.monotonic()
        start(folder, "whole").wait()
        seconds = time.monotonic() - began
        kills = _killed(folder, options.size, seconds, random.Random(options.seed))
        report(folder, kills)


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def start(folder: Path, runs: str, *more: str) -> subprocess.Popen[bytes]:
    """Begins the sweep in the folder."""
    command = [sys.executable, "-m", "dl", "sweep", "sweep.yaml", "--runs", runs, "-q", *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)


def _killed(folder: Path, kills: int, seconds: float, chance: random.Random) -> int:
    """Kills the sweep that many times, if it lasts so long, and lets it end; returns the kills."""
    for kill in range(kills):
        process = start(folder, "killed", *(["--resume"] if begun(folder) else []))
        if chance.random() < _WHILE_LOADING:
            time.sleep(chance.uniform(0, 5))
        else:
            wait_for_a_training(folder, process)
            time.sleep(chance.uniform(0, seconds / kills))
        if process.poll() is not None:
            return kill
        if chance.random() < 0.5:
            kill_children(process.pid)
        process.kill()
        process.wait()
        print(f"kill {kill + 1}: {ended(folder)} trainings are known", flush=True)
    start(folder, "killed", *(["--resume"] if begun(folder) else [])).wait()
    return kills


def wait_for_a_training(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until one more training of the disturbed sweep has ended."""
    known = ended(folder)
    while ended(folder) == known and process.poll() is None:
        time.sleep(0.01)


def begun(folder: Path) -> bool:
    """Tells whether there is a sweep to go on with."""
    return (folder / "killed/killed/0001/sweep.json").exists()


def ended(folder: Path) -> int:
    """Returns how many trainings of the disturbed sweep have ended."""
    journal = folder / "killed/killed/0001/journal.jsonl"
    return journal.read_text().count('"event": "ended"') if journal.exists() else 0


def kill_children(pid: int) -> None:
    """Kills the processes that the process has started, and theirs."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in map(int, children):
            kill_children(child)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def report(folder: Path, kills: int) -> None:
    """Compares the disturbed sweep with the whole one; exits with 1 if it is another."""
    whole, killed = (folder / runs / "killed/0001" for runs in ("whole", "killed"))
    same = (whole / "leaderboard.csv").read_bytes() == (killed / "leaderboard.csv").read_bytes()
    records = [json.loads(line) for line in (killed / "journal.jsonl").read_text().splitlines()]
    known = [(item["trial"], item["repeat"]) for item in records if item["event"] == "ended"]
    others = [path.name for path in (folder / "killed/killed").iterdir() if path.name != "0001"]
    print(f"{kills} kills, {len(known)} trainings, {len(known) - len(set(known))} of them twice")
    print(f"the leaderboard is {'the same' if same else 'ANOTHER'}")
    if not same or len(known) != len(set(known)) or others:
        sys.exit(1)


if __name__ == "__main__":
    main()
