"""A student's whole script for a CSV: read, split, fit, evaluate, history and `.h5`."""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import pandas as pd
from sklearn.model_selection import train_test_split


def main(table: str, folder: str) -> None:
    frame = pd.read_csv(table)
    labels = frame.pop("target").to_numpy()
    inputs = frame.to_numpy("float32") / 16
    x_train, x_test, y_train, y_test = train_test_split(
        inputs, labels, test_size=0.2, stratify=labels, random_state=0
    )
    model = keras.Sequential(
        [
            keras.Input((x_train.shape[1],)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, batch_size=32, epochs=20, validation_split=0.1, verbose=0)
    print(model.evaluate(x_test, y_test, verbose=0))
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(history.history).to_csv(out / "history.csv")
    model.save(out / "model.h5")


if __name__ == "__main__":
    main(*sys.argv[1:])
