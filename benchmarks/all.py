"""All benchmarks in one run: the table of docs/performance.md, and the picture of growth.

python benchmarks/all.py MNIST.npz DIGITS.csv [--rounds 3] [--epochs 3]
    [--other-python PYTHON] [--pandas-python PYTHON]

`--other-python` is an interpreter with torch, jax and scikit-learn, `--pandas-python` one with
pandas beside what `dl` needs; what needs them is left out without. About 40 minutes on two cores.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import accuracy
import growth
import overhead
from commands import commands, start_up
from epochs import against_keras, against_others
from measure import Row, markdown
from models import LAYERS, Job


def main() -> None:
    options = _options()
    print(machine(), flush=True)
    rows = list(_rows(options))
    print("\n" + markdown(rows))
    print(overhead.share(rows=400_000, epochs=25, rounds=options.rounds), flush=True)
    accuracy.same_accuracy([Job(options.mnist, epochs=2, seed=seed) for seed in range(5)])
    growth.draw(growth.sweeps(options.mnist, epochs=5), options.picture)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("digits", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--other-python")
    parser.add_argument("--pandas-python")
    parser.add_argument("--picture", type=Path, default=Path("docs/images/growth.png"))
    return parser.parse_args()


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    yield from against_keras(options.mnist, list(LAYERS), options.epochs, options.rounds)
    if options.other_python:
        python = options.other_python
        yield from against_others(options.mnist, python, options.epochs, options.rounds)
    yield from start_up(options.digits, options.rounds)
    yield from commands(options.mnist, options.digits, options.pandas_python, options.rounds)


def machine() -> str:
    """Words the processor and the versions."""
    names = ("tensorflow", "keras", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{_processor()}; Python {platform.python_version()}, {versions}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}"


if __name__ == "__main__":
    main()
