"""Training on a Parquet file as tf.data's guide shows it: a generator and a shuffle window.

python benchmarks/reference/keras_stream.py ROWS.parquet [--window 100000]

The columns are used as they are. Without a file it trains one batch of zeros: what TensorFlow and
Keras take for themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

COLUMNS = 20
BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?")
    parser.add_argument("--window", type=int, default=100_000)
    options = parser.parse_args()
    model = built()
    begin = time.perf_counter()
    if options.rows is None:
        model.fit(np.zeros((BATCH, COLUMNS), np.float32), np.zeros(BATCH, np.int32), verbose=0)
    else:
        model.fit(dataset(options.rows, options.window), verbose=0)
    print(json.dumps({"epochs": [time.perf_counter() - begin]}))


def built() -> Any:
    model = keras.Sequential(
        [
            keras.Input((COLUMNS,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def dataset(path: str, window: int) -> Any:
    signature = (
        tf.TensorSpec((None, COLUMNS), tf.float32),
        tf.TensorSpec((None,), tf.int32),
    )
    blocks = tf.data.Dataset.from_generator(lambda: read(path), output_signature=signature)
    rows = blocks.unbatch().shuffle(window, seed=0)
    return rows.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def read(path: str) -> Iterator[tuple[Any, Any]]:
    import pyarrow.parquet

    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(1 << 16):
        columns = [batch.column(i).to_numpy() for i in range(COLUMNS)]
        yield np.column_stack(columns).astype(np.float32), batch.column(COLUMNS).to_numpy()


if __name__ == "__main__":
    main()
