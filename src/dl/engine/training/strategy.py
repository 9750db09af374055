"""Decides how a training is run: compiled with XLA or not, and how many steps in a call.

The rule looks at the kinds of layers and at sizes only, so that a repeated or resumed run decides
the same. It rests on measurements on processors: XLA removes the cost of starting each operation
and of the many small operations of an optimizer, but its convolutions are forty times slower than
TensorFlow's own, its poolings and random generators several times, and its large matrix products
a little. Compiling itself takes about a second.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
import tensorflow as tf

from dl.config.schema import Config
from dl.engine.network.randomness import FAST_LAYERS
from dl.engine.network.work import Work, work_of
from dl.engine.training.mirrored import devices_of

_COMPILED_LAYERS = frozenset(
    {
        "Activation",
        "ActivityRegularization",
        "AdaptiveAveragePooling1D",
        "AdaptiveAveragePooling2D",
        "AdaptiveAveragePooling3D",
        "AdaptiveMaxPooling1D",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "BatchNormalization",
        "Bidirectional",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "Dense",
        "EinsumDense",
        "ELU",
        "Flatten",
        "GRU",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "GroupNormalization",
        "Identity",
        "LSTM",
        "LayerNormalization",
        "LeakyReLU",
        "Masking",
        "PReLU",
        "Permute",
        "RMSNormalization",
        "ReLU",
        "RepeatVector",
        "Rescaling",
        "Reshape",
        "SimpleRNN",
        "Softmax",
        "TimeDistributed",
        "UnitNormalization",
        *FAST_LAYERS,
    }
)
"""Layers that were measured to gain by XLA on a processor: `benchmarks/strategy.py`."""

_LEAST_STEPS = 2000
"""Fewer steps in the whole training do not pay for the compilation."""
_MOST_PRODUCT_OPERATIONS = 5e8
"""Operations of a step beyond which large matrix products outweigh what XLA saves."""
_CALL_SECONDS = 0.15
_STEP_OVERHEAD = {True: 20e-6, False: 400e-6}
_OPERATIONS_PER_SECOND = 2e10


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a training is run.

    Attributes:
        compiled: Whether the steps are compiled with XLA.
        steps_per_call: Steps between two looks at progress, signals and the loss.
        reason: Why it is or is not compiled, in plain words.
        devices: How many devices share each batch.
    """

    compiled: bool
    steps_per_call: int
    reason: str
    devices: int = 1

    def document(self) -> dict[str, Any]:
        """Returns the strategy as plain data, for `run.json`."""
        return asdict(self)


def choose_strategy(model: keras.Sequential, config: Config, rows: int) -> Strategy:
    """Decides how a training on so many rows is run; the config's section `engine` goes before."""
    size = config.training.batch_size
    batch = rows if size == "full" else min(size, rows)
    steps = -(-rows // batch)
    work = work_of(model)
    compiled, reason = _compiled(model, config, work, batch, steps * config.training.epochs)
    chosen = config.engine.steps_per_call
    per_call = _steps_per_call(compiled, work, batch) if chosen == "auto" else chosen
    return Strategy(compiled, max(1, min(per_call, steps)), reason, devices_of(model))


def _compiled(
    model: keras.Sequential, config: Config, work: Work, batch: int, steps: int
) -> tuple[bool, str]:
    if devices_of(model) > 1:
        return False, "a compiled step cannot wait for other devices"
    if config.engine.compile != "auto":
        return config.engine.compile, "set in the config"
    if tf.config.list_physical_devices("GPU"):
        return _compiled_on_gpu(work)
    if work.uncompilable:
        return False, f"{work.uncompilable} is slow or impossible under XLA"
    slow = next((name for name in work.layer_types if name not in _COMPILED_LAYERS), None)
    if slow is not None:
        return False, f"{slow} is faster without XLA on a processor"
    if work.operations * batch > _MOST_PRODUCT_OPERATIONS:
        return False, "large matrix products are faster without XLA"
    if steps < _LEAST_STEPS:
        return False, f"{steps} steps are too few to pay for a compilation"
    return True, "small steps gain by XLA"


def _compiled_on_gpu(work: Work) -> tuple[bool, str]:
    if work.uncompilable:
        return False, f"{work.uncompilable} is slow or impossible under XLA"
    return True, "steps on a GPU gain by XLA"


def _steps_per_call(compiled: bool, work: Work, batch: int) -> int:
    step_seconds = _STEP_OVERHEAD[compiled] + 3 * work.operations * batch / _OPERATIONS_PER_SECOND
    return max(1, int(_CALL_SECONDS / step_seconds))
