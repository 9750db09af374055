"""From a checked `Spec` to the Keras object that it names, and what only `dl` has.

The perceptron is that of F. Rosenblatt, "The perceptron: a probabilistic model for information
storage and organization in the brain", Psychological Review 65 (1958). Straight-through gradients:
Y. Bengio, N. Léonard and A. Courville, "Estimating or propagating gradients through stochastic
neurons for conditional computation", arXiv:1308.3432 (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import keras
import tensorflow as tf
from keras import ops

from dl.model.randomness import derived_seed, random_keep, random_normal
from dl.vocabulary.spec import Kind, Path, Spec

MODULES: Mapping[Kind, Any] = {
    Kind.LAYER: keras.layers,
    Kind.BASE: keras.applications,
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
"""Where Keras exports the things of each kind."""

BASES: WeakKeyDictionary[Any, Spec] = WeakKeyDictionary()
"""What each pretrained base was built from (`dl.model.bases`)."""

HEAVISIDE = "heaviside"
FROM = "from"
"""The parameter that names a file of first weights, which Keras has not."""
_PRODUCT = "_dl_weighted_sum"


def build_object(spec: Spec, *, seed: int, path: Path, fast: bool = True) -> Any:
    """Returns the Keras object that a spec names, with all that is nested in it.

    Args:
        spec: What to build.
        seed: The config's seed. Whatever takes a seed and was given none gets one of its own,
            derived from this and its place.
        path: Where the spec stands in the config.
        fast: Build a noise layer that draws fast inside a compiled loop.
    """
    named = _OWN.get((spec.kind, spec.type)) or getattr(MODULES[spec.kind], spec.type)
    if spec.kind is Kind.ACTIVATION:
        return named
    if fast and spec.kind is Kind.LAYER:
        named = FAST_LAYERS.get(spec.type, named)
    return named(
        **{
            name: _argument(name, value, seed=seed, path=(*path, name))
            for name, value in spec.parameters.items()
            if name != FROM
        }
    )


def _argument(name: str, value: object, *, seed: int, path: Path) -> object:
    if name == "seed" and value is None:
        return derived_seed(seed, path)
    if isinstance(value, Spec):
        return build_object(value, seed=seed, path=path, fast=False)
    if isinstance(value, tuple | list):
        items = [_argument("", item, seed=seed, path=(*path, i)) for i, item in enumerate(value)]
        # Keras takes tuples of numbers, but lists of objects, the cells of StackedRNNCells for one.
        return items if any(isinstance(item, Spec) for item in value) else tuple(items)
    return value


@keras.saving.register_keras_serializable(package="dl")  # type: ignore[untyped-decorator]
def heaviside(x: Any) -> Any:
    """Returns 1 where x >= 0, else 0: the threshold unit h(x) = Threshold(w·x).

    Its derivative is 0 wherever it has one, and nothing could be learned through it. The gradient
    passes straight through, as if it were the identity. The output remembers x for `Perceptron`.
    """
    step = ops.cast(x >= 0, x.dtype)
    output = step + (x - ops.stop_gradient(x))
    setattr(output, _PRODUCT, x)  # as Keras' own sigmoid and softmax keep theirs for the loss
    return output


@keras.saving.register_keras_serializable(package="dl")
class Perceptron(keras.losses.Loss):  # type: ignore[misc]
    """The perceptron's loss -(y - h(x)) w·x of outputs h(x) = heaviside(w·x), summed over units.

    Its gradient by w is -(y - h(x)) x, so a step of SGD on one row is the perceptron's rule
    w ← w + rate (y - h(x)) x. It is |w·x| for a row that is wrong and 0 for one that is right.
    """

    def __init__(
        self, reduction: str = "sum_over_batch_size", name: str = "perceptron", dtype: Any = None
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row, shape (rows,), of targets and outputs (rows, units).

        Raises:
            ValueError: The outputs do not come from `heaviside`.
        """
        product = getattr(y_pred, _PRODUCT, None)
        if product is None:
            raise ValueError("the loss perceptron needs outputs of the activation heaviside")
        error = ops.stop_gradient(ops.cast(y_true, y_pred.dtype) - y_pred)
        return ops.sum(-error * product, axis=-1)


