"""Training on windows of a table as Keras' guides show it: `timeseries_dataset_from_array`.

python benchmarks/reference/keras_windows.py ROWS.parquet [--epochs 3]

Without a file it trains one batch of zeros: what TensorFlow and Keras take for themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pyarrow.parquet

LENGTH, EVERY, AHEAD, COLUMNS, BATCH = 120, 6, 144, 14, 256


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes the seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self._begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?")
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    model, clock = built(), Clock()
    if options.rows is None:
        model.fit(np.zeros((BATCH, LENGTH, COLUMNS)), np.zeros(BATCH), verbose=0, callbacks=[clock])
    else:
        rows = dataset(options.rows)
        model.fit(rows, epochs=options.epochs, verbose=0, callbacks=[clock])
    print(json.dumps({"epochs": clock.seconds}))


def built() -> Any:
    layers = [keras.layers.Flatten(), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((LENGTH, COLUMNS)), *layers])
    model.compile("rmsprop", "mse", metrics=["mae"])
    return model


def dataset(path: str) -> Any:
    table = pyarrow.parquet.read_table(path)
    numbers = np.column_stack([column.to_numpy() for column in table.columns])
    numbers = ((numbers - numbers.mean(axis=0)) / numbers.std(axis=0)).astype(np.float32)
    behind = (LENGTH - 1) * EVERY + AHEAD
    return keras.utils.timeseries_dataset_from_array(
        numbers[:-AHEAD],
        numbers[behind:, 0],
        sequence_length=LENGTH,
        sampling_rate=EVERY,
        shuffle=True,
        batch_size=BATCH,
        seed=0,
    )


if __name__ == "__main__":
    main()
