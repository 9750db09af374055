"""One compiled program for many trainings that differ only in numbers which are data to it.

To trace a model's steps takes longer than to train a small network. The learning rate, the initial
weights and the seeds live in variables, the rows and the batch size are arguments: trainings that
differ in nothing else take the model that is traced already, and put their variables into it.
Keras' AugMix alone draws while it is traced: there the seed belongs to the program.
"""

from __future__ import annotations

from dataclasses import replace

import keras

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.engine.network.model import forget
from dl.engine.prepare import Prepared
from dl.vocabulary.sections import keys
from dl.vocabulary.spec import document

MOST_MODELS = 8

_DRAWS_WHILE_TRACED = "AugMix"
_ARGUMENTS = ("optimizer", "batch_size", "epochs", "callbacks", "shuffle", "sampling")


class Programs:
    """Keeps the models that were used last, with what was traced of them."""

    def __init__(self, most: int = MOST_MODELS) -> None:
        self._most = most
        self._kept: dict[str, tuple[keras.Sequential, Dataset]] = {}

    def use(self, prepared: Prepared) -> Prepared:
        """Returns the training with a model that is traced already, if one of them fits.

        The model that is returned has exactly the variables of the one that was given.
        """
        key = f"{id(prepared.dataset)} {program_key(prepared.config)}"
        known = self._kept.pop(key, None)
        model = prepared.model
        if known is not None:
            model = known[0]
            _copy_variables(prepared.model, model)
        self._kept[key] = (model, prepared.dataset)  # the dataset too: its id stays its own
        if len(self._kept) > self._most:
            oldest, _ = self._kept.pop(next(iter(self._kept)))
            forget(oldest)
        return replace(prepared, model=model)


def program_key(config: Config) -> str:
    """Returns a text that is the same for two configs only if one traced model does for both."""
    training = config.training
    optimizer = document(training.optimizer)
    if isinstance(optimizer, dict) and isinstance(optimizer.get("learning_rate"), int | float):
        optimizer = {key: optimizer[key] for key in optimizer if key != "learning_rate"}
    rest = {key: getattr(training, key) for key in keys(type(training)) if key not in _ARGUMENTS}
    text = repr((config.model, optimizer, rest, config.evaluation, config.engine))
    return f"{text} {config.seed}" if _DRAWS_WHILE_TRACED in text else text


def _copy_variables(source: keras.Sequential, target: keras.Sequential) -> None:
    pairs = [
        *zip(source.variables, target.variables, strict=True),
        *zip(source.optimizer.variables, target.optimizer.variables, strict=True),
    ]
    for given, taken in pairs:
        taken.assign(given)
    target.reset_metrics()
