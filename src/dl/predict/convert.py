"""The lite copy of a trained model: made and compared with Keras in the process that has trained.

From the copy `dl predict` works without TensorFlow. Here the model is in memory and TensorFlow
loaded: making it takes a fraction of a second, while another process draws the pictures.
"""

from __future__ import annotations

import re

import numpy as np

from dl.data.types import Array, Rows
from dl.errors import DataError, first_line
from dl.imports import quiet_stderr
from dl.model import keras, tf
from dl.predict.evaluate import inference_batch
from dl.predict.lite import LiteCopy, LiteModel, LiteRecord, UnusableError, write_lite
from dl.rundir.directory import RunDirectory

TOLERANCE = 1e-5
"""How far an output may be from Keras': absolute below 1, relative above. Another order of sums in
float32 makes about a tenth of it; another function makes far more."""
_MOST_BYTES = 1 << 27
"""Bytes of weights up to which a copy is made: a larger one takes too much of the room of a run."""
_BATCH = 1024
_FIXED_BATCH = 128
"""Rows that are run at once; where the number is fixed, a single row costs as much as all."""
_RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)
"""Layers that LiteRT runs only for a number of rows that is known before."""
_RECURRENT_OPERATION = "TensorList"
"""What it misses of such a layer inside another one, if that number is open."""
_MISSING = re.compile(r"'tf\.(\w+)' op")


def keep_lite(run: RunDirectory, model_sha256: str, model: keras.Sequential, x: Rows) -> None:
    """Writes the copy of a trained model beside its `model.h5`, or why there is none.

    Args:
        run: The run; the caller holds its lock.
        model_sha256: The SHA-256 of its `model.h5`.
        model: The model.
        x: Rows to compare the two on; some are taken.

    Raises:
        DiskError: A file could not be written.
    """
    try:
        copy = lite_copy(model, x)
    except UnusableError as error:
        copy = LiteCopy(b"", LiteRecord(reason=str(error)))
    write_lite(run, model_sha256, copy)


def lite_copy(model: keras.Sequential, x: Rows) -> LiteCopy:
    """Returns a copy of a model that LiteRT runs with the same outputs.

    Args:
        model: The model.
        x: Rows to compare the two on; some are taken.

    Raises:
        UnusableError: LiteRT cannot hold the model, or gives other outputs than Keras.
    """
    size = sum(weight.value.dtype.size * int(np.prod(weight.shape)) for weight in model.weights)
    if size > _MOST_BYTES:
        raise UnusableError(f"its weights take {size >> 20} MiB, more than {_MOST_BYTES >> 20} MiB")
    if any(getattr(layer, "stateful", False) for layer in model.layers):
        raise UnusableError("a stateful layer depends on the rows before")
    short = {layer.compute_dtype for layer in model.layers} & {"float16", "bfloat16"}
    if short:
        raise UnusableError(f"its layers compute in {short.pop()}, those of LiteRT in float32")
    batch = min(inference_batch(model), _BATCH)
    if not any(isinstance(layer, _RECURRENT) for layer in model.layers):
        try:
            return _checked(model, x, None, batch)
        except UnusableError as error:
            if _RECURRENT_OPERATION not in str(error):
                raise
    fixed = min(batch, _FIXED_BATCH)
    return _checked(model, x, fixed, fixed)


def _checked(model: keras.Sequential, x: Rows, rows: int | None, batch: int) -> LiteCopy:
    """Converts the model for a number of rows, or any, and compares it with Keras."""
    content = _converted(model, rows)
    # A whole batch, and one that is not.
    sample = x[np.arange(batch + 1) % len(x)]
    try:
        found = LiteModel(content, batch)(sample)
    except DataError as error:
        raise UnusableError(str(error)) from error
    expected = model(tf.constant(sample), training=False).numpy()
    difference = _difference(found, expected)
    if not difference <= TOLERANCE:
        raise UnusableError(f"its outputs differ from Keras' by {difference:.1e}")
    record = LiteRecord(batch=batch, checked_rows=len(sample), difference=difference)
    return LiteCopy(content, record)


def _difference(found: Array, expected: Array) -> float:
    if found.shape != expected.shape:
        return float("inf")
    return float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected))))


def _converted(model: keras.Sequential, rows: int | None) -> bytes:
    forward = tf.function(lambda x: model(x, training=False), autograph=False)
    signature = tf.TensorSpec([rows, *model.input_shape[1:]], model.inputs[0].dtype)
    # Keras' layers are not TensorFlow's modules: the converter finds their variables here.
    holder = tf.Module()
    holder.variables_of_model = [variable.value for variable in model.variables]
    # The converter's native code explains at length what it could not convert.
    with quiet_stderr():
        try:
            graph = forward.get_concrete_function(signature)
            # Not by `tf.lite`: see `dl.model`.
            from tensorflow.lite.python.lite import TFLiteConverterV2

            converter = TFLiteConverterV2.from_concrete_functions([graph], holder)
            # It would rewrite code of TensorFlow's own, of which none needs it.
            plainly = tf.autograph.experimental.do_not_convert(converter.convert)
            content: bytes = plainly()
        except Exception as error:
            # It fails in many ways; none may harm a training that went well.
            missing = _MISSING.search(str(error))
            reason = f"LiteRT cannot hold it: {first_line(error)}"
            if missing:
                reason = f"LiteRT has no operation {missing[1]}"
        else:
            return content
    raise UnusableError(reason)
