"""The grid with KerasTuner's GridSearch, as its documentation would write it."""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("BEGAN", str(time.time()))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import keras_tuner
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

RATES = [3e-4, 1e-3, 3e-3, 1e-2]
UNITS = [32, 64, 96, 128]
ACTIVATIONS = ["relu", "tanh"]
BATCHES = [32, 64]


class Model(keras_tuner.HyperModel):
    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        model = keras.Sequential(
            [
                keras.Input((64,)),
                keras.layers.Dense(
                    hp.Choice("units", UNITS), activation=hp.Choice("activation", ACTIVATIONS)
                ),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        rate = hp.Choice("rate", RATES)
        model.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch", BATCHES), **kwargs)


def main(folder: str, trials: str) -> None:
    inputs, labels = load_digits(return_X_y=True)
    x_train, _, y_train, _ = train_test_split(
        inputs.astype("float32") / 16, labels, test_size=0.2, stratify=labels, random_state=0
    )
    tuner = keras_tuner.GridSearch(
        Model(),
        objective="val_accuracy",
        max_trials=int(trials),
        directory=folder,
        project_name="digits",
    )
    print(f"ready {time.time() - float(os.environ['BEGAN']):.3f}", flush=True)
    tuner.search(x_train, y_train, epochs=20, validation_split=0.25, verbose=0)
    print(tuner.get_best_hyperparameters()[0].values)


if __name__ == "__main__":
    main(*sys.argv[1:])
