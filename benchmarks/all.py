"""All benchmarks in one run, into the table of docs/performance.md; or some of them.

python benchmarks/all.py MNIST.npz DIGITS.csv [--only sweep,commands] [--rounds 2]
    [--environments build/bench] [--table docs/performance.md]

Each line of the table is written as soon as it is measured, in the place of the one before. Other
libraries are installed into environments of their own, below `build/bench`, the first time.

{parts}
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import accuracy
import growth
import overhead
import prediction
import streaming
import sweep
import sweep_overhead
from commands import against_ludwig, commands, looks, start_up, the_end
from environments import FOLDER, Environment, environment
from epochs import against_keras, against_others
from measure import Row, wall
from models import DL, LAYERS, Job
from table import DOCUMENT, keep, machine


@dataclass(frozen=True)
class Bench:
    """What a part is given: the data, how often it measures, and the other libraries.

    Attributes:
        mnist: Keras' `mnist.npz`.
        digits: A table of 8 x 8 pixels and a column `target`.
        rounds: How often both sides run, in turn.
        folder: Where the environments are.
        picture: Where the picture of growth goes.
    """

    mnist: Path
    digits: Path
    rounds: int
    folder: Path
    picture: Path

    @cached_property
    def python(self) -> str:
        """The interpreter of the other libraries; ends the benchmark where there can be none."""
        found = environment("others", self.folder)
        if found.python is None:
            sys.exit(f"the other libraries cannot be installed: {found.why}")
        wall([found.python, "-c", "import keras, pandas, sklearn"])  # their files are read once
        return found.python

    @cached_property
    def ludwig(self) -> Environment:
        """The environment of Ludwig."""
        return environment("ludwig", self.folder)


Part = Callable[[Bench], Iterator[Row]]


def _train(bench: Bench) -> Iterator[Row]:
    yield from commands(bench.mnist, bench.digits, bench.python, bench.rounds)
    yield from the_end(bench.digits, bench.rounds)


def _sweep(bench: Bench) -> Iterator[Row]:
    yield from sweep.rows(bench.python, sample=16, only=("shell", "tuner"))


def _ray(bench: Bench) -> Iterator[Row]:
    yield from sweep.rows(bench.python, sample=16, only=("ray",))


def _trials(bench: Bench) -> Iterator[Row]:
    yield from sweep_overhead.rows((64, 250), ("grid",), jobs=2)


def _predict(bench: Bench) -> Iterator[Row]:
    yield from prediction.rows(DL, bench.python, 1_000_000, bench.rounds)


def _stream(bench: Bench) -> Iterator[Row]:
    yield from streaming.rows(10_000_000, part=4)


def _epochs(bench: Bench) -> Iterator[Row]:
    yield from against_keras(bench.mnist, list(LAYERS), epochs=3, rounds=bench.rounds)


def _others(bench: Bench) -> Iterator[Row]:
    yield from against_others(bench.mnist, bench.python, epochs=3, rounds=bench.rounds)


def _ludwig(bench: Bench) -> Iterator[Row]:
    yield from against_ludwig(bench.digits, bench.ludwig, bench.rounds)


def _display(bench: Bench) -> Iterator[Row]:
    yield overhead.row(rows=400_000, epochs=25, rounds=bench.rounds)


def _accuracy(bench: Bench) -> Iterator[Row]:
    accuracy.same_accuracy([Job(bench.mnist, epochs=2, seed=seed) for seed in range(5)])
    yield from ()


def _growth(bench: Bench) -> Iterator[Row]:
    growth.draw(growth.sweeps(bench.mnist, epochs=5), bench.picture)
    yield from ()


PARTS: dict[str, tuple[Part, str]] = {
    "train": (_train, "1 min: whole trainings, the result and the prompt"),
    "sweep": (_sweep, "3 min: 64 trials against a shell loop and KerasTuner"),
    "trials": (_trials, "1 min: what a trial costs beside its training"),
    "looks": (
        lambda bench: looks(bench.digits, bench.rounds),
        "1 min: evaluate, trace, summary, diagnose",
    ),
    "start": (lambda bench: start_up(bench.digits, bench.rounds), "0.5 min: Keras, validate"),
    "predict": (_predict, "3 min: 1,000,000 rows, CSV and Parquet, and one row"),
    "stream": (_stream, "1 min: 10,000,000 rows against tf.data"),
    "epochs": (_epochs, "6 min: eight networks against Keras' fit"),
    "others": (_others, "1 min: PyTorch, scikit-learn, JAX"),
    "ludwig": (_ludwig, "1 min: a whole training by Ludwig"),
    "display": (_display, "1 min: what display, history and checkpoints add"),
    "accuracy": (_accuracy, "1 min: five seeds by both; printed alone"),
    "growth": (_growth, "3 min: the picture"),
    "ray": (_ray, "2 min: 64 trials against Ray Tune; only if it is named"),
}
"""The parts with what they take on two cores, quiet, in the order of the table."""
UNASKED = {"ray"}


def main() -> None:
    options = _options()
    bench = Bench(
        options.mnist, options.digits, options.rounds, options.environments, options.picture
    )
    print(machine(), flush=True)
    for name in options.only:
        begin = time.perf_counter()
        for row in PARTS[name][0](bench):
            keep(row, options.table)
        print(f"-- {name}: {(time.perf_counter() - begin) / 60:.1f} min", flush=True)


def _options() -> argparse.Namespace:
    told = "\n".join(f"  {name:9} {about}" for name, (_, about) in PARTS.items())
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").format(parts=told),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("mnist", type=Path)
    parser.add_argument("digits", type=Path)
    parser.add_argument("--only", type=_parts, default=[n for n in PARTS if n not in UNASKED])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--environments", type=Path, default=FOLDER)
    parser.add_argument("--table", type=Path, default=DOCUMENT)
    parser.add_argument("--picture", type=Path, default=Path("docs/images/growth.png"))
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no part {unknown[0]}; there are {', '.join(PARTS)}")
    return names


if __name__ == "__main__":
    main()
