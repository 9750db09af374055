"""Prediction, the whole command: `dl predict` against a script of pandas and Keras.

python benchmarks/prediction.py --other-python PYTHON [--rows 1000000] [--rounds 3]

`--other-python` is an interpreter that has keras, tensorflow and pandas, which `dl` does not need.
A table of 20 columns goes through 20-64-3, CSV in and CSV out, then Parquet in and Parquet out, and
then a table of one row. `dl` is measured with the lite copy of the model, and with TensorFlow, as
where there is no copy. The peaks of memory and the processor time are those of the last round. Both
sides must predict the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measure import Row, Timed, compare, markdown, run

SCRIPT = Path(__file__).parent / "reference" / "keras_predict.py"
COLUMNS = 20
TRAINING_ROWS = 20_000
TOLERANCE = 1e-5
CONFIG = """\
name: bench
data: {source: csv, path: train.csv, target: label}
preprocess: {numeric: none}
model:
  layers:
    - {type: Dense, units: 64, activation: relu}
    - {type: Dense, units: 3, activation: softmax}
training: {loss: sparse_categorical_crossentropy, epochs: 2}
"""


@dataclass
class Usage:
    """What each command took, by its name: the peak of memory in MiB, seconds of the processor."""

    taken: dict[str, tuple[float, float]] = field(default_factory=dict)

    def timed(self, name: str, command: Sequence[str]) -> Timed:
        """Returns what runs a command, notes what it took, and gives its seconds."""

        def run_once() -> float:
            with tempfile.TemporaryFile() as said:
                begin = time.perf_counter()
                process = subprocess.Popen(command, stderr=said)
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.perf_counter() - begin
                if status:
                    said.seek(0)
                    sys.exit(f"{' '.join(command)} failed:\n{said.read().decode()}")
            self.taken[name] = usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime
            return seconds

        return run_once


@dataclass(frozen=True)
class Bench:
    """The two runs of the same model: with its lite copy, and without."""

    folder: Path
    dl: str
    other_python: str
    rounds: int
    usage: Usage = field(default_factory=Usage)

    def against(self, job: str, run_name: str, table: str, batch: int, aim: str) -> Row:
        """Measures `dl` and the script in turn on a table, and compares what they wrote."""
        form = Path(table).suffix
        ours, theirs = self.folder / f"ours{form}", self.folder / f"theirs{form}"
        rows, model = str(self.folder / table), str(self.folder / "light" / "model.h5")
        command = [self.dl, "predict", str(self.folder / run_name), rows, "-o", str(ours), "-q"]
        script = [self.other_python, str(SCRIPT), model, rows, str(theirs)]
        name = f"pandas + Keras, batch {batch}"
        row = compare(
            job,
            name,
            self.usage.timed(job, command),
            self.usage.timed(f"{job}: {name}", [*script, f"--batch-size={batch}"]),
            rounds=self.rounds,
            target=aim,
        )
        with multiprocessing.get_context("spawn").Pool(1) as other:
            other.apply(check_same, (ours, theirs))
        return row


def main() -> None:
    options = _options()
    measured = list(rows(options.dl, options.other_python, options.rows, options.rounds))
    print("\n" + markdown(measured))


def rows(dl: str, other_python: str, count: int, rounds: int) -> Iterator[Row]:
    """Compares predictions of a table of so many rows, and of one; tells what each took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A process of its own: the peak of a command begins with the memory of who starts it.
        with multiprocessing.get_context("spawn").Pool(1) as other:
            other.apply(prepare, (folder, count, dl))
        bench = Bench(folder, dl, other_python, rounds)
        table = f"{count:,} rows of 20 numbers predicted"
        yield bench.against(f"{table}, CSV to CSV", "light", "rows.csv", 8192, "")
        yield bench.against(f"{table}, Parquet to Parquet", "light", "rows.parquet", 8192, "")
        yield bench.against("one row predicted", "light", "one.csv", 32, "4 x")
        yield bench.against(f"{table}, CSV to CSV", "light", "rows.csv", 32, "10 x")
        yield bench.against(f"{table}, with TensorFlow", "heavy", "rows.csv", 32, "4 x")
    for job, (peak, processor) in bench.usage.taken.items():
        print(f"{job}: peak of memory {peak:,.0f} MiB, processor {processor:.1f} s")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other-python", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dl", default=str(Path(sys.executable).with_name("dl")))
    return parser.parse_args()


def prepare(folder: Path, rows: int, dl: str) -> None:
    """Writes the tables and trains the model; `heavy` is the run without its lite copy."""
    import numpy as np
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    random = np.random.default_rng(0)
    x = np.round(random.normal(size=(max(rows, TRAINING_ROWS), COLUMNS)), 6)
    label = (x @ random.normal(size=(COLUMNS, 3))).argmax(axis=1)
    table = pyarrow.table({f"x{i}": x[:, i] for i in range(COLUMNS)})
    labelled = table.append_column("label", pyarrow.array(label))
    pyarrow.csv.write_csv(labelled.slice(0, TRAINING_ROWS), folder / "train.csv")
    pyarrow.csv.write_csv(table.slice(0, rows), folder / "rows.csv")
    pyarrow.parquet.write_table(table.slice(0, rows), folder / "rows.parquet")
    pyarrow.csv.write_csv(table.slice(0, 1), folder / "one.csv")
    (folder / "bench.yaml").write_text(CONFIG)
    run([dl, "train", str(folder / "bench.yaml"), "--runs", str(folder / "runs"), "-q"])
    shutil.copytree(folder / "runs" / "bench" / "0001", folder / "light")
    shutil.copytree(folder / "light", folder / "heavy")
    for path in (folder / "heavy").glob("model.tflite*"):
        path.unlink()


def check_same(ours: Path, theirs: Path) -> None:
    """Raises if the two tables differ by more than the rounding of a runtime."""
    import numpy as np
    import pyarrow.csv
    import pyarrow.parquet

    read = pyarrow.parquet.read_table if ours.suffix == ".parquet" else pyarrow.csv.read_csv
    first, second = (read(path).drop(["prediction"]) for path in (ours, theirs))
    for left, right in zip(first.columns, second.columns, strict=True):
        difference = np.max(np.abs(left.to_numpy() - right.to_numpy()))
        if difference > TOLERANCE:
            raise ValueError(f"the two sides predict other numbers: {difference:.1e} apart")


if __name__ == "__main__":
    main()
