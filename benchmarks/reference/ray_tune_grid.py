"""The grid with Ray Tune, as its documentation would write it."""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("BEGAN", str(time.time()))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import ray
from ray import tune


def train(config: dict) -> None:
    import keras
    from ray.tune.integration.keras import TuneReportCheckpointCallback
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    inputs, labels = load_digits(return_X_y=True)
    x_train, _, y_train, _ = train_test_split(
        inputs.astype("float32") / 16, labels, test_size=0.2, stratify=labels, random_state=0
    )
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(config["units"], activation=config["activation"]),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(config["rate"]),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        x_train,
        y_train,
        batch_size=config["batch"],
        epochs=20,
        validation_split=0.25,
        verbose=0,
        callbacks=[TuneReportCheckpointCallback(checkpoint_on=[], metrics=["val_accuracy"])],
    )


def main(folder: str, units: str) -> None:
    ray.init(num_cpus=os.cpu_count(), include_dashboard=False, logging_level="error")
    tuner = tune.Tuner(
        train,
        param_space={
            "rate": tune.grid_search([3e-4, 1e-3, 3e-3, 1e-2]),
            "units": tune.grid_search([int(count) for count in units.split(",")]),
            "activation": tune.grid_search(["relu", "tanh"]),
            "batch": tune.grid_search([32, 64]),
        },
        tune_config=tune.TuneConfig(metric="val_accuracy", mode="max"),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    )
    print(f"ready {time.time() - float(os.environ['BEGAN']):.3f}", flush=True)
    print(tuner.fit().get_best_result().config)


if __name__ == "__main__":
    main(*sys.argv[1:])
