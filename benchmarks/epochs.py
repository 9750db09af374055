"""An epoch of the reference models: `dl train` against Keras' fit, PyTorch, scikit-learn and JAX.

python benchmarks/epochs.py MNIST.npz [--only mlp,drop] [--rounds 3] [--other-python PYTHON]

`--other-python` is an interpreter that has torch, jax and scikit-learn; without it those rows are
left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from measure import Row, compare, last_json, markdown, run, steady
from models import LAYERS, REFERENCE, Job

JOBS = [
    ("mlp", 32, 60_000, "12 x"),
    ("tiny", 32, 60_000, "12 x"),
    ("bn", 32, 60_000, "6 x"),
    ("drop", 32, 60_000, "5 x"),
    ("big", 32, 60_000, "2 x"),
    ("big", 256, 60_000, "1 x, 1.5 x wanted"),
    ("cnn", 64, 12_800, "1 x, 1.5 x wanted"),
    ("lstm", 64, 12_800, "1 x, 1.5 x wanted"),
]
OTHERS = [
    ("torch_loop", "PyTorch loop", "3.5 x"),
    ("sklearn_mlp", "scikit-learn", "4 x"),
    ("jax_scan", "JAX scan, the limit", "0.77 x"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--only", help="models, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--other-python")
    options = parser.parse_args()
    only = options.only.split(",") if options.only else list(LAYERS)
    rows = list(against_keras(options.mnist, only, options.epochs, options.rounds))
    if options.other_python and "mlp" in only:
        rows += against_others(options.mnist, options.other_python, options.epochs, options.rounds)
    print("\n" + markdown(rows))


def against_keras(mnist: Path, only: list[str], epochs: int, rounds: int) -> Iterator[Row]:
    """Compares an epoch of each reference model with Keras' `fit`."""
    for model, batch, rows, target in JOBS:
        if model in only:
            job = Job(mnist, model, batch, rows, epochs)
            keras = epoch_of(job.keras_command())
            title = f"epoch, {model} batch {batch}"
            yield compare(title, "Keras `fit`", job.dl_epoch, keras, rounds=rounds, target=target)


def against_others(mnist: Path, python: str, epochs: int, rounds: int) -> Iterator[Row]:
    """Compares an epoch of the model `mlp` with other libraries."""
    job = Job(mnist, epochs=epochs)
    for script, against, target in OTHERS:
        other = epoch_of([python, str(REFERENCE / f"{script}.py"), str(mnist)])
        title = "epoch, mlp batch 32"
        yield compare(title, against, job.dl_epoch, other, rounds=rounds, target=target)


def epoch_of(command: list[str]) -> Callable[[], float]:
    """Returns what runs a script and gives the seconds of its epochs."""
    return lambda: steady(last_json(run(command))["epochs"])  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
