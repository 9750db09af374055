"""How long the board takes to answer over many runs.

python benchmarks/board.py [--runs 1000] [--names 20] [--epochs 40] [--rounds 5] [--folder FOLDER]

Makes run directories that were never trained, with the files that a list reads, starts `dl board`
over them, and asks as its page does. With --folder the runs stay there, for the next time.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models import DL

from dl.rundir.files import Process
from dl.rundir.folders import create_run
from dl.rundir.record import RunRecord

_SETTINGS = """\
name: {name}
seed: {seed}

data: {{source: builtin, dataset: digits, split: {{validation: 0.1, test: 0.2}}}}

model:
  layers:
{layers}

training:
  optimizer: {{type: Adam, learning_rate: {rate}, beta_1: 0.9, beta_2: 0.999, epsilon: 1.0e-07}}
  batch_size: {batch}
  epochs: {epochs}
  phases: []
"""
_LAYER = (
    "    - {{type: Dense, units: {units}, activation: relu, use_bias: true, name: hidden_{at}}}"
)


@dataclass(frozen=True, slots=True)
class Question:
    """What the page asks for, and the seconds that it may take."""

    says: str
    address: str
    aim: float


def questions(runs: int) -> list[Question]:
    """Returns what the page asks after it was opened."""
    path = "training.optimizer.learning_rate<0.005"
    some = "&".join(f"run=name-01/{number:04d}" for number in range(1, 6))
    return [
        Question("the list again", "/api/runs", 0.2),
        Question("filter by a metric", _list(filter="accuracy>0.95"), 0.2),
        Question("filter by a config path", _list(filter=path), 0.2),
        Question("order by a config path", _list(sort="training.batch_size"), 0.2),
        Question(f"all {runs} rows", _list(limit=str(runs)), 1.0),
        Question("curves of five runs", f"/api/histories?{some}", 0.2),
    ]


def _list(**query: str) -> str:
    return f"/api/runs?{urllib.parse.urlencode(query)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--names", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "name-01").exists():
            make_runs(folder, options.runs, options.names, options.epochs)
        measure(folder, options.runs, options.rounds)


def make_runs(folder: Path, runs: int, names: int, epochs: int) -> None:
    """Makes runs of several names, whose curves and settings differ."""
    made = random.Random(1)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(runs):
        name = f"name-{number % names + 1:02d}"
        started = (begin + timedelta(minutes=7 * number)).isoformat(timespec="seconds")
        record = RunRecord(
            name,
            "completed",
            started,
            Process.current(),
            seed=number,
            command=("dl", "train", f"{name}.yaml"),
            fingerprint="ab" * 32,
            seconds=made.uniform(2, 500),
            epochs=epochs,
        )
        rate, reached = 10 ** made.uniform(-4, -1), made.uniform(0.9, 0.99)
        layers = "\n".join(_LAYER.format(units=2 ** made.randint(3, 8), at=at) for at in range(12))
        settings = _SETTINGS.format(
            name=name,
            seed=number,
            layers=layers,
            rate=f"{rate:.6g}",
            batch=2 ** made.randint(3, 8),
            epochs=epochs,
        )
        measured = {"loss": 1 - reached, "accuracy": reached}
        metrics = dict.fromkeys(("train", "validation", "test"), measured)
        files = {
            "run.json": record.text().encode(),
            "resolved.yaml": settings.encode(),
            "history.csv": _history(epochs, reached, made).encode(),
            "metrics.json": json.dumps(metrics).encode(),
        }
        with create_run(folder, name, files):
            pass


def _history(epochs: int, reached: float, made: random.Random) -> str:
    lines = ["epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"]
    for epoch in range(1, epochs + 1):
        accuracy = reached * (1 - math.exp(-epoch / 5)) + made.gauss(0, 0.003)
        values = (1 - accuracy, accuracy, 1.1 - accuracy, accuracy - 0.01, 0.001, 0.1)
        lines.append(f"{epoch}," + ",".join(repr(value) for value in values))
    return "\n".join(lines) + "\n"


def measure(folder: Path, runs: int, rounds: int) -> None:
    """Prints the seconds of each answer: first with nothing read before, then again."""
    command = [DL, "board", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as board:
        address = (board.stdout.readline() if board.stdout else "").strip().rstrip("/")
        try:
            first = _ask(f"{address}/") + _ask(f"{address}/api/runs")
            print(f"{'first page and its list':28} {first:6.3f} s  (aim 1 s)")
            for question in questions(runs):
                once = _ask(address + question.address)
                again = [_ask(address + question.address) for _ in range(rounds)]
                print(
                    f"{question.says:28} {once:6.3f} s first, then median "
                    f"{statistics.median(again):.3f} s, worst {max(again):.3f} s "
                    f"(aim {question.aim:g} s)",
                    flush=True,
                )
        finally:
            board.terminate()


def _ask(address: str) -> float:
    begin = time.perf_counter()
    try:
        with urllib.request.urlopen(address) as answer:
            answer.read()
    except OSError as error:
        sys.exit(f"{address}: {error}")
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
