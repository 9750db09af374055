"""Runs an export with its own runtime and nothing of dl: `runner.py KIND FILE ROWS ANSWERS`.

ROWS and ANSWERS are `.npz` files of arrays by place: of inputs and outputs. It is run as a process,
where a package named `dl` cannot be imported: what an export needs is its runtime alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_BATCH = 512


def _keras(path: str) -> Answer:
    import keras
    import tensorflow as tf

    model = keras.models.load_model(path)
    call = tf.function(lambda rows: model(rows, training=False), reduce_retracing=True)
    return lambda rows: call({name: tf.constant(values) for name, values in rows.items()})


def _saved_model(path: str) -> Answer:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)

    def answer(rows: Mapping[str, Any]) -> Any:
        model = loaded.signatures["serving_default"]
        return model(**{name: tf.constant(values) for name, values in rows.items()})

    return answer


def _onnx(path: str) -> Answer:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options)
    names = [each.name for each in session.get_outputs()]
    return lambda rows: dict(zip(names, session.run(None, dict(rows)), strict=True))


def _litert(path: str) -> Answer:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(path).get_signature_runner("serving_default")
    return lambda rows: runner(**rows)


def answered(
    kind: str, path: str, rows: Mapping[str, Any], batch: int | None
) -> tuple[dict[str, Any], float]:
    """Returns what an export says of rows, by output, and the seconds that it took for them.

    Args:
        kind: keras, saved_model, onnx or litert.
        path: The export.
        rows: Arrays, by input.
        batch: How many rows it takes at once; None for any number.
    """
    runtimes = {"keras": _keras, "saved_model": _saved_model, "onnx": _onnx, "litert": _litert}
    answer, step = runtimes[kind](path), batch or _BATCH
    rows = {name: v.astype(object) if v.dtype.kind == "U" else v for name, v in rows.items()}
    count = len(next(iter(rows.values())))

    def run() -> dict[str, Any]:
        found: dict[str, list[Any]] = {}
        for begin in range(0, count, step):
            some = {name: values[begin : begin + step] for name, values in rows.items()}
            for name, values in answer(some).items():
                found.setdefault(name, []).append(np.asarray(values))
        return {name: _plain(np.concatenate(parts)) for name, parts in found.items()}

    run()  # the first time, a runtime makes its plans
    begun = time.perf_counter()
    found = run()
    return found, time.perf_counter() - begun


def _plain(values: Any) -> Any:
    if values.dtype != object:
        return values
    texts = [text.decode() if isinstance(text, bytes) else text for text in values.reshape(-1)]
    return np.array(texts).reshape(values.shape)


def main(kind: str, path: str, rows_path: str, answers_path: str) -> None:
    """Runs all rows of a file, and writes the answers to another."""
    sys.modules["dl"] = None  # type: ignore[assignment]
    with np.load(rows_path) as file:
        about = json.loads(str(file["about"]))
        rows = {name: file[f"input_{place}"] for place, name in enumerate(about["inputs"])}
    found, seconds = answered(kind, path, rows, about["batch"])
    np.savez(answers_path, **found, seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
