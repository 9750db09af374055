"""How the time of an epoch grows with rows, batches and width: `dl train` and plain Keras.

python benchmarks/growth.py MNIST.npz [--epochs 5] [--picture docs/images/growth.png]

Three sweeps of the model `mlp`, of which each changes one thing: the rows, the size of a batch (so
the number of steps at equal work), the units of the hidden layer. With fewer epochs, the shortest
trainings would not pay for a compilation, and run uncompiled.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from epochs import epoch_of
from models import Job


@dataclass(frozen=True, slots=True)
class Sweep:
    """One thing that changes, and the seconds of an epoch at each of its values."""

    title: str
    values: tuple[int, ...]
    dl: tuple[float, ...]
    keras: tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--picture", type=Path, default=Path("docs/images/growth.png"))
    options = parser.parse_args()
    draw(sweeps(options.mnist, options.epochs), options.picture)


def sweeps(mnist: Path, epochs: int) -> list[Sweep]:
    """Measures all three."""
    rows = {size: Job(mnist, rows=size, epochs=epochs) for size in (7_500, 15_000, 30_000, 60_000)}
    batches = {
        size: Job(mnist, rows=30_000, batch=size, epochs=epochs) for size in (8, 32, 128, 512)
    }
    widths = {
        size: Job(mnist, f"wide-{size}", rows=15_000, epochs=epochs) for size in (16, 64, 256, 1024)
    }
    return [
        _sweep("rows", rows),
        _sweep("rows of a batch", batches),
        _sweep("units of the hidden layer", widths),
    ]


_SECONDS = (0.03, 0.1, 0.3, 1, 3, 10)


def _sweep(title: str, jobs: dict[int, Job]) -> Sweep:
    dl, keras = [], []
    for value, job in jobs.items():
        dl.append(job.dl_epoch())
        keras.append(epoch_of(job.keras_command())())
        print(
            f"{title} {value:6}: dl {dl[-1]:7.3f} s  Keras fit {keras[-1]:7.3f} s  "
            f"{keras[-1] / dl[-1]:5.1f} x",
            flush=True,
        )
    return Sweep(title, tuple(jobs), tuple(dl), tuple(keras))


def draw(measured: Sequence[Sweep], picture: Path) -> None:
    """Draws the sweeps side by side, with logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(measured), figsize=(10, 3.4), sharey=True)
    for axis, sweep in zip(axes, measured, strict=True):
        axis.loglog(sweep.values, sweep.keras, "o--", color="0.45", label="Keras fit")
        axis.loglog(sweep.values, sweep.dl, "o-", color="C0", label="dl train")
        axis.set_xticks(sweep.values, [f"{value:,}" for value in sweep.values])
        axis.set_yticks(_SECONDS, [f"{value:g}" for value in _SECONDS])
        axis.minorticks_off()
        axis.set_xlabel(sweep.title)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds of an epoch")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    print(f"drawn: {picture}")


if __name__ == "__main__":
    main()
