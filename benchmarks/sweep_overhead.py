"""What a trial of `dl sweep` costs beside its training, and how that grows with the trials.

python benchmarks/sweep_overhead.py [--trials 64,250,1000] [--methods grid,tpe] [--jobs 2]

Each trial trains a small network for two epochs. Its overhead is all the rest: the time of the
whole command (start of Python, Keras, data, journal, search, runs, leaderboard, pictures) times the
jobs, less the seconds of the epochs, for each trial. The overhead of the trials that a larger sweep
has more leaves the start out.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Row, wall

BASE = """\
name: iris
data: {source: builtin, dataset: iris}
model:
  layers:
    - {type: Dense, units: 8, activation: relu, name: hidden}
    - {type: Dense, units: 3, activation: softmax}
training: {loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 2}
"""
_SEEDS = "parameters: {seed: [%s]}"
_NUMBERS = """\
parameters:
  training.optimizer.learning_rate: {log_uniform: [1e-4, 1e-1]}
  model.layers.hidden.units: [4, 8, 16]
  training.batch_size: [16, 32]
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A sweep.

    Attributes:
        trials: How many.
        busy: Seconds of the command times its jobs.
        trained: Seconds of all epochs.
    """

    trials: int
    busy: float
    trained: float

    @property
    def overhead(self) -> float:
        """Seconds of a trial beside its training."""
        return (self.busy - self.trained) / self.trials


def main() -> None:
    """Measures what the options ask for and prints a line for each sweep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", default="64,250,1000")
    parser.add_argument("--methods", default="grid,tpe")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    counts = tuple(map(int, options.trials.split(",")))
    list(rows(counts, options.methods.split(","), options.jobs))


def rows(counts: Sequence[int], methods: Sequence[str], jobs: int) -> Iterator[Row]:
    """Runs sweeps of so many trials, and tells what each costs; of the last ones in rows."""
    for method in methods:
        before: Measured | None = None
        for trials in sorted(counts):
            measured = measure(method, trials, jobs)
            print(_line(method, measured, before), flush=True)
            if before is not None:
                which = f"{before.trials + 1} to {trials} of a {method}"
                title = f"a trial beside its training, {which}"
                rest = _rest(measured, before)
                yield Row(title, "nobody", rest, None, None, "0.15 s")
            before = measured


def measure(method: str, trials: int, jobs: int) -> Measured:
    """Runs a sweep of so many trials."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "base.yaml").write_text(BASE)
        values = _SEEDS % ", ".join(map(str, range(trials))) if method == "grid" else _NUMBERS
        head = f"base: base.yaml\nname: many\nmethod: {method}\ntrials: {trials}\njobs: {jobs}\n"
        (folder / "sweep.yaml").write_text(head + values)
        command = [sys.executable, "-m", "dl", "sweep", str(folder / "sweep.yaml"), "-q"]
        seconds = wall([*command, "--runs", str(folder)])
        histories = list((folder / "many/0001/trials").glob("*/*/history.csv"))
        if len(histories) != trials:
            sys.exit(f"{len(histories)} of {trials} trials left a history")
        return Measured(trials, seconds * jobs, sum(map(_trained, histories)))


def _trained(history: Path) -> float:
    with history.open() as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))


def _line(method: str, measured: Measured, before: Measured | None) -> str:
    text = f"{method:6} {measured.trials:5} trials  {measured.overhead:.3f} s overhead of a trial"
    if before is None:
        return text
    more = measured.trials - before.trials
    return f"{text}, {_rest(measured, before):.3f} s of each of the last {more}"


def _rest(measured: Measured, before: Measured) -> float:
    more = (measured.busy - measured.trained) - (before.busy - before.trained)
    return more / (measured.trials - before.trials)


if __name__ == "__main__":
    main()
