"""Which layers gain by XLA: a step of a small network with each layer, compiled and not.

python benchmarks/strategy.py [--only LSTM,Dense] [--write]

The network is Dense, the layer, Flatten, Dense, on 64 rows a step; beside it runs the same network
without the layer, since what the others gain says nothing about the layer. All take turns, and the
fastest call of each counts, so that a busy machine matters little. `--write` replaces the table by
which `dl` decides, src/dl/training/gains.csv. About 110 layers; ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dl.vocabulary.catalog import entries
from dl.vocabulary.sections import read_section
from dl.vocabulary.spec import Kind

HERE = Path(__file__).parent
TABLE = HERE.parent / "src/dl/training/gains.csv"
BATCH, STEPS, CLASSES = 64, 20, 10
MOST_SECONDS = 2.5
"""Time for the calls of one layer, all ways together."""

SHAPES: Mapping[int, tuple[int, ...]] = {1: (64,), 2: (16, 16), 3: (16, 16, 8), 4: (6, 6, 6, 8)}
"""Larger rows than the samples of the tests have, by their number of axes."""
OWN_SHAPES: Mapping[str, tuple[int, ...]] = {
    "ConvLSTM1D": (4, 16, 8),
    "ConvLSTM2D": (4, 8, 8, 4),
    "ConvLSTM3D": (2, 4, 4, 4, 2),
    "MelSpectrogram": (64,),
    "STFTSpectrogram": (64, 1),
}
LARGER: Mapping[str, int] = {"units": 32, "filters": 16, "output_dim": 16, "kernel_size": 3}
"""Larger parameters than the samples of the tests have."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Microseconds of a step: with the layer and without; None if XLA cannot compile it."""

    layer: str
    plain: float
    compiled: float | None
    without_plain: float
    without_compiled: float

    @property
    def gain(self) -> float:
        """How many times faster the compiled step is; 0 if there is none."""
        return self.plain / self.compiled if self.compiled else 0.0


def main() -> None:
    options = _options()
    only = options.only.split(",") if options.only else layer_names()
    measured = []
    print(f"{'layer':28} {'plain, µs':>10} {'XLA, µs':>10} {'gain':>6}  without the layer, µs")
    for row in _measured(only):
        print(_line(row), flush=True)
        measured.append(row)
    if options.write:
        _write(measured)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="layers, separated by commas")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def layer_names() -> list[str]:
    """Returns all layers of the vocabulary that are more than a declaration."""
    return [name for name in entries(Kind.LAYER) if name != "Input"]


def _measured(names: list[str]) -> Iterator[Measured]:
    import keras

    from dl.model.checks import BUILD_ERRORS
    from dl.vocabulary.spec import Findings

    for name in names:
        keras.backend.clear_session()
        try:
            yield _measure(name)
        except (*BUILD_ERRORS, Findings) as error:
            print(f"{name:28} not measured: {str(error).splitlines()[0][:90]}", flush=True)


def _measure(name: str) -> Measured:
    from campaigns.samples import layer_sample

    sample = layer_sample(name)
    shape = OWN_SHAPES.get(name) or _larger_shape(name, sample.shape)
    parameters = _larger(sample.parameters)
    whole = sample.below is not None
    before = [] if whole else [{"type": "Dense", "units": shape[-1]}]
    layers = [*before, parameters, "Flatten", {"type": "Dense", "units": CLASSES}]
    rows = np.random.default_rng(0).random((BATCH, *shape), np.float32)
    x = (rows * (sample.below or 1)).astype("int32" if whole else "float32")
    others = [*before, "Flatten", {"type": "Dense", "units": CLASSES}]
    plain, compiled = _caller(layers, x, compiled=False), _caller(layers, x, compiled=True)
    without = [_caller(others, x, compiled=False), _caller(others, x, compiled=True)]
    if plain is None:
        raise ValueError("it does not train")
    times = iter(_fastest([call for call in (plain, *without, compiled) if call]))
    return Measured(
        name,
        plain=next(times),
        without_plain=next(times),
        without_compiled=next(times),
        compiled=next(times, None),
    )


def _larger_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    if shape == (8, 8, 3):
        return (16, 16, 3)
    return SHAPES[len(shape)]


def _larger(parameters: Any) -> Any:
    if isinstance(parameters, Mapping):
        return {key: LARGER.get(key) or _larger(value) for key, value in parameters.items()}
    return [_larger(item) for item in parameters] if isinstance(parameters, list) else parameters


def _caller(layers: list[Any], x: Any, *, compiled: bool) -> Callable[[int], float] | None:
    """Returns what trains so many steps and returns the seconds; None if it cannot be compiled."""
    from dl.model.checks import tensors_of
    from dl.training.steps import Trainer

    model = _model(layers, x.shape[1:])
    y = (np.arange(BATCH) % CLASSES).astype("int32")
    trainer = Trainer(model, tensors_of(x, y), compiled=compiled)
    trainer.prepare([(1, BATCH)])
    if trainer.compiled != compiled:
        return None
    numbers = np.tile(np.arange(BATCH, dtype=np.int32), (STEPS, 1))

    def call(steps: int) -> float:
        begin = time.perf_counter()
        trainer.steps(numbers, 0, steps)
        return time.perf_counter() - begin

    return call


def _model(layers: list[Any], shape: tuple[int, ...]) -> Any:
    from dl.config.schema import Config
    from dl.model.build import build_model
    from dl.model.objects import build_object

    config = read_section(
        Config,
        {
            "name": "layer",
            "data": {"source": "synthetic", "dataset": "blobs"},
            "model": {"input_shape": shape, "layers": tuple(layers)},
            "training": {"loss": "sparse_categorical_crossentropy"},
        },
    )
    model = build_model(config, None)
    optimizer = build_object(config.training.optimizer, seed=0, path=("training", "optimizer"))
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def _fastest(calls: list[Callable[[int], float]]) -> list[float]:
    """Returns the microseconds of a step for each, from the fastest of calls that take turns."""
    best = [call(1) for call in calls]
    begin = time.perf_counter()
    while time.perf_counter() - begin < MOST_SECONDS:
        for number, call in enumerate(calls):
            steps = max(1, min(STEPS, int(0.1 / best[number])))
            best[number] = min(best[number], call(steps) / steps)
    return [1e6 * seconds for seconds in best]


def _line(row: Measured) -> str:
    compiled = "cannot" if row.compiled is None else f"{row.compiled:.0f}"
    without = f"{row.without_plain:10.0f} {row.without_compiled:10.0f}"
    return f"{row.layer:28} {row.plain:10.0f} {compiled:>10} {row.gain:5.1f}x {without}"


def _write(rows: list[Measured]) -> None:
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["layer", "plain_us", "xla_us", "without_plain_us", "without_xla_us"])
        for row in sorted(rows, key=lambda row: row.layer):
            compiled = "" if row.compiled is None else round(row.compiled)
            without = (round(row.without_plain), round(row.without_compiled))
            lines.writerow([row.layer, round(row.plain), compiled, *without])


if __name__ == "__main__":
    main()
