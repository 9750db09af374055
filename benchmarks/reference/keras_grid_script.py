"""One training of the grid, as a script for a shell loop: data, model, fit, history, `.h5`."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def main(rate: str, units: str, batch: str, activation: str, folder: str) -> None:
    inputs, labels = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        inputs.astype("float32") / 16, labels, test_size=0.2, stratify=labels, random_state=0
    )
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(int(units), activation=activation),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(float(rate)), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(
        x_train, y_train, batch_size=int(batch), epochs=20, validation_split=0.25, verbose=0
    )
    print(model.evaluate(x_test, y_test, verbose=0))
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "history.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(history.history)
        writer.writerows(zip(*history.history.values(), strict=True))
    model.save(out / "model.h5")


if __name__ == "__main__":
    main(*sys.argv[1:])
