"""Loss and metrics of a model on rows, in large batches without leaving the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from dl.config.schema import Config
from dl.data.types import Part
from dl.engine.inference.batches import inference_batch
from dl.engine.inference.traced import traced
from dl.engine.network.build_errors import computing
from dl.engine.network.targets import shaped_target
from dl.engine.training.resident import ResidentRows, resident

_BLOCK_BYTES = 1 << 26


def evaluate(model: keras.Sequential, part: Part, config: Config) -> dict[str, float]:
    """Returns the loss and the metrics of a compiled model on a part, by name."""
    batch = evaluation_batch(model, config)
    return evaluate_blocks(model, blocks_of(part, model, batch), batch)


def evaluate_rows(model: keras.Sequential, rows: ResidentRows, batch: int) -> dict[str, float]:
    """Returns the loss and the metrics on resident rows, by name; the metrics are reset before."""
    return evaluate_blocks(model, [rows], batch)


def blocks_of(part: Part, model: keras.Sequential, batch: int) -> Iterator[ResidentRows]:
    """Yields the rows of a part in blocks of whole batches, so that few are in memory at once."""
    y = shaped_target(part.y, model)
    row = part.x[:1]
    size = batch * max(1, _BLOCK_BYTES // max(1, batch * row.nbytes))
    for begin in range(0, len(part), size):
        yield resident(part.x[begin : begin + size], y[begin : begin + size])


def evaluate_blocks(
    model: keras.Sequential, blocks: Iterable[ResidentRows], batch: int
) -> dict[str, float]:
    """Returns the loss and the metrics on all blocks, by name; the metrics are reset before.

    The rows of a block, but for the last, are a multiple of `batch`.
    """
    loop = traced(model, "evaluate", lambda: _traceable(_test_loop(model)))
    model.reset_metrics()
    logs: dict[str, Any] = {}
    with computing(model):
        for rows in blocks:
            logs = loop(rows.x, rows.y, tf.constant(batch))
        return {name: float(value) for name, value in logs.items()}


def evaluation_batch(model: keras.Sequential, config: Config) -> int:
    """Returns the batch size of evaluation; it changes no result, but for a loss that is a sum."""
    size = config.training.batch_size
    reduction = config.training.loss.parameters.get("reduction")
    if reduction in (None, "sum_over_batch_size", "mean", "mean_with_sample_weight"):
        return inference_batch(model)
    return inference_batch(model) if size == "full" else size


def _traceable(loop: Callable[..., Any]) -> Any:
    return tf.function(loop, reduce_retracing=True, autograph=False)


def _test_loop(model: keras.Sequential) -> Callable[..., Any]:
    def run(x: tf.Tensor, y: tf.Tensor, batch: tf.Tensor) -> Any:
        count = tf.shape(x)[0]

        def more(begin: tf.Tensor) -> tf.Tensor:
            return begin < count

        def test(begin: tf.Tensor) -> tuple[tf.Tensor]:
            end = tf.minimum(begin + batch, count)
            model.test_step((x[begin:end], y[begin:end]))
            return (end,)

        tf.while_loop(more, test, (tf.constant(0),))
        return model.get_metrics_result()

    return run
