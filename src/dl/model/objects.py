"""From a checked `Spec` to the Keras object that it names, and what only `dl` has.

The perceptron is that of F. Rosenblatt, "The perceptron: a probabilistic model for information
storage and organization in the brain", Psychological Review 65 (1958). Straight-through gradients:
Y. Bengio, N. Léonard and A. Courville, "Estimating or propagating gradients through stochastic
neurons for conditional computation", arXiv:1308.3432 (2013).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from dl.model.randomness import FAST_LAYERS, derived_seed
from dl.vocabulary.spec import Kind, Path, Spec

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
"""Where Keras exports the things of each kind."""

HEAVISIDE = "heaviside"
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


_OWN: Mapping[tuple[Kind, str], Callable[..., Any]] = {
    (Kind.ACTIVATION, HEAVISIDE): heaviside,
    (Kind.LOSS, "Perceptron"): Perceptron,
    (Kind.CALLBACK, "StopAtZeroErrors"): StopAtZeroErrors,
}
"""What is built where Keras has nothing of that name."""