@keras.saving.register_keras_serializable(package="dl")
class Quantile(keras.losses.Loss):  # type: ignore[misc]
    """The pinball loss max(q e, (q - 1) e) of errors e = y - output, the mean over the outputs.

    Of several quantiles, each has an output, which is compared with the one number of the row.

    Its least value is at the quantile q of y: R. Koenker and G. Bassett, "Regression quantiles",
    Econometrica 46 (1978). It is what scikit-learn calls `mean_pinball_loss`.
    """

    def __init__(
        self,
        quantile: float | None = None,
        reduction: str = "sum_over_batch_size",
        name: str = "quantile",
        dtype: Any = None,
        quantiles: Sequence[float] | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.quantile = quantile
        self.quantiles = None if quantiles is None else list(quantiles)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each row, shape (rows, ...), of targets and outputs."""
        error = ops.cast(y_true, y_pred.dtype) - y_pred
        share: Any = self.quantile
        if self.quantiles is not None:
            share = ops.convert_to_tensor(self.quantiles, y_pred.dtype)
        return ops.mean(ops.maximum(share * error, (share - 1) * error), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns what makes the same loss again."""
        return {
            **super().get_config(),
            "quantile": self.quantile,
            "quantiles": self.quantiles,
        }


class StopAtZeroErrors(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the training after an epoch in which every row was predicted right.

    Attributes:
        outcome: What is to be told after the training.
    """

    def __init__(self, monitor: str = "accuracy") -> None:
        super().__init__()
        self.monitor = monitor
        self.outcome = ""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Looks at the fraction of rows that were right."""
        fraction = (logs or {}).get(self.monitor, 0.0)
        if fraction >= 1:
            self.model.stop_training = True
            self.outcome = f"no errors in epoch {epoch + 1}: every row is predicted right"
        else:
            self.outcome = (
                f"errors remain after {epoch + 1} epochs: {self.monitor} is {fraction:.4g}, not 1; "
                "if a single unit learns this, perhaps no straight line separates the classes"
            )


def one_cycle(
    max_learning_rate: float,
    total_steps: int,
    warmup_steps: int,
    div_factor: float,
    final_div_factor: float,
    name: str,
) -> Any:
    """Returns the schedule of one cycle, made of Keras' own, so that any Keras opens it.

    From L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks using
    large learning rates", arXiv:1708.07120 (2017): the rate rises on a straight line. It falls on
    half a cosine, as in fastai, and with the factors of PyTorch's `OneCycleLR`, whose rise is a
    cosine, too. Step t of w + d has the rate

        max / div * (1 - t / w) + max * t / w                         for t < w
        last + (max - last) * (1 + cos(pi * (t - w) / d)) / 2         then

    with last = max / div / final. The momentum stays: Keras' optimizers hold it as a constant.
    """
    first = max_learning_rate / div_factor
    return keras.optimizers.schedules.CosineDecay(
        first if warmup_steps else max_learning_rate,
        total_steps - warmup_steps,
        alpha=1 / div_factor / final_div_factor,
        warmup_target=max_learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
        name=name,
    )


def leaves(model: keras.Sequential) -> Iterator[Any]:
    """Yields the layers of a model, those of a base in its place."""
    for layer in model.layers:
        yield from layer.layers if layer in BASES else (layer,)


_OWN: Mapping[tuple[Kind, str], Callable[..., Any]] = {
    (Kind.ACTIVATION, HEAVISIDE): heaviside,
    (Kind.LOSS, "Perceptron"): Perceptron,
    (Kind.LOSS, "Quantile"): Quantile,
    (Kind.SCHEDULE, "OneCycle"): one_cycle,
    (Kind.CALLBACK, "StopAtZeroErrors"): StopAtZeroErrors,
}
"""What is built where Keras has nothing of that name."""


_SELU_LIMIT = -1.6732632423543772 * 1.0507009873554805
"""What SELU gives at minus infinity: minus alpha times scale."""


def draw_masks_fast(layers: Iterable[Any]) -> None:
    """Lets recurrent layers draw the masks of their dropout with `random_bits`.

    Their cells draw a mask for each sequence in a method that has no setting, and cannot be
    replaced by cells of another class, since the layers make them. It can go when Keras lets a
    cell be given its source of random numbers.
    """
    for layer in layers:
        cell = getattr(layer, "cell", None)
        for drawing in getattr(cell, "cells", [cell]):
            if hasattr(drawing, "_create_dropout_mask"):
                drawing._create_dropout_mask = partial(_dropout_mask, drawing)


def _dropout_mask(cell: Any, inputs: tf.Tensor, rate: float) -> Any:
    """Draws as the method of Keras' cells does: one mask, or one for each gate."""
    count = getattr(cell, "dropout_mask_count", None)
    masks = [
        tf.cast(random_keep(tf.shape(inputs), rate, cell.seed_generator.next()), inputs.dtype)
        * (1.0 / (1.0 - rate))
        for _ in range(count or 1)
    ]
    return masks if count else masks[0]


def _drop(layer: Any, inputs: tf.Tensor) -> tf.Tensor:
    """Sets values, or whole feature maps, to 0."""
    if layer.rate >= 1:
        return tf.zeros_like(inputs)
    spatial = getattr(layer, "_get_noise_shape", None)
    noise_shape = layer.noise_shape if spatial is None else spatial(inputs)
    keep = random_keep(_concrete(noise_shape, inputs), layer.rate, layer.seed_generator.next())
    return inputs * tf.cast(keep, inputs.dtype) * (1.0 / (1.0 - layer.rate))


def _drop_to_selu_limit(layer: Any, inputs: tf.Tensor) -> tf.Tensor:
    """Sets values to what SELU gives at minus infinity; mean and variance stay.

    Formulas: Klambauer et al., Self-Normalizing Neural Networks (2017), section "alpha dropout".
    """
    rate = layer.rate
    keep = random_keep(_concrete(layer.noise_shape, inputs), rate, layer.seed_generator.next())
    slope = ((1 - rate) * (1 + rate * _SELU_LIMIT**2)) ** -0.5
    kept = tf.where(keep, inputs, tf.cast(_SELU_LIMIT, inputs.dtype))
    return slope * (kept - rate * _SELU_LIMIT)


def _multiply_by_noise(layer: Any, inputs: tf.Tensor) -> tf.Tensor:
    """Multiplies by noise around 1."""
    std = math.sqrt(layer.rate / (1.0 - layer.rate))
    noise = random_normal(tf.shape(inputs), layer.seed_generator.next())
    return inputs * tf.cast(1.0 + std * noise, inputs.dtype)


def _add_noise(layer: Any, inputs: tf.Tensor) -> tf.Tensor:
    noise = random_normal(tf.shape(inputs), layer.seed_generator.next())
    return inputs + tf.cast(layer.stddev * noise, inputs.dtype)


def _concrete(noise_shape: Sequence[Any] | None, inputs: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(inputs)
    if noise_shape is None:
        return shape
    sizes = [shape[axis] if size is None else size for axis, size in enumerate(noise_shape)]
    return tf.stack(sizes)


def _layer(name: str, noisy: Callable[[Any, tf.Tensor], tf.Tensor]) -> Any:
    """Returns Keras' layer of a name, drawing with `random_bits`; at inference it does nothing."""

    def call(self: Any, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        amount = self.stddev if name == "GaussianNoise" else self.rate
        return noisy(self, inputs) if training and amount > 0 else inputs

    # A saved model names the class of Keras in the place of one of this module.
    return type(name, (getattr(keras.layers, name),), {"call": call, "__module__": __name__})


FAST_LAYERS: Mapping[str, Any] = {
    "AlphaDropout": _layer("AlphaDropout", _drop_to_selu_limit),
    "Dropout": _layer("Dropout", _drop),
    "GaussianDropout": _layer("GaussianDropout", _multiply_by_noise),
    "GaussianNoise": _layer("GaussianNoise", _add_noise),
    "SpatialDropout1D": _layer("SpatialDropout1D", _drop),
    "SpatialDropout2D": _layer("SpatialDropout2D", _drop),
    "SpatialDropout3D": _layer("SpatialDropout3D", _drop),
}
"""The layers that `dl` builds instead of Keras' own of the same name, and saves as those."""
