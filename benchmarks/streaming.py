"""Data larger than memory: rows a second and peak memory of `dl train` on a Parquet file.

python benchmarks/streaming.py [--rows 2500000,5000000,10000000] [--without reference]

Makes tables of 20 numbers and a class of three in a temporary folder, and trains 20-64-3 with
batches of 256 for one epoch: streamed with a budget of 100 MB, held in memory, and by tf.data with
a shuffle window (`reference/keras_stream.py`). Memory is the peak of the resident pages of a
process, mapped files included, less that of a process which trains one batch with TensorFlow.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from measure import Row, last_json, line

REFERENCE = Path(__file__).parent / "reference" / "keras_stream.py"
COLUMNS = 20
GROUP = 500_000
CONFIG = """\
name: {name}
data: {{source: parquet, path: {path}, target: label, split: {{validation: 0, test: 0}}}}
model:
  layers:
    - {{type: Dense, units: 64, activation: relu}}
    - {{type: Dense, units: 3, activation: softmax}}
training:
  loss: sparse_categorical_crossentropy
  optimizer: adam
  metrics: [accuracy]
  batch_size: 256
  epochs: 1
engine: {{memory: {memory}}}
"""
BUDGETS = {"streamed": 100, "in memory": 1_000_000}


@dataclass(frozen=True, slots=True)
class Measured:
    """A process: what it was, seconds of its epoch, of the whole and of processors, peak bytes."""

    name: str
    rows: int
    epoch: float
    whole: float
    processors: float
    memory: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="2500000,5000000,10000000")
    parser.add_argument("--without", default="", help="of streamed, memory, reference; by commas")
    options = parser.parse_args()
    bare = _measured("TensorFlow alone", 0, [sys.executable, str(REFERENCE)])
    print(f"TensorFlow and Keras alone, one batch: {bare.memory / 1e6:,.0f} MB\n")
    print("| rows | how | epoch, s | rows a second | whole, s | processors, s | memory above, MB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        for rows in map(int, options.rows.split(",")):
            path = _table(folder / "rows.parquet", rows)
            for measured in _all(path, rows, folder, options.without):
                print(_line(measured, bare.memory), flush=True)


def rows(count: int, part: int) -> Iterator[Row]:
    """Compares an epoch of so many rows, streamed, with tf.data, once.

    tf.data is given one of so many parts of them, and its time is scaled: it grows with the rows.
    """
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        path = _table(folder / "rows.parquet", count)
        ours = _dl("streamed", path, count, folder, BUDGETS["streamed"]).epoch
        path = _table(path, count // part)
        theirs = _measured("tf.data", count, [sys.executable, str(REFERENCE), str(path)]).epoch
    title = f"epoch, {count:,} rows of 20 numbers, streamed"
    against = "tf.data, window of 100,000" + f" (1/{part} of them, scaled)" * (part > 1)
    found = Row(title, against, ours, theirs * part, theirs * part / ours, "")
    print(line(found), flush=True)
    yield found


def _all(path: Path, rows: int, folder: Path, without: str) -> list[Measured]:
    found = []
    for name, budget in BUDGETS.items():
        if name.split()[-1] not in without:
            found.append(_dl(name, path, rows, folder, budget))
    if "reference" not in without:
        command = [sys.executable, str(REFERENCE), str(path)]
        found.append(_measured("tf.data, window of 100,000", rows, command))
    return found


def _dl(name: str, path: Path, rows: int, folder: Path, budget: int) -> Measured:
    config = folder / "case.yaml"
    text = CONFIG.format(name=name.replace(" ", "-"), path=path, memory=budget)
    config.write_text(text)
    command = [sys.executable, "-m", "dl", "train", str(config), "--runs", str(folder), "-q"]
    return _measured(f"`dl`, {name}", rows, command)


def measured_process(command: Sequence[str]) -> tuple[str, float]:
    """Returns what a command printed, and the megabytes that it had at most."""
    printed, usage = _run(command)
    return printed, usage.ru_maxrss * 1024 / 1e6


def _measured(name: str, rows: int, command: Sequence[str]) -> Measured:
    begin = time.perf_counter()
    printed, usage = _run(command)
    whole, processors = time.perf_counter() - begin, usage.ru_utime + usage.ru_stime
    return Measured(name, rows, _epoch(printed), whole, processors, usage.ru_maxrss * 1024)


def _run(command: Sequence[str]) -> tuple[str, resource.struct_rusage]:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as noise:
        child = subprocess.Popen(command, stdout=out, stderr=noise)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            noise.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{noise.read()}")
        out.seek(0)
        return out.read(), usage


def _epoch(printed: str) -> float:
    """Returns the seconds of the epoch: from the JSON of a script, or the run that `dl` names."""
    last = printed.strip().splitlines()[-1]
    if last.startswith("{"):
        return last_json(printed)["epochs"][0]  # type: ignore[index, no-any-return]
    with (Path(last) / "history.csv").open() as lines:
        return float(next(csv.DictReader(lines))["seconds"])


def _line(measured: Measured, bare: int) -> str:
    speed, above = measured.rows / measured.epoch, (measured.memory - bare) / 1e6
    return (
        f"| {measured.rows:,} | {measured.name} | {measured.epoch:.1f} | {speed:,.0f} "
        f"| {measured.whole:.0f} | {measured.processors:.0f} | {above:,.0f} |"
    )


def _table(path: Path, rows: int) -> Path:
    random = np.random.default_rng(0)
    weights = random.normal(size=COLUMNS)
    names = [f"x{i}" for i in range(COLUMNS)]
    schema = pyarrow.schema([(name, pyarrow.float64()) for name in names] + [("label", "int64")])
    with pyarrow.parquet.ParquetWriter(path, schema, compression="none") as writer:
        for begin in range(0, rows, GROUP):
            x = random.normal(size=(min(GROUP, rows - begin), COLUMNS))
            columns = [*x.T, np.digitize(x @ weights, [-2, 2])]
            writer.write_table(pyarrow.table(columns, schema))
    return path


if __name__ == "__main__":
    main()
