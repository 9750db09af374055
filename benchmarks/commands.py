"""Whole commands, start to end: what a user waits for.

python benchmarks/commands.py MNIST.npz DIGITS.csv [--rounds 3] [--pandas-python PYTHON]

`--pandas-python` is an interpreter that has pandas beside what `dl` needs; without it the script
of a student, which reads its table with pandas, is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from measure import Row, compare, markdown, wall
from models import DL, REFERENCE, Job

DIGITS = """\
name: digits-csv
data: {{source: csv, path: {table}, target: target, split: {{validation: 0.08, test: 0.2}}}}
preprocess: {{numeric: minmax}}
model:
  layers:
    - {{type: Dense, units: 64, activation: relu}}
    - {{type: Dense, units: 10, activation: softmax}}
training:
  loss: sparse_categorical_crossentropy
  optimizer: adam
  metrics: [accuracy]
  batch_size: 32
  epochs: 20
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("digits", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pandas-python")
    options = parser.parse_args()
    rows = list(start_up(options.digits, options.rounds))
    rows += commands(options.mnist, options.digits, options.pandas_python, options.rounds)
    print("\n" + markdown(rows))


def start_up(digits: Path, rounds: int) -> Iterator[Row]:
    """Compares the loading of Keras, and a check of a config, with plain imports of Keras."""
    keras = partial(wall, [sys.executable, "-c", "import keras"])
    ours = partial(wall, [sys.executable, "-c", "import dl.model"])
    yield compare("load Keras", "import keras", ours, keras, rounds=rounds, target="")
    config = str(_digits_config(digits))
    for command in ("validate", "summary", "trace"):
        look = partial(wall, [DL, command, config])
        yield compare(f"dl {command}", "import keras", look, keras, rounds=rounds, target="")
    yield from the_end(config, rounds)


def the_end(config: str, rounds: int) -> Iterator[Row]:
    """Compares the times until the result and until the prompt of a training."""
    waits = iter([wait for _ in range(rounds) for wait in _result_and_prompt(config)])
    result, prompt = partial(next, waits), partial(next, waits)
    title, target = "dl train digits.csv: the result", "0.4 s before the prompt"
    yield compare(title, "the prompt", result, prompt, rounds=rounds, target=target)


def _result_and_prompt(config: str) -> tuple[float, float]:
    """Returns the seconds after which a training shows its run directory, and ends."""
    begin = time.perf_counter()
    command = [DL, "train", config, "--runs", str(Path(config).parent), "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout or ():
            if line.startswith(str(Path(config).parent).encode()):
                shown = time.perf_counter() - begin
    return shown, time.perf_counter() - begin


def commands(mnist: Path, digits: Path, pandas: str | None, rounds: int) -> Iterator[Row]:
    """Compares whole trainings with scripts that do the same."""
    if pandas:
        config = _digits_config(digits)
        script = [pandas, str(REFERENCE / "keras_script.py"), str(digits), str(config.parent)]
        yield compare(
            "dl train digits.csv, 20 epochs",
            "keras_script",
            partial(wall, [DL, "train", str(config), "--runs", str(config.parent), "-q"]),
            partial(wall, script),
            rounds=rounds,
            target="1.33 x (0.75 of its time)",
        )
    job = Job(mnist, epochs=5)
    train = partial(wall, [DL, "train", str(job.config()), "--runs", str(job.folder), "-q"])
    keras = partial(wall, job.keras_command())
    title, target = "dl train MNIST, mlp, 5 epochs", "2.5 x (0.4 of its time)"
    yield compare(title, "keras_fit", train, keras, rounds=rounds, target=target)


def _digits_config(table: Path) -> Path:
    path = Path(tempfile.mkdtemp(prefix="dl-bench-")) / "digits.yaml"
    path.write_text(DIGITS.format(table=table.resolve()))
    return path


if __name__ == "__main__":
    main()
