"""How long texts take to become numbers, and whether they train as fast as such numbers in a file.

python benchmarks/texts.py [--rows 25000] [--words 230] [--epochs 3] [--pairs 5]

Made-up reviews of words that are as common as those of a language (Zipf's law) are prepared by
`dl`, held in memory and streamed, and by Keras' TextVectorization (`adapt`, then a call on blocks),
in turn. Then the same network is trained on the texts and on an .npz file of their tokens, as many
rows of which train and validate, in turn: the seconds of an epoch are those of the run's history,
of which the fastest counts; the ratio is the median of the pairs. Last, rows of 10,000 inputs for
tokens, which are made a batch at a time.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import dl
from dl.config.load import load_mapping
from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.progress import SilentReporter
from dl.rundir.record import read_history

TOKENS, LENGTH, KNOWN = 10_000, 250, 60_000
VALIDATION, TEST = 0.1, 0.2
LAYERS = [
    {"type": "Embedding", "input_dim": TOKENS, "output_dim": 16, "mask_zero": True},
    "GlobalAveragePooling1D",
    {"type": "Dense", "units": 16, "activation": "relu"},
    {"type": "Dense", "units": 1, "activation": "sigmoid"},
]


def main() -> None:
    """Measures, and prints a line for each."""
    parser = argparse.ArgumentParser()
    for name, default in (("rows", 25_000), ("words", 230), ("epochs", 3), ("pairs", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        texts, y = reviews(given.rows, given.words)
        pd.DataFrame({"text": texts, "y": y}).to_csv("rows.csv", index=False)
        rows = f"{given.rows:,} texts of {given.words} words"
        print(f"{rows}, {Path('rows.csv').stat().st_size / 1e6:.0f} MB")
        for title, memory in (("dl, in memory", 10_000), ("dl, streamed", 1)):
            begin = time.perf_counter()
            data = load_dataset(load_mapping(config(memory)).config, SilentReporter())
            print(f"{title}: {time.perf_counter() - begin:.1f} s")
        begin = time.perf_counter()
        keras_tokens(texts)
        print(f"Keras' TextVectorization: {time.perf_counter() - begin:.1f} s")
        data = load_dataset(load_mapping(config(10_000)).config, SilentReporter())
        save_tokens(data)
        pairs = [
            (epoch("texts", given.epochs), epoch("npz", given.epochs)) for _ in range(given.pairs)
        ]
        ratios = sorted(texts / npz for texts, npz in pairs)
        for source, seconds in zip(("texts", "npz"), zip(*pairs, strict=True), strict=True):
            print(f"an epoch of {source}: {statistics.median(seconds):.2f} s")
        print(f"texts / npz: {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")
        print(f"an epoch of 10,000 inputs each: {epoch('multi_hot', given.epochs):.2f} s")
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"memory at most: {most:.1f} GB")


def reviews(rows: int, words: int) -> tuple[list[str], np.ndarray]:
    """Returns texts, and whether each is good: by the share of every second word."""
    random = np.random.default_rng(0)
    chosen = np.minimum(random.zipf(1.2, (rows, words)), KNOWN)
    names = np.array([f"w{number:x}o" for number in range(KNOWN + 1)])
    y = (chosen % 2).sum(axis=1) > words * np.mean(chosen % 2)
    return [" ".join(row) + "." for row in names[chosen]], y.astype(np.int64)


def config(memory: int) -> dict[str, object]:
    """Returns the config of texts that are looked up."""
    return {
        "name": "texts",
        "data": {
            "source": "csv",
            "path": "rows.csv",
            "target": "y",
            "columns": {"text": "text"},
            "split": {"validation": VALIDATION, "test": TEST},
        },
        "preprocess": {"text": {"tokens": TOKENS, "length": LENGTH}},
        "model": {"layers": LAYERS},
        "training": {"loss": "binary_crossentropy", "optimizer": "adam", "batch_size": 64},
        "engine": {"memory": memory},
    }


def keras_tokens(texts: list[str]) -> None:
    """Adapts Keras' layer to the texts, and calls it on blocks of them."""
    import keras

    layer = keras.layers.TextVectorization(max_tokens=TOKENS, output_sequence_length=LENGTH)
    layer.adapt(np.array(texts), batch_size=1024)
    for begin in range(0, len(texts), 1024):
        layer(np.array(texts[begin : begin + 1024]))


def save_tokens(data: Dataset) -> None:
    """Saves the tokens of the training and the validation part: as many rows validate again."""
    parts = [part for name, part in data.parts.items() if name != "test"]
    x, y = np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    np.savez("rows.npz", x_train=x, y_train=y[:, 0])


def epoch(source: str, epochs: int) -> float:
    """Returns the seconds of the fastest epoch."""
    made = config(10_000)
    overrides: dict[str, object] = {"training.epochs": epochs, "name": source}
    if source == "npz":
        split = {"validation": VALIDATION / (1 - TEST), "test": 0}
        made |= {"data": {"source": "npz", "path": "rows.npz", "split": split}}
        del made["preprocess"]
    if source == "multi_hot":
        overrides["model.layers"] = LAYERS[2:]
        made["preprocess"] = {"text": {"tokens": TOKENS}}
    run = dl.train(made, overrides, report=False)
    return min(row["seconds"] for row in read_history(run.directory))


if __name__ == "__main__":
    main()
