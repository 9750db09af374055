"""A student's script that predicts with a saved model: CSV or Parquet in and out; needs pandas."""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("rows")
    parser.add_argument("out")
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    model = keras.models.load_model(options.model)
    parquet = options.rows.endswith(".parquet")
    read = pd.read_parquet if parquet else pd.read_csv
    rows = read(options.rows).to_numpy("float32")
    outputs = model.predict(rows, batch_size=options.batch_size, verbose=0)
    frame = pd.DataFrame(outputs, columns=[f"probability_{i}" for i in range(outputs.shape[1])])
    frame.insert(0, "prediction", outputs.argmax(axis=1))
    write = frame.to_parquet if parquet else frame.to_csv
    write(options.out, index=False)


if __name__ == "__main__":
    main()
