"""A sweep of 64 small trainings: `dl sweep` against a shell loop, KerasTuner and Ray Tune.

python benchmarks/sweep.py [--sample 64] [--rounds 1] [--other-python PYTHON] [--only shell,ray]

`--other-python` is an interpreter that has keras-tuner and ray beside Keras; without it those rows
are left out. With `--sample 16` the others train only so many of the settings, and their time from
the first trial on is scaled to all. `--check` trains each setting by `dl train` too and compares
the histories; alone, with `--only none`.
"""

from __future__ import annotations

import argparse
import csv
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from measure import Row, compare, markdown, run, wall

REFERENCE = Path(__file__).parent / "reference"
UNITS, ACTIVATIONS, BATCHES = (32, 64, 96, 128), ("relu", "tanh"), (32, 64)
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
PER_UNITS = len(ACTIVATIONS) * len(BATCHES) * len(RATES)
JOB = f"{len(UNITS) * PER_UNITS} trials of digits"
BASE = """\
name: digits
data: {source: builtin, dataset: digits, split: {validation: 0.2, test: 0.2}}
preprocess: {numeric: minmax}
model:
  layers:
    - {type: Dense, units: 64, activation: relu, name: hidden}
    - {type: Dense, units: 10, activation: softmax}
training:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  epochs: 20
"""


def main() -> None:
    """Measures what the options ask for and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=64, help="a multiple of 16")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--other-python")
    parser.add_argument("--only", default="shell,tuner,ray")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    units = UNITS[: max(1, options.sample // PER_UNITS)]
    with tempfile.TemporaryDirectory() as name:
        sides = Sides(Path(name), units, options.other_python)
        measured = list(_rows(sides, options.only.split(","), options.rounds))
        if measured:
            print(markdown(measured))
        if options.check and not sides.check():
            sys.exit(1)


def rows(other_python: str, sample: int, only: Sequence[str]) -> Iterator[Row]:
    """Compares `dl sweep` with others once; they train a sample, and their time is scaled."""
    with tempfile.TemporaryDirectory() as name:
        yield from _rows(Sides(Path(name), UNITS[: sample // PER_UNITS], other_python), only, 1)


class Sides:
    """The ways to train the same grid; each call has a folder of its own.

    The sides other than `dl` train the settings with these units only; their time is scaled.
    """

    def __init__(self, folder: Path, units: Sequence[int], other: str | None) -> None:
        self._folder = folder
        self._units = units
        self.other = other
        self._calls = 0
        (folder / "base.yaml").write_text(BASE)
        (folder / "sweep.yaml").write_text(self._sweep())

    @property
    def _scale(self) -> float:
        return len(UNITS) / len(self._units)

    def dl(self) -> float:
        """Runs `dl sweep`."""
        return wall([*_DL, "sweep", str(self._folder / "sweep.yaml"), "--runs", self._new(), "-q"])

    def shell(self) -> float:
        """Runs the script for one setting after the other, in a loop of the shell."""
        script = shlex.join([sys.executable, str(REFERENCE / "keras_grid_script.py")])
        words = [" ".join(map(str, values)) for values in (RATES, self._units, BATCHES)]
        loop = (
            f"for rate in {words[0]}; do for units in {words[1]}; do for batch in {words[2]}; do "
            f"for kind in {' '.join(ACTIVATIONS)}; do "
            f"{script} $rate $units $batch $kind {self._new()}/$rate-$units-$batch-$kind"
            " || exit 1; done; done; done; done"
        )
        return self._scale * wall(["bash", "-c", loop])

    def tuner(self) -> float:
        """Runs KerasTuner."""
        return self._reference("kerastuner_grid.py", str(len(self._units) * PER_UNITS))

    def ray(self) -> float:
        """Runs Ray Tune."""
        return self._reference("ray_tune_grid.py", ",".join(map(str, self._units)))

    def check(self) -> bool:
        """Compares the histories of a sweep with those of single trainings, and tells of it."""
        runs = Path(self._new())
        run([*_DL, "sweep", str(self._folder / "sweep.yaml"), "--runs", str(runs), "-q"])
        trials = sorted((runs / "grid/0001/trials").glob("*/0001"))
        same = sum(_history(trial) == _history(self._single(trial)) for trial in trials)
        print(f"{same} of {len(trials)} histories are those of single trainings")
        return same == len(trials)

    def _single(self, trial: Path) -> Path:
        overrides = (trial / "overrides.txt").read_text().splitlines()
        options = [word for override in overrides for word in ("--set", override)]
        said = run([*_DL, "train", str(self._folder / "base.yaml"), *options, "-q", *self._runs()])
        return Path(said.splitlines()[-1])

    def _runs(self) -> list[str]:
        return ["--runs", str(self._folder / "singles")]

    def _reference(self, script: str, argument: str) -> float:
        if self.other is None:
            raise ValueError("no other interpreter")
        began = time.perf_counter()
        said = run([self.other, str(REFERENCE / script), self._new(), argument])
        total = time.perf_counter() - began
        ready = next(float(line.split()[1]) for line in said.splitlines() if "ready " in line)
        return ready + self._scale * (total - ready)

    def _new(self) -> str:
        self._calls += 1
        return str(self._folder / f"call-{self._calls}")

    def _sweep(self) -> str:
        return f"""\
base: base.yaml
name: grid
objective: {{metric: val_accuracy}}
parameters:
  training.optimizer.learning_rate: {list(RATES)}
  model.layers.hidden.units: {list(UNITS)}
  training.batch_size: {list(BATCHES)}
  model.layers.hidden.activation: [{", ".join(ACTIVATIONS)}]
"""


_DL = (sys.executable, "-m", "dl")


def _rows(sides: Sides, only: Sequence[str], rounds: int) -> Iterator[Row]:
    jobs = [
        ("shell", "a shell loop over a script", sides.shell, "45 x"),
        ("tuner", "KerasTuner", sides.tuner, "4 x"),
        ("ray", "Ray Tune", sides.ray, "4 x"),
    ]
    for name, words, side, aim in jobs:
        if name in only and (name == "shell" or sides.other is not None):
            yield compare(JOB, words, sides.dl, side, rounds=rounds, target=aim)


def _history(path: Path) -> list[dict[str, str]]:
    with (path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{key: row[key] for key in row if key != "seconds"} for row in rows]


if __name__ == "__main__":
    main()
