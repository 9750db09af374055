"""What checkpoints cost: the share of a training's time that is spent on copies and writings.

python -m benchmarks.checkpoint [--seconds 20]

Networks of several sizes are trained with Adam in short epochs, with the rule of
`dl.training.checkpoint`; a table gives their parameters, the bytes of a checkpoint, how
many were written, and the share of the time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dl.config.load import load_text
from dl.data.load import read_dataset
from dl.progress import SilentReporter
from dl.rundir.folders import create_run
from dl.rundir.manifest import list_checkpoints
from dl.training.checkpoint import Checkpoints
from dl.training.fit import fit
from dl.training.setup import prepare

SIZES = ((16, 16), (256, 32), (1024, 250))
"""Width of the network, and rows of a batch: fewer steps for a wider one."""
_ROWS = 2000
_CONFIG = """\
name: checkpoint
data: {{source: synthetic, dataset: moons, rows: {rows}, split: {{validation: 0, test: 0}}}}
model:
  layers:
    - {{type: Dense, units: {units}, activation: relu}}
    - {{type: Dense, units: {units}, activation: relu}}
    - {{type: Dropout, rate: 0.2}}
    - {{type: Dense, units: 1, activation: sigmoid}}
training: {{loss: binary_crossentropy, optimizer: adam, batch_size: {batch}, epochs: 100000}}
engine: {{compile: false}}
"""


class Timed(Checkpoints):
    """Checkpoints that measure themselves."""

    spent = 0.0
    written = 0

    def keep(self, *, last: bool) -> None:
        """Keeps, and adds the time up."""
        started = time.perf_counter()
        super().keep(last=last)
        self.spent += time.perf_counter() - started

    def write(self) -> None:
        """Writes, and counts."""
        self.written += 1
        super().write()


def main() -> None:
    """Measures each size and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="For each size. Default: 20.")
    seconds = parser.parse_args().seconds
    print("parameters    checkpoint  epochs  an epoch  written   share")
    for units, batch in SIZES:
        print(measured(units, batch, seconds), flush=True)


def measured(units: int, batch: int, seconds: float) -> str:
    """Trains a network of this width for so long; returns its row of the table."""
    text = _CONFIG.format(units=units, rows=_ROWS, batch=batch)
    loaded = load_text(Path("checkpoint.yaml"), text.encode())
    reporter = SilentReporter()
    prepared = prepare(loaded, read_dataset(loaded, reporter), reporter)
    with tempfile.TemporaryDirectory() as folder, create_run(Path(folder), "c", {}) as run:
        checkpoints = Timed(run, {})
        started = time.perf_counter()
        history = fit(
            prepared,
            reporter,
            checkpoints.see,
            should_stop=_after(seconds),
            checkpoints=checkpoints,
        )
        total = time.perf_counter() - started
        size = list_checkpoints(run)[0][1].stat().st_size
    epoch = sum(row["seconds"] for row in history) / len(history)
    share = checkpoints.spent / total
    return (
        f"{prepared.model.count_params():10,}  {size / 1e6:9.2f} MB  {len(history):6}  "
        f"{epoch:6.3f} s  {checkpoints.written:7}  {share:6.2%}"
    )


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() > end


if __name__ == "__main__":
    main()
