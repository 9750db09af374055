"""Windows over a table: seconds of an epoch and peak memory, beside Keras' own windows, in turn.

python benchmarks/windows.py [--rows 420000] [--epochs 3] [--rounds 3]

Makes a table of 14 numbers, as many as the weather of Jena has, and trains 16 units on windows of
120 steps of six rows (1,680 numbers each), with batches of 256: by `dl train`, in memory and
streamed, and by `timeseries_dataset_from_array` and `fit` (`reference/keras_windows.py`). Memory is
the peak of the resident pages, less that of a process which trains one batch with TensorFlow.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from measure import last_json, steady
from reference.keras_windows import AHEAD, BATCH, COLUMNS, EVERY, LENGTH
from streaming import measured_process

REFERENCE = Path(__file__).parent / "reference" / "keras_windows.py"
CONFIG = """\
name: {name}
data:
  source: parquet
  path: {path}
  target: x0
  split: {{order: rows, validation: 0, test: 0}}
  window: {{length: {length}, every: {every}, ahead: {ahead}}}
preprocess: {{target: standardize}}
model:
  layers: [Flatten, {{type: Dense, units: 16, activation: relu}}, {{type: Dense, units: 1}}]
training:
  loss: mean_squared_error
  optimizer: rmsprop
  metrics: [mean_absolute_error]
  batch_size: {batch}
  epochs: {epochs}
engine: {{memory: {memory}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=420_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    _, bare = measured_process([sys.executable, str(REFERENCE)])
    copied = options.rows * LENGTH * COLUMNS * 4 / 1e6
    print(f"TensorFlow and Keras alone, one batch: {bare:,.0f} MB")
    print(f"all windows, if they were copied: {copied:,.0f} MB\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = _table(folder / "rows.parquet", options.rows)
        keras = [sys.executable, str(REFERENCE), str(path), "--epochs", str(options.epochs)]
        sides = {
            "`dl`, in memory": _train(folder, path, options.epochs, "memory", 1000),
            "`dl`, streamed": _train(folder, path, options.epochs, "streamed", 1),
            "Keras": keras,
        }
        found: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for _ in range(options.rounds):
            for side, command in sides.items():
                printed, memory = measured_process(command)
                found[side].append((_epoch(printed), memory - bare))
    print("| how | epoch, s | faster than Keras | memory above, MB |\n|---|---|---|---|")
    seconds = {side: statistics.median(epoch for epoch, _ in runs) for side, runs in found.items()}
    for side, runs in found.items():
        ratio = seconds["Keras"] / seconds[side]
        memory = max(memory for _, memory in runs)
        print(f"| {side} | {seconds[side]:.2f} | {ratio:.2f} x | {memory:,.0f} |")


def _train(folder: Path, path: Path, epochs: int, name: str, memory: int) -> Sequence[str]:
    config = folder / f"{name}.yaml"
    shape = {"length": LENGTH, "every": EVERY, "ahead": AHEAD, "batch": BATCH}
    config.write_text(CONFIG.format(name=name, path=path, epochs=epochs, memory=memory, **shape))
    runs = ["--runs", str(folder), "-q"]
    return [sys.executable, "-m", "dl", "train", str(config), *runs]


def _epoch(printed: str) -> float:
    """Returns the seconds of an epoch but the first, of a script or of the run that `dl` names."""
    last = printed.strip().splitlines()[-1]
    if last.startswith("{"):
        return steady(last_json(printed)["epochs"])  # type: ignore[arg-type]
    with (Path(last) / "history.csv").open() as lines:
        return steady([float(row["seconds"]) for row in csv.DictReader(lines)])


def _table(path: Path, rows: int) -> Path:
    random = np.random.default_rng(0)
    walks = random.normal(size=(rows, COLUMNS)).cumsum(axis=0)
    names = [f"x{place}" for place in range(COLUMNS)]
    pyarrow.parquet.write_table(pyarrow.table(list(walks.T), names), path)
    return path


if __name__ == "__main__":
    main()
