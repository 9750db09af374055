"""What the display, the history and the checkpoints add to an epoch of about 0.2 seconds.

python benchmarks/overhead.py [--epochs 25] [--rounds 5] [--rows 400000]

Trains a small network on made rows, in turn bare and with everything that a run has: the live
display on a pseudo-terminal, `history.csv`, the checkpoints. The fastest round of each counts: what
is measured is smaller than what other programs of the machine add to a round.
"""

from __future__ import annotations

import argparse
import os
import pty
import tempfile
import threading
import time
from pathlib import Path
from typing import TextIO

from measure import Row, line

from dl.cli.live import LiveReporter
from dl.config.load import load_config
from dl.data.load import read_dataset
from dl.progress import SilentReporter

_CONFIG = """\
name: overhead
data: {{source: synthetic, dataset: blobs, rows: {rows}, split: {{validation: 0, test: 0}}}}
model:
  layers:
    - {{type: Dense, units: 64, activation: relu}}
    - {{type: Dense, units: 2, activation: softmax}}
training:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  epochs: {epochs}
"""


class _Clock:
    """The seconds between the begin and the end of a training."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def begin(self) -> None:
        self.seconds -= time.perf_counter()

    def end(self) -> None:
        self.seconds += time.perf_counter()


class _Bare(SilentReporter):
    """Shows nothing."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def fit_begin(self, epochs: int, steps: int) -> None:
        self._clock.begin()

    def fit_end(self) -> None:
        self._clock.end()


class _Shown(LiveReporter):
    """Shows everything."""

    def __init__(self, stream: TextIO, clock: _Clock) -> None:
        super().__init__(stream)
        self._clock = clock

    def fit_begin(self, epochs: int, steps: int) -> None:
        self._clock.begin()
        super().fit_begin(epochs, steps)

    def fit_end(self) -> None:
        super().fit_end()
        self._clock.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--rows", type=int, default=400_000)
    options = parser.parse_args()
    row(options.rows, options.epochs, options.rounds)


def row(rows: int, epochs: int, rounds: int) -> Row:
    """Compares an epoch with the extras and a bare one; the fastest of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "overhead.yaml"
        config.write_text(_CONFIG.format(rows=rows, epochs=epochs))
        pairs = [(_bare(config), _whole(config, folder)) for _ in range(rounds)]
    bare, whole = (min(side) / epochs for side in zip(*pairs, strict=True))
    worst = min(bare / whole for bare, whole in pairs)
    title = "epoch with display, history and checkpoints"
    found = Row(title, "bare, the fastest", whole, bare, worst, "0.97 x", rounds)
    print(line(found), flush=True)
    return found


def _bare(config: Path) -> float:
    from dl.training.fit import fit
    from dl.training.setup import prepare

    clock = _Clock()
    loaded = load_config(config, (), None)
    prepared = prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())
    fit(prepared, _Bare(clock), lambda row: None)
    return clock.seconds


def _whole(config: Path, folder: Path) -> float:
    from dl.training.setup import prepare
    from dl.training.workflow import Hooks, RunLocation, train

    clock = _Clock()
    loaded = load_config(config, (), None)
    prepared = prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())
    master, slave = pty.openpty()
    threading.Thread(target=_drain, args=(master,), daemon=True).start()
    with os.fdopen(slave, "w") as terminal:
        location = RunLocation(folder, prepared.config.name)
        train(prepared, location, _Shown(terminal, clock), command=(), hooks=Hooks())
    return clock.seconds


def _drain(descriptor: int) -> None:
    """Reads what the terminal would show until it is closed."""
    try:
        while os.read(descriptor, 1 << 16):
            pass
    except OSError:  # Linux says EIO when the other end is closed
        pass


if __name__ == "__main__":
    main()
