"""What the two processes of `campaigns.every_entry` do with the case that lies in a folder.

`python -m campaigns.entry_steps STEP FOLDER...` prints what went wrong, and where.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from campaigns.published import runs_of, unequal
from campaigns.training import train
from dl.config.load import load_config
from dl.data.load import read_dataset
from dl.data.types import Array
from dl.errors import DlError
from dl.imports import quiet_stderr
from dl.predict.evaluate import load_labelled, open_run, predict
from dl.progress import SilentReporter

NAME = "case"
_REPORTER = SilentReporter()


def train_both(folder: Path) -> Iterator[str]:
    """Trains for one epoch and, from the start, for two; keeps what the first predicts."""
    _train(folder, "whole", 2)
    model, x = _train(folder, "half", 1)
    np.save(folder / "predictions.npy", predict(model, x, _REPORTER))
    yield from ()


def go_on(folder: Path) -> Iterator[str]:
    """Opens the run of one epoch, compares its predictions, and goes on with it to the second."""
    (run,), (whole,) = runs_of(folder / "half", NAME), runs_of(folder / "whole", NAME)
    saved = open_run(run, _REPORTER)
    x = load_labelled(saved, None, "train", _REPORTER).x
    predicted, before = predict(saved.model, x, _REPORTER), np.load(folder / "predictions.npy")
    if predicted.tobytes() != before.tobytes():
        yield f"other predictions, by {np.abs(predicted - before).max()}"
    _train(folder, "half", 2)
    for part in unequal(run, whole):
        yield f"another {part} after the second epoch"


STEPS: dict[str, Callable[[Path], Iterator[str]]] = {"train": train_both, "go on": go_on}


def _train(folder: Path, root: str, epochs: int) -> tuple[Any, Array]:
    loaded = load_config(folder / "case.yaml", (f"training.epochs={epochs}",))
    dataset = read_dataset(loaded, _REPORTER)
    trained = train(loaded, dataset, folder / root)
    if trained is None:
        raise RuntimeError("nothing was left to train")
    return trained.prepared.model, dataset.train.x


def _tried(step: Callable[[Path], Iterator[str]], folder: Path) -> Iterator[str]:
    keras.backend.clear_session()
    try:
        yield from step(folder)
    except DlError as error:
        yield f"{error}"
    except Exception:
        yield traceback.format_exc()


def main() -> None:
    """Does a step in each folder."""
    step = STEPS[sys.argv[1]]
    for folder in map(Path, sys.argv[2:]):
        with quiet_stderr():
            wrong = list(_tried(step, folder))
        for what in wrong:
            print(f"{folder.name}: {what}", flush=True)


if __name__ == "__main__":
    main()
