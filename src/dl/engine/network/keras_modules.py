"""Where Keras exports the things of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from dl.vocabulary.spec import Kind

MODULES: Mapping[Kind, Any] = {
    Kind.LAYER: keras.layers,
    Kind.CELL: keras.layers,
    Kind.ACTIVATION: keras.activations,
    Kind.INITIALIZER: keras.initializers,
    Kind.REGULARIZER: keras.regularizers,
    Kind.CONSTRAINT: keras.constraints,
    Kind.LOSS: keras.losses,
    Kind.METRIC: keras.metrics,
    Kind.OPTIMIZER: keras.optimizers,
    Kind.SCHEDULE: keras.optimizers.schedules,
    Kind.CALLBACK: keras.callbacks,
}
