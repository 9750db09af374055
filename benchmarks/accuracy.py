"""Accuracy on the test part of MNIST: `dl train` and plain Keras, the same model, five seeds each.

python benchmarks/accuracy.py MNIST.npz [--seeds 5] [--epochs 2] [--model mlp]

Passes if the two means lie within one standard deviation of Keras' own; else it ends with code 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from measure import last_json, run
from models import LAYERS, Job


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--model", choices=LAYERS, default="mlp")
    options = parser.parse_args()
    jobs = [
        Job(options.mnist, options.model, rows=options.rows, epochs=options.epochs, seed=seed)
        for seed in range(options.seeds)
    ]
    if not same_accuracy(jobs):
        sys.exit(1)


def same_accuracy(jobs: list[Job]) -> bool:
    """Trains each job both ways, prints the table, and tells whether the means agree."""
    print("| seed | dl | Keras |\n|---|---|---|")
    pairs = []
    for job in jobs:
        pairs.append((_ours(job), _theirs(job)))
        print(f"| {job.seed} | {pairs[-1][0]:.4f} | {pairs[-1][1]:.4f} |", flush=True)
    ours, theirs = zip(*pairs, strict=True)
    difference = statistics.mean(ours) - statistics.mean(theirs)
    deviation = statistics.stdev(theirs)
    print(f"| mean | {statistics.mean(ours):.4f} | {statistics.mean(theirs):.4f} |")
    print(f"| deviation | {statistics.stdev(ours):.4f} | {deviation:.4f} |\n")
    print(f"difference of the means {difference:+.4f}, one standard deviation {deviation:.4f}")
    return abs(difference) <= deviation


def _ours(job: Job) -> float:
    metrics = json.loads((job.train() / "metrics.json").read_text())
    return float(metrics["test"]["accuracy"])


def _theirs(job: Job) -> float:
    return float(last_json(run(job.keras_command()))["accuracy"])  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
