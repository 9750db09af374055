"""Plain Keras on MNIST, as the tutorials write it. Prints the seconds of each epoch as JSON."""

from __future__ import annotations

import argparse
import json
import time

import keras
import numpy as np
from keras import layers

MODELS = {
    "tiny": lambda: [
        layers.AveragePooling2D(7),
        layers.Flatten(),
        layers.Dense(16, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    "mlp": lambda: [
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    "bn": lambda: [
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.BatchNormalization(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    "drop": lambda: [
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    "big": lambda: [
        layers.Flatten(),
        layers.Dense(1024, activation="relu"),
        layers.Dense(1024, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ],
    "cnn": lambda: [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ],
    "lstm": lambda: [
        layers.Reshape((28, 28)),
        layers.LSTM(64),
        layers.Dense(10, activation="softmax"),
    ],
}


def layers_of(model: str) -> list[layers.Layer]:
    """Returns the layers of a reference model, or of `wide-N`: one hidden layer of N units."""
    if not model.startswith("wide-"):
        return MODELS[model]()
    units = int(model.removeprefix("wide-"))
    hidden = layers.Dense(units, activation="relu")
    return [layers.Flatten(), hidden, layers.Dense(10, activation="softmax")]


class EpochClock(keras.callbacks.Callback):
    """Notes how long each epoch takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.seconds.append(time.perf_counter() - self._begin)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mnist")
    parser.add_argument("--model", default="mlp")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=60000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    with np.load(options.mnist) as arrays:
        x_train = arrays["x_train"][: options.rows, ..., None].astype("float32") / 255
        y_train = arrays["y_train"][: options.rows]
        x_test = arrays["x_test"][..., None].astype("float32") / 255
        y_test = arrays["y_test"]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers_of(options.model)])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = EpochClock()
    model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        callbacks=[clock],
        verbose=0,
    )
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(json.dumps({"epochs": clock.seconds, "accuracy": accuracy}))


if __name__ == "__main__":
    main()
