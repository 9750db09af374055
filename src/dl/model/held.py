"""Numbers of a config that live in variables, so that trainings with others share what is traced.

Keras' optimizers, losses, regularizers and layers hold their numbers as floats, which become
constants of what is traced. A `Held` in their place is a float wherever Python looks at it, and a
variable wherever it meets a tensor. What Python computes of it (1 - beta_1) is computed as ever, in
double precision, and has a variable of its own: so the bits are those of the constants.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partialmethod
from typing import Any

import keras
import tensorflow as tf

from dl.config.schema import Config
from dl.vocabulary.names import with_names
from dl.vocabulary.spec import Kind, Spec

Steps = tuple[Callable[[float], Any], ...]


class Held(float):
    """A number that is a variable where a program is traced. Only its value can be changed."""

    dtype = "float32"  # for Keras, which asks two operands which type theirs is

    _first: float
    _steps: Steps
    _names: tuple[object, ...]
    _variables: dict[tuple[object, ...], tuple[Steps, tf.Variable]]

    def __new__(cls, value: float) -> Held:
        """Holds a number, of which nothing is traced yet."""
        made = super().__new__(cls, value)
        made._first, made._steps, made._names, made._variables = float(value), (), (), {}
        return made

    def changed(self, value: float) -> Held:
        """Returns the number that is held now; what was traced takes it from here on."""
        made = Held(value)
        made._variables = self._variables
        for steps, variable in self._variables.values():
            variable.assign(_after(value, steps))
        return made

    def taken(self, function: Callable[[float], Any], dtype: tf.DType) -> tf.Tensor:
        """Returns what a function of Python gives for the number, as a tensor."""
        return self._tensor((*self._steps, function), (*self._names, function), dtype)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        """Is the number for TensorFlow."""
        return self._tensor(self._steps, self._names, tf.as_dtype(dtype or tf.float32))

    def _tensor(self, steps: Steps, names: tuple[object, ...], dtype: tf.DType) -> tf.Tensor:
        key = (*names, dtype)
        if key not in self._variables:
            with tf.init_scope():
                value = tf.constant(_after(self._first, steps), dtype)
                # Of a variable that a function makes, TensorFlow would trace the function again.
                made = tf.Variable(
                    value, trainable=False, experimental_enable_variable_lifting=False
                )
                self._variables[key] = steps, made
        return tf.convert_to_tensor(self._variables[key][1])

    def _computed(self, other: object, *, sign: str, swapped: bool = False) -> Any:
        if isinstance(other, Held):
            raise TypeError("two numbers that are held cannot be computed with")
        if not isinstance(other, int | float):
            return NotImplemented  # a tensor takes it as one
        work, number = getattr(operator, sign), other

        def step(value: float) -> float:
            return work(number, value) if swapped else work(value, number)  # type: ignore[no-any-return]

        made = float.__new__(Held, step(float(self)))
        made._first, made._variables = self._first, self._variables
        made._steps = (*self._steps, step)
        made._names = (*self._names, (sign, number, swapped))
        return made

    __add__ = partialmethod(_computed, sign="add")
    __radd__ = partialmethod(_computed, sign="add", swapped=True)
    __sub__ = partialmethod(_computed, sign="sub")
    __rsub__ = partialmethod(_computed, sign="sub", swapped=True)
    __mul__ = partialmethod(_computed, sign="mul")
    __rmul__ = partialmethod(_computed, sign="mul", swapped=True)
    __truediv__ = partialmethod(_computed, sign="truediv")
    __rtruediv__ = partialmethod(_computed, sign="truediv", swapped=True)

    def __neg__(self) -> Any:
        return self._computed(-1.0, sign="mul")

    def _refused(self, other: object = 0.0, *more: object, sign: str) -> Any:
        """Refuses what would become a constant of what is traced; a tensor takes it as one."""
        if not isinstance(other, int | float):
            return NotImplemented
        raise TypeError(f"{sign} cannot be computed of a number that is held")

    __pow__ = __rpow__ = partialmethod(_refused, sign="**")
    __floordiv__ = __rfloordiv__ = partialmethod(_refused, sign="//")
    __mod__ = __rmod__ = partialmethod(_refused, sign="%")
    __divmod__ = __rdivmod__ = partialmethod(_refused, sign="divmod")
    __abs__ = partialmethod(_refused, sign="abs")
    __pos__ = partialmethod(_refused, sign="+")
    __round__ = partialmethod(_refused, sign="round")
    __floor__ = partialmethod(_refused, sign="floor")
    __ceil__ = partialmethod(_refused, sign="ceil")
    __trunc__ = __int__ = partialmethod(_refused, sign="int")


def _after(value: float, steps: Steps) -> Any:
    for step in steps:
        value = step(value)
    return value


_ALWAYS = ("weight_decay", "clipvalue")
"""Of every optimizer."""
_CLIPPED = ("clipnorm", "global_clipnorm")
"""Where an optimizer multiplies a clipped gradient by a constant, TensorFlow joins the two: held
numbers would have other bits there. That of these optimizers it does not."""
_HELD: Mapping[str, tuple[str, ...]] = {
    "Adadelta": ("rho", "epsilon"),
    "Adagrad": ("epsilon",),
    "Adam": ("beta_1", "beta_2", "epsilon", *_CLIPPED),
    "AdamW": ("beta_1", "beta_2", "epsilon", *_CLIPPED),
    "Adamax": ("beta_1", "beta_2", "epsilon"),
    "Lamb": ("beta_1", "beta_2", "epsilon"),
    "Lion": ("beta_1", "beta_2"),
    "Nadam": ("beta_1", "beta_2", "epsilon"),
    "RMSprop": ("rho", "momentum", "epsilon", *_CLIPPED),
    "SGD": ("momentum", *_CLIPPED),
    "BinaryCrossentropy": ("label_smoothing",),
    "CategoricalCrossentropy": ("label_smoothing",),
    "Dropout": ("rate",),
    "SpatialDropout1D": ("rate",),
    "SpatialDropout2D": ("rate",),
    "L1": ("l1",),
    "L1L2": ("l1", "l2"),
    "L2": ("l2",),
}
"""The numbers that are held, by what they belong to: it was measured that their bits stay."""


def held_places(config: Config) -> list[tuple[Any, ...]]:
    """Returns where numbers of a config can be held: of its optimizer, its loss and its layers.

    One that is 0 or below is another program, and so is one that drops everything.
    """
    if config.engine.precision != "float32" or config.engine.distribute != "none":
        return []
    training = config.training
    places: list[tuple[Any, ...]] = []
    for key, spec in (("optimizer", training.optimizer), ("loss", training.loss)):
        places += [(key, name) for name in _named(spec)]
    for i, layer in enumerate(config.model.layers):
        places += [("layers", i, name) for name in _named(layer)]
        for key, value in layer.parameters.items():
            # XLA joins that of the outputs with the number of rows, which it is divided by.
            of_weights = key != "activity_regularizer"
            if isinstance(value, Spec) and value.kind is Kind.REGULARIZER and of_weights:
                places += [("layers", i, key, name) for name in _named(value)]
    return places


def _named(spec: Spec) -> list[str]:
    if spec.parameters.get("centered"):  # of RMSprop, which has other bits with variables
        return []
    always = _ALWAYS if spec.kind is Kind.OPTIMIZER else ()
    return [name for name in (*_HELD.get(spec.type, ()), *always) if _can_be(spec, name)]


def _can_be(spec: Spec, name: str) -> bool:
    value = spec.parameters.get(name)
    return isinstance(value, float) and value > 0 and not (name == "rate" and value >= 1)


def hold_numbers(model: keras.Sequential, given: keras.Sequential, config: Config) -> None:
    """Lets a model hold the numbers of another of the same places, or its own for the first time.

    Args:
        model: What is traced, or will be.
        given: Has the numbers as floats; can be the same model.
        config: That of both.
    """
    for place in held_places(config):
        owner, name = _owner(model, config, place), place[-1]
        number = getattr(_owner(given, config, place), name)
        held = Held(number) if model is given else getattr(owner, name).changed(number)
        setattr(owner, name, held)
        if place[0] == "loss":
            owner._fn_kwargs[name] = held


def _owner(model: keras.Sequential, config: Config, place: tuple[Any, ...]) -> Any:
    """Returns the object of a model that has the number of a place."""
    if place[0] != "layers":
        return getattr(model, place[0])
    layer = model.get_layer(with_names(config.model.layers)[place[1]].parameters["name"])
    return layer if len(place) == 3 else getattr(layer, place[2])
