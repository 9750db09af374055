"""What a model gives with TensorFlow: loss, metrics and outputs, in large batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import load_part, load_split
from dl.data.row_errors import row_errors, write_errors
from dl.data.rules import without_misfits
from dl.data.target import BEYOND_LOGARITHMS, Target, own_numbers, quantile_names, unscale
from dl.data.trivial import by_step, elsewhere
from dl.data.types import Array, Part, Rows, mean
from dl.errors import RunError, UsageError
from dl.model import keras, tf
from dl.model.build import build_model, compile_model, reset_metrics, traced
from dl.model.checks import computing, shape_text, shaped_target
from dl.model.h5 import load_weights, read_file
from dl.model.objects import leaves
from dl.model.tensors import Tensors, between, count_of, kind_of, tensors_of
from dl.predict.forms import MOST_COLUMNS, unknown_layer
from dl.predict.lite import SavedFiles, open_files
from dl.progress import Advance, Reporter
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import read_checked
from dl.rundir.record import Trivial, read_record
from dl.text import listing
from dl.vocabulary.spec import Finding, Findings

_LARGEST_BATCH = 4096
_SMALLEST_BATCH = 32
_BATCH_BYTES = 64 * 2**20
"""Bytes that the largest layer output of a batch may take: more gains no speed."""
_BLOCK_BYTES = 1 << 26
"""Bytes of inputs that are copied into tensors at once, of a part that may lie on the disk."""


def inference_batch(model: keras.Sequential) -> int:
    """Returns the largest power of two up to 4096 whose layer outputs stay within 64 MiB."""
    shapes = [model.input_shape, *(layer.output.shape for layer in leaves(model))]
    sizes = [np.prod([size or 1 for size in shape[1:]], dtype=np.int64) for shape in shapes]
    batch, row_bytes = _LARGEST_BATCH, 4 * int(max(sizes))
    while batch > _SMALLEST_BATCH and batch * row_bytes > _BATCH_BYTES:
        batch //= 2
    return batch


def evaluation_batch(model: keras.Sequential, config: Config) -> int:
    """Returns the batch size of evaluation; it changes no result, but for a loss that is a sum."""
    size = config.training.batch_size
    reduction = config.training.loss.parameters.get("reduction")
    means = (None, "sum_over_batch_size", "mean", "mean_with_sample_weight")
    return inference_batch(model) if reduction in means or size == "full" else size


def evaluate(model: keras.Sequential, part: Part, config: Config) -> dict[str, float]:
    """Returns the loss and the metrics of a compiled model on a part, by name."""
    batch = evaluation_batch(model, config)
    return evaluate_blocks(model, blocks_of(part, model, batch), batch)


def tell_infinite(
    part: str, metrics: Mapping[str, float], target: Target, reporter: Reporter
) -> None:
    """Warns of metrics that are not finite since predictions are beyond the numbers."""
    names = [name for name, value in metrics.items() if not math.isfinite(value)]
    if names and target.scaling == "log1p":
        are = "is" if len(names) == 1 else "are"
        told = f"{listing(names, 'and')} {are} infinite or NaN"
        reporter.warn(f"{part}: {told}: {BEYOND_LOGARITHMS}")


def blocks_of(part: Part, model: keras.Sequential, batch: int) -> Iterator[Tensors]:
    """Yields the rows of a part in blocks of whole batches, so that few are in memory at once."""
    size = batch * max(1, _BLOCK_BYTES // max(1, batch * part.x[:1].nbytes))
    for begin in range(0, len(part), size):
        some = part.take(slice(begin, begin + size))
        yield tensors_of(some.x, shaped_target(some.y, model), some.weights)


def evaluate_blocks(
    model: keras.Sequential, blocks: Iterable[Tensors], batch: int
) -> dict[str, float]:
    """Returns the loss and the metrics on all blocks, by name; the metrics are reset before.

    Args:
        model: The compiled model.
        blocks: Inputs, shape (rows, ...), targets, shape (rows, ...), and perhaps weights, shape
            (rows,). The rows of a block, but for the last one, are a multiple of `batch`.
        batch: Rows that are measured at once.
    """

    reset_metrics(model)
    logs: dict[str, Any] = {}
    with computing(model):
        for rows in blocks:
            logs = _traced_test(model, rows)(rows, tf.constant(batch))
        return {name: float(value) for name, value in logs.items()}


def _traced_test(model: keras.Sequential, rows: Tensors) -> Any:
    """Returns what measures rows like these, however many: so all parts have it in common."""

    def make() -> Any:
        loop = tf.function(_test_loop(model), autograph=False)
        return loop.get_concrete_function(kinds, tf.TensorSpec([], tf.int32))

    kinds = tuple(map(kind_of, rows))
    return traced(model, ("evaluate", *tf.nest.flatten(kinds)), make)


def _test_loop(model: keras.Sequential) -> Callable[..., Any]:
    def run(rows: Tensors, batch: tf.Tensor) -> Any:
        count = count_of(rows)

        def more(begin: tf.Tensor) -> tf.Tensor:
            return begin < count

        def test(begin: tf.Tensor) -> tuple[tf.Tensor]:
            end = tf.minimum(begin + batch, count)
            model.test_step(between(rows, begin, end))
            return (end,)

        tf.while_loop(more, test, (tf.constant(0),))
        return model.get_metrics_result()

    return run


class Forward:
    """Gives the outputs of a model for rows, block after block; it is traced once for all."""

    def __init__(self, model: keras.Sequential, layer: str | None = None) -> None:
        """Takes a model, and perhaps the name of a layer whose outputs are wanted instead."""
        self._model = model if layer is None else _until(model, layer)
        self._batch = inference_batch(self._model)

    def __call__(self, x: Rows, advance: Advance = lambda done: None) -> Array:
        """Returns the outputs, in the order of the rows, as float32 of shape (rows, *outputs).

        Raises:
            DataError: The model cannot be run on these rows.
        """
        outputs = np.empty((len(x), *self._model.output_shape[1:]), np.float32)
        run = _forward(self._model, tuple(x.shape[1:]), x.dtype)
        for begin in range(0, len(x), self._batch):
            rows = x[begin : begin + self._batch]
            with computing(self._model):
                outputs[begin : begin + len(rows)] = run(tf.constant(rows)).numpy()
            advance(len(rows))
        return outputs


def _forward(model: keras.Sequential, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Returns what gives the outputs for rows, however many: it is traced once for a model."""

    def make() -> Any:
        like = tf.TensorSpec([None, *shape], dtype)
        return tf.function(
            lambda rows: model(rows, training=False), input_signature=[like], autograph=False
        )

    return traced(model, ("forward", shape, dtype.str), make)


