"""How a training is run: whether its steps are compiled with XLA, and how many are in a call.

That is decided by the kinds of layers and by sizes only, so that a repeated or resumed run decides
the same. The rule rests on `gains.csv`, measured on a processor by `benchmarks/strategy.py`: XLA
removes the cost of starting each operation and of the many small operations of an optimizer, but
its convolutions are over ten times slower than TensorFlow's own, some poolings and random
generators several times, and its large matrix products a little. Compiling itself takes about a
second, which a short training does not win back.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np

from dl.config.schema import Config
from dl.model import keras, tf
from dl.model.build import nested_layers
from dl.model.objects import BASES
from dl.training.steps import Batches, devices_of
from dl.vocabulary.traits import PER_POSITION, RECURRENT

# Measured on a processor. They are constants, not measured anew on each machine: a repeated or
# resumed run must decide the same, and a decision that is a little off costs little.
_NEUTRAL = 0.2
"""By this fraction of a step, two measurements of the same network can differ."""
_COMPILATION_SECONDS = 0.5
_LOOP_COMPILATION_SECONDS = 0.7
"""So much longer where recurrent layers are compiled."""
_SAVED_SECONDS = 450e-6
"""What a compiled step saves."""
_SAVED_SECONDS_OF_LOOP_STEP = 50e-6
"""What it saves for each step in time of a recurrent layer."""
_MOST_PRODUCT_OPERATIONS = 5e8
"""Operations of a step beyond which large matrix products outweigh what XLA saves."""
_STEP_OVERHEAD = {True: 20e-6, False: 400e-6}
"""What a step takes that computes nothing, compiled or not."""
_OPERATIONS_PER_SECOND = 5e10
_CALL_SECONDS = 0.25
"""How long a call should take: signals and progress are looked at between calls, and a person who
presses Ctrl-C or looks at the progress does not notice a quarter of a second."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a training is run.

    Attributes:
        compiled: Whether the steps are compiled with XLA.
        steps_per_call: Steps between two looks at progress, signals and the loss.
        reason: Why it is or is not compiled, in plain words.
        devices: How many devices share each batch.
        front: Whether the frozen first layers are run once over all rows, in the first phase.
    """

    compiled: bool
    steps_per_call: int
    reason: str
    devices: int = 1
    front: Literal["once", "each_step"] = "each_step"

    def document(self) -> dict[str, Any]:
        """Returns the strategy as plain data, for `run.json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a model computes.

    Attributes:
        layer_types: Names of the classes of all layers, nested ones included.
        flops: Multiplications and additions of a forward pass of one row, about.
        loop_steps: Steps in time of all recurrent layers together.
        uncompilable: The class of a layer that cannot or should not be compiled with XLA; empty
            if there is none.
    """

    layer_types: tuple[str, ...]
    flops: int
    loop_steps: int
    uncompilable: str


def choose_strategy(model: keras.Sequential, config: Config, batches: Batches) -> Strategy:
    """Decides how a training is run; the config's section `engine` goes before."""
    cost = model_cost(model)
    compiled, reason = _compiled(model, config, cost, batches)
    per_call = config.engine.steps_per_call
    if per_call == "auto":
        # The pass back takes about twice the operations of the pass forward: by the inputs of each
        # layer, and by its weights. So a step takes three times those of a forward pass.
        seconds = 3 * cost.flops * batches.size / _OPERATIONS_PER_SECOND
        per_call = int(_CALL_SECONDS / (_STEP_OVERHEAD[compiled] + seconds))
    return Strategy(compiled, max(1, min(per_call, batches.steps)), reason, devices_of(model))


def _compiled(
    model: keras.Sequential, config: Config, cost: Cost, batches: Batches
) -> tuple[bool, str]:
    steps = batches.steps * config.training.epochs
    if devices_of(model) > 1:
        return False, "a compiled step cannot wait for other devices"
    if config.engine.compile != "auto":
        return config.engine.compile, "set in the config"
    if cost.uncompilable:
        return False, f"{cost.uncompilable} is slow or impossible under XLA"
    if tf.config.list_physical_devices("GPU"):
        return True, "steps on a GPU gain by XLA"
    slow = next((name for name in cost.layer_types if name not in compiled_layers()), None)
    if slow is not None:
        return False, f"{slow} is faster without XLA on a processor"
    if cost.flops * batches.size > _MOST_PRODUCT_OPERATIONS:
        return False, "large matrix products are faster without XLA"
    loops = cost.loop_steps
    compilation = _COMPILATION_SECONDS + _LOOP_COMPILATION_SECONDS * bool(loops)
    if steps < compilation / (_SAVED_SECONDS + _SAVED_SECONDS_OF_LOOP_STEP * loops):
        return False, f"{steps} steps are too few to pay for a compilation"
    return True, "small steps gain by XLA"


@cache
def compiled_layers() -> frozenset[str]:
    """Returns the layers that XLA makes faster, or not slower, on a processor."""
    text = files(__package__).joinpath("gains.csv").read_text(encoding="utf-8")
    return frozenset(row["layer"] for row in csv.DictReader(text.splitlines()) if gains(row))


def gains(row: Mapping[str, str]) -> bool:
    """Tells whether a layer adds no more to a compiled step than to an uncompiled one.

    Args:
        row: Microseconds of a step, a row of `gains.csv`; "xla_us" is empty if XLA cannot do it.
    """
    if not row["xla_us"]:
        return False
    compiled, without = float(row["xla_us"]), float(row["without_xla_us"])
    added = float(row["plain_us"]) - float(row["without_plain_us"])
    return compiled - without <= added + _NEUTRAL * compiled


def model_cost(model: keras.Sequential) -> Cost:
    """Returns how much a built model computes."""
    layers = [layer for layer in nested_layers(model) if layer not in BASES]
    uncompilable = (layer for layer in layers if getattr(layer, "supports_jit", True) is False)
    return Cost(
        layer_types=tuple(dict.fromkeys(type(layer).__name__ for layer in layers)),
        flops=sum(2 * _weights(layer) * _positions(layer) for layer in model.layers),
        loop_steps=sum(_positions(layer) for layer in model.layers if _is_recurrent(layer)),
        uncompilable=next((type(layer).__name__ for layer in uncompilable), ""),
    )


def _weights(layer: Any) -> int:
    if isinstance(layer, keras.layers.Embedding):
        return 0  # its weights are looked up, not multiplied
    if layer in BASES:  # frozen or not, it is computed
        return sum(inner.count_params() * _positions(inner) for inner in layer.layers)
    return int(sum(np.prod(weight.shape) for weight in layer.trainable_weights))


def _positions(layer: Any) -> int:
    """Returns how often the weights of a layer are used for a row."""
    name = type(layer).__name__
    shape: tuple[int | None, ...] = ()
    if _is_recurrent(layer):
        # Behind a layer that masks steps, the input is a list: the rows, then their mask.
        shape = keras.tree.flatten(layer.input)[0].shape[1:2]
    elif name in PER_POSITION or "Conv" in name:
        shape = layer.output.shape[1:-1]
    return int(np.prod([size or 1 for size in shape], dtype=np.int64))


def _is_recurrent(layer: Any) -> bool:
    return type(layer).__name__ in RECURRENT
