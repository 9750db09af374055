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

from environments import Environment
from measure import Row, compare, markdown, run, wall
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


LUDWIG = """\
output_features:
  - {name: target, type: category}
combiner: {type: concat, num_fc_layers: 1, output_size: 64}
preprocessing: {split: {type: random, probabilities: [0.72, 0.08, 0.2]}}
trainer: {epochs: 20, batch_size: 32, learning_rate: 0.001, optimizer: {type: adam}}
defaults: {number: {preprocessing: {normalization: null}}}
"""
"""The same network for Ludwig, below its inputs; its z-scores refuse pixels that are always 0."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("digits", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pandas-python")
    options = parser.parse_args()
    rows = [*start_up(options.digits, options.rounds), *looks(options.digits, options.rounds)]
    rows += the_end(options.digits, options.rounds)
    rows += commands(options.mnist, options.digits, options.pandas_python, options.rounds)
    print("\n" + markdown(rows))


def start_up(digits: Path, rounds: int) -> Iterator[Row]:
    """Compares the loading of Keras, and a check of a config, with plain imports of Keras."""
    keras = partial(wall, [sys.executable, "-c", "import keras"])
    ours = partial(wall, [sys.executable, "-c", "import dl.model"])
    yield compare("load Keras", "`import keras`", ours, keras, rounds=rounds, target="")
    look = partial(wall, [DL, "validate", str(_digits_config(digits))])
    yield compare("`dl validate`", "`import keras`", look, keras, rounds=rounds, target="6 x")


def looks(digits: Path, rounds: int) -> Iterator[Row]:
    """Compares commands that look at a network or a run with a plain import of Keras."""
    keras = partial(wall, [sys.executable, "-c", "import keras"])
    config = _digits_config(digits)
    run([DL, "train", str(config), "--runs", str(config.parent), "-q"])
    made = str(config.parent / "digits-csv" / "0001")
    for command, what in zip(_LOOKS, [str(config)] * 2 + [made] * 2, strict=True):
        look = partial(wall, [DL, command, what])
        title = f"`dl {command}`"
        yield compare(title, "`import keras`", look, keras, rounds=rounds, target=_LOOK)


_LOOKS = ("summary", "trace", "evaluate", "diagnose")
_LOOK = "1.75 s"


def the_end(digits: Path, rounds: int) -> Iterator[Row]:
    """Compares the times until the result and until the prompt of a training."""
    config = str(_digits_config(digits))
    waits = iter([wait for _ in range(rounds) for wait in _result_and_prompt(config)])
    result, prompt = partial(next, waits), partial(next, waits)
    title, target = "`dl train digits.csv`, 20 epochs: the result", "0.4 s before the prompt"
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
            "`dl train digits.csv`, 20 epochs, whole command",
            "`keras_script.py`",
            partial(wall, [DL, "train", str(config), "--runs", str(config.parent), "-q"]),
            partial(wall, script),
            rounds=rounds,
            target="2.4 x",
        )
    job = Job(mnist, epochs=5)
    train = partial(wall, [DL, "train", str(job.config()), "--runs", str(job.folder), "-q"])
    keras = partial(wall, job.keras_command())
    title = "`dl train` on MNIST, mlp, 5 epochs, whole command"
    yield compare(title, "`keras_fit.py`", train, keras, rounds=rounds, target="2.5 x")


def against_ludwig(digits: Path, ludwig: Environment, rounds: int) -> Iterator[Row]:
    """Compares a whole training with that of a tool which has a config, too."""
    title, config = "`dl train digits.csv`, 20 epochs, whole command", _digits_config(digits)
    if ludwig.python is None:
        yield Row(title, f"Ludwig cannot be installed: {ludwig.why}", None, None, None, "", 0)
        return
    other = config.with_name("ludwig.yaml")
    names = digits.read_text().partition("\n")[0].strip().split(",")
    inputs = "".join(f"  - {{name: {name}, type: number}}\n" for name in names if name != "target")
    other.write_text(f"input_features:\n{inputs}{LUDWIG}")
    command = [str(Path(ludwig.python).with_name("ludwig")), "train", "--config", str(other)]
    command += ["--dataset", str(digits.resolve()), "--output_directory", str(config.parent)]
    train = partial(wall, [DL, "train", str(config), "--runs", str(config.parent), "-q"])
    yield compare(title, "`ludwig train`", train, partial(wall, command), rounds=rounds, target="")


def _digits_config(table: Path) -> Path:
    path = Path(tempfile.mkdtemp(prefix="dl-bench-")) / "digits.yaml"
    path.write_text(DIGITS.format(table=table.resolve()))
    return path


if __name__ == "__main__":
    main()