def _until(model: keras.Sequential, layer: str) -> keras.Model:
    """Returns the part of a model that ends with a layer."""
    known = {each.name: each for each in model.layers}
    if layer not in known:
        raise unknown_layer(layer, list(known))
    part = keras.Model(model.inputs[0], known[layer].output)
    numbers = math.prod(size or MOST_COLUMNS + 1 for size in part.output_shape[1:])
    if numbers > MOST_COLUMNS:
        raise UsageError(
            f"the layer {layer!r} gives {shape_text(tuple(part.output_shape[1:]))} for each row",
            expected=f"at most {MOST_COLUMNS:,} numbers",
            hint="name a layer with fewer, such as the last one of the encoder",
        )
    return part


def keep_errors(run: RunDirectory, model: keras.Sequential, dataset: Dataset, loss: str) -> None:
    """Publishes the errors of the training rows, where the inputs are the target."""
    x, forward = dataset.train.x, Forward(model)
    if dataset.train.y is not x:
        return
    step = max(1, _BLOCK_BYTES // max(1, 4 * math.prod(x.shape[1:])))
    some = (x[begin : begin + step] for begin in range(0, len(x), step))
    errors = [row_errors(loss, rows, forward(rows), dataset.target) for rows in some]
    write_errors(run, np.concatenate(errors))


def predict(model: keras.Sequential, x: Rows, reporter: Reporter) -> Array:
    """Returns the outputs for the rows, in their order, as float32 of shape (rows, *outputs)."""
    with reporter.stage("Predicting", len(x)) as advance:
        return Forward(model)(x, advance)


@dataclass(frozen=True, slots=True)
class SavedRun(SavedFiles):
    """A run as it was saved, its model rebuilt; its config is without metrics that are left out.

    Attributes:
        model: The model, with the weights of the run.
        left_out: Why metrics of an earlier `dl` are left out, by name.
    """

    model: keras.Sequential
    left_out: Mapping[str, Finding]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of a saved model on a part of its data, or on another file.

    Attributes:
        split: The part, or the name of the file.
        rows: Its rows.
        metrics: The loss and the metrics, by name.
        trivial: What the answer that looks at no input reaches.
        by_step: The mean absolute error at each of several steps behind a window.
        coverage: Of several quantiles, the share of the rows, by their weights, whose number lies
            from the least to the largest of them.
        interval: The columns of these two.
    """

    split: str
    rows: int
    metrics: dict[str, float]
    trivial: Trivial | None = None
    by_step: tuple[float, ...] = ()
    coverage: float | None = None
    interval: tuple[str, ...] = ()


def open_run(run: RunDirectory, reporter: Reporter, threshold: float | None = None) -> SavedRun:
    """Opens a run and rebuilds its model; see `open_files` and `rebuild`."""
    return rebuild(open_files(run, threshold), reporter)


def rebuild(files: SavedFiles, reporter: Reporter) -> SavedRun:
    """Rebuilds the model of a run from its resolved config and the arrays of `model.h5`.

    Raises:
        RunError: A file of the run is missing, damaged or does not fit.
    """

    def read(path: Path, array_bytes: int) -> bytes:
        return read_checked(path, lambda path: read_file(path, array_bytes))

    run, fitted = files.run, files.preprocessing
    config, left_out = without_misfits(files.config, fitted)
    with reporter.stage("Loading the model"):
        try:
            model = build_model(config, fitted.input_shape, fitted.target)
            compile_model(model, config, fitted.target, config.phases[-1])
        except Findings as error:
            message = f"{run.label} cannot be rebuilt: its files do not fit together"
            raise RunError(message) from error
        load_weights(model, run.model, read)
    return SavedRun(run, config, fitted, model, left_out)


def evaluate_run(saved: SavedRun, data: Path | None, split: str, reporter: Reporter) -> Evaluation:
    """Measures a saved model on a file of labelled rows, or on a part of the run's own data."""
    for name, finding in saved.left_out.items():
        subject = "it" if len(finding.path) == 3 else str(finding.path[-1])
        reporter.warn(f"{name} is left out: {subject} {finding.message}; {finding.hint}")
    part = load_labelled(saved, data, split, reporter)
    with reporter.stage("Evaluating", len(part)):
        metrics = evaluate(saved.model, part, saved.config)
    tell_infinite(data.name if data else split, metrics, saved.preprocessing.target, reporter)
    title, trivial = data.name if data else split, read_record(saved.run).trivial
    if trivial is not None:
        trivial = elsewhere(trivial, title, part, saved.preprocessing.target, saved.config)
    errors: tuple[float, ...] = ()
    if saved.preprocessing.target.in_series and saved.preprocessing.target.form == "numbers":
        outputs = predict(saved.model, part.x, reporter).reshape(part.y.shape)
        errors = by_step(outputs, part, saved.preprocessing.target)
    found = Evaluation(title, len(part), metrics, trivial, errors)
    return _with_coverage(found, saved, part, reporter)


def _with_coverage(
    found: Evaluation, saved: SavedRun, part: Part, reporter: Reporter
) -> Evaluation:
    """Returns an evaluation that tells how many rows lie between the outer quantiles, if any."""
    target = saved.preprocessing.target
    if not target.quantiles:
        return found
    y, weights = part.targets()
    said = own_numbers(predict(saved.model, part.x, reporter), target)
    true = unscale(y.reshape(-1), target)
    inside = (said[:, 0] <= true) & (true <= said[:, -1])
    names = quantile_names(target)
    return replace(found, coverage=float(mean(inside, weights)), interval=(names[0], names[-1]))


def load_labelled(saved: SavedRun, data: Path | None, split: str, reporter: Reporter) -> Part:
    """Returns labelled rows, prepared as the run's own."""
    if data is not None:
        return load_part(saved.config, saved.preprocessing, data, reporter)
    return load_split(saved.config, saved.preprocessing, split, reporter)


def training_data(saved: SavedRun, reporter: Reporter) -> Dataset:
    """Returns the training part of a run's own data, as it was trained on."""
    part = load_labelled(saved, None, "train", reporter)
    return Dataset(part, None, None, saved.preprocessing)
