"""Datasets that many trainings share, kept by all that they depend on."""

from __future__ import annotations

import numpy as np

from dl.config.load import Loaded
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.data.targets.output import output_of
from dl.data.tokens import tokens_of
from dl.progress import Reporter
from dl.vocabulary.spec import document

MOST_BYTES = 1_000_000_000
"""More than this is kept only of the dataset that is in use."""


class Datasets:
    """Reads each dataset once, while there is room; the oldest one goes first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: dict[str, Dataset] = {}

    def get(self, loaded: Loaded, reporter: Reporter) -> Dataset:
        """Returns the dataset of a config; raises what reading it raises."""
        key = data_key(loaded.config)
        if key not in self._kept:
            self._kept[key] = read_dataset(loaded, reporter)
            self._make_room()
        return self._kept[key]

    def _make_room(self) -> None:
        sizes = {key: _size(dataset) for key, dataset in self._kept.items()}
        for key in list(self._kept)[:-1]:
            if sum(sizes[kept] for kept in self._kept) > self._most:
                del self._kept[key]


def data_key(config: Config) -> str:
    """Returns a text that is the same for two configs only if their datasets are.

    Of the network it takes what says how rows are read: the kinds of its layers, its input, what
    it looks up and its output; of the training the loss, and whether a batch is all rows.
    """
    layers = config.model.layers
    return repr(
        (
            config.seed,
            config.data.model_dump_json(),
            config.preprocess.model_dump_json(),
            config.evaluation.model_dump_json(),
            config.engine.memory,
            config.model.input_shape,
            [document(layer) for layer in layers if layer.type == "Input"],
            [layer.type for layer in layers],
            tokens_of(layers),
            output_of(config),
            config.training.loss.type,
            config.training.batch_size == "full",
        )
    )


def _size(dataset: Dataset) -> int:
    """Returns the bytes in memory; rows that lie on the disk take none."""
    held = [array for part in dataset.parts.values() for array in (part.x, part.y)]
    return sum(array.nbytes for array in held if isinstance(array, np.ndarray))
