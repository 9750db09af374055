"""Makes the light copy of a trained model, from which `dl predict` works without TensorFlow.

The copy is made and checked in the process that has trained, where the model is in memory and
TensorFlow loaded: that takes a fraction of a second, while another process draws the pictures.
"""

from __future__ import annotations

import re

import keras
import numpy as np
import tensorflow as tf

from dl.data.types import Array, Rows
from dl.engine.inference.evaluate import inference_batch
from dl.engine.workflow import Trained
from dl.errors import DataError, first_line
from dl.quiet import quiet_stderr
from dl.runtime.artefact import Light, write_light, write_refusal
from dl.runtime.light_model import LightModel, UnusableError

TOLERANCE = 1e-5
"""How far an output may be from Keras': absolute below 1, relative above."""

_LARGEST = 1 << 27
"""Bytes of weights up to which a copy is made."""
_BATCH = 1024
_FIXED_BATCH = 128
_RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)
"""Layers that LiteRT runs only for a number of rows that is known before."""
_RECURRENT_OPERATION = "TensorList"
"""What it misses of such a layer inside another one, if that number is open."""
_MISSING = re.compile(r"'tf\.(\w+)' op")


def keep_light(trained: Trained) -> None:
    """Writes the light copy of a trained model beside its `model.h5`, or why there is none.

    Raises:
        DiskError: A file could not be written.
    """
    prepared = trained.prepared
    try:
        light = light_copy(prepared.model, prepared.dataset.train.x)
    except UnusableError as error:
        write_refusal(trained.run, trained.model_sha256, str(error))
    else:
        write_light(trained.run, trained.model_sha256, light)


def light_copy(model: keras.Sequential, x: Rows) -> Light:
    """Returns a copy of a model that LiteRT runs with the same outputs.

    Args:
        model: The model.
        x: Rows to compare the two on; some are taken.

    Raises:
        UnusableError: LiteRT cannot hold the model, or gives other outputs than Keras.
    """
    _refuse(model)
    batch = min(inference_batch(model), _BATCH)
    if not any(isinstance(layer, _RECURRENT) for layer in model.layers):
        try:
            return _checked(model, x, None, batch)
        except UnusableError as error:
            if _RECURRENT_OPERATION not in str(error):
                raise
    fixed = min(batch, _FIXED_BATCH)
    return _checked(model, x, fixed, fixed)


def _refuse(model: keras.Sequential) -> None:
    size = sum(weight.value.dtype.size * int(np.prod(weight.shape)) for weight in model.weights)
    if size > _LARGEST:
        raise UnusableError(f"its weights take {size >> 20} MiB, more than {_LARGEST >> 20} MiB")
    if any(getattr(layer, "stateful", False) for layer in model.layers):
        raise UnusableError("a stateful layer depends on the rows before")


def _checked(model: keras.Sequential, x: Rows, rows: int | None, batch: int) -> Light:
    """Converts the model for a number of rows, or any, and compares it with Keras."""
    content = _converted(model, rows)
    # A whole batch, and one that is not.
    sample = x[np.arange(batch + 1) % len(x)]
    try:
        found = LightModel(content, batch)(sample)
    except DataError as error:
        raise UnusableError(str(error)) from error
    expected = model(tf.constant(sample), training=False).numpy()
    difference = _difference(found, expected)
    if not difference <= TOLERANCE:
        raise UnusableError(f"its outputs differ from Keras' by {difference:.1e}")
    return Light(content, batch, len(sample), difference)


def _difference(found: Array, expected: Array) -> float:
    if found.shape != expected.shape:
        return float("inf")
    return float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected))))


def _converted(model: keras.Sequential, rows: int | None) -> bytes:
    # The converter's native code explains at length what it could not convert.
    with quiet_stderr():
        try:
            return _convert(model, rows)
        except Exception as error:
            # It fails in many ways; none may harm a training that went well.
            reason = _reason(error)
    raise UnusableError(reason)


def _convert(model: keras.Sequential, rows: int | None) -> bytes:
    forward = tf.function(lambda x: model(x, training=False), autograph=False)
    signature = tf.TensorSpec([rows, *model.input_shape[1:]], model.inputs[0].dtype)
    graph = forward.get_concrete_function(signature)
    holder = tf.Module()
    holder.variables_of_model = [variable.value for variable in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([graph], holder)
    content: bytes = converter.convert()
    return content


def _reason(error: Exception) -> str:
    """Words why the converter failed: mostly, an operation that LiteRT has not."""
    missing = _MISSING.search(str(error))
    if missing:
        return f"LiteRT has no operation {missing[1]}"
    return f"LiteRT cannot hold it: {first_line(error)}"
