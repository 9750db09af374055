"""Models of a sweep that are kept with what was traced of them, for trainings that can share it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.model import keras
from dl.model.build import forget
from dl.model.checks import loss_targets
from dl.model.held import held_places, hold_numbers
from dl.training.setup import Prepared
from dl.vocabulary.names import with_names
from dl.vocabulary.sections import keys
from dl.vocabulary.spec import document

MOST_MODELS = 8
"""Models that a sweep keeps with what was traced of them: a search lets shapes of a network take
turns, and many models would fill the memory."""
_ARGUMENTS = (
    *("output_bias", "class_weight"),
    *("optimizer", "batch_size", "epochs", "time_limit", "callbacks", "shuffle", "sampling"),
)
"""Keys of the section `training` of which nothing is traced; see `dl.model.held` for numbers."""


class Programs:
    """Keeps the models that were used last, with what was traced of them.

    To trace a model's steps takes longer than to train a small network. The learning rate, the
    initial weights, the seeds, rows that are in memory and the numbers of `dl.model.held` live in
    variables, the row numbers and
    the batch size are arguments: trainings that differ in nothing else take the model that is
    traced already, and put their variables into it. Their bits are those of a training alone.
    """

    def __init__(self, most: int = MOST_MODELS) -> None:
        self._most = most
        self._kept: dict[str, tuple[keras.Sequential, Dataset]] = {}

    def use(self, prepared: Prepared) -> Prepared:
        """Returns the training with a model that is traced already, if one of them fits.

        The model that is returned has exactly the variables of the one that was given. Of a
        training with phases nothing is kept: it has been compiled for several.
        """
        if prepared.config.training.phases:
            return prepared
        shapes = _row_shapes(prepared)
        rows = shapes or f"{id(prepared.dataset)} {prepared.config.training.class_weight}"
        key = f"{rows} {program_key(prepared.config)}"
        known = self._kept.pop(key, None)
        model = prepared.model
        if known is not None:
            given, model = model, known[0]
            for old, new in ((model, given), (model.optimizer, given.optimizer)):
                for variable, value in zip(old.variables, new.variables, strict=True):
                    variable.assign(value)
            model.reset_metrics()
            model.get_config = given.get_config  # a saved model names its own seeds
        hold_numbers(model, prepared.model, prepared.config)
        self._kept[key] = (model, prepared.dataset)  # the dataset too: its id stays its own
        if len(self._kept) > self._most:
            oldest, _ = self._kept.pop(next(iter(self._kept)))
            forget(oldest)
        return replace(prepared, model=model, replaceable=bool(shapes))


def _row_shapes(prepared: Prepared) -> str:
    """Returns what a program needs to know of rows that are replaced by others of their shapes.

    Empty where it knows the rows themselves: on the disk, in windows, on several devices, or as
    features of a front.
    """
    config, dataset, model = prepared.config, prepared.dataset, prepared.model
    plain = prepared.strategy.devices == 1 and prepared.strategy.front == "each_step"
    if not plain or config.training.mixing.type != "none":
        return ""
    y, weights = loss_targets(model, dataset, config, dataset.train)
    rows = [array for array in (dataset.train.x, y, weights) if array is not None]
    if not all(isinstance(array, np.ndarray) for array in rows):
        return ""
    shapes = [(array.shape, str(array.dtype)) for array in rows]
    return repr((shapes, y is dataset.train.x, dataset.target))


def program_key(config: Config) -> str:
    """Returns a text that is the same for two configs only if one traced model does for both.

    Where the rows are other ones, more must be the same: see `Programs`.
    """
    training, places = config.training, held_places(config)
    optimizer = document(training.optimizer)
    if isinstance(optimizer, dict) and isinstance(optimizer.get("learning_rate"), int | float):
        optimizer = {key: optimizer[key] for key in optimizer if key != "learning_rate"}
    rest = {key: getattr(training, key) for key in keys(type(training)) if key not in _ARGUMENTS}
    model = {key: getattr(config.model, key) for key in keys(type(config.model))}
    known = {"optimizer": optimizer, "loss": document(rest.pop("loss")), **model}
    known["layers"] = [document(layer) for layer in with_names(config.model.layers)]
    for *way, last in places:
        inner = known
        for step in way:
            inner = inner[step]
        del inner[last]
    text = repr((known, places, rest, config.evaluation, config.engine))
    # Keras' AugMix draws while it is traced, and a mixing before: there the seed belongs to it.
    drawn = "AugMix" in text or training.mixing.type != "none"
    return f"{text} {config.seed}" if drawn else text
