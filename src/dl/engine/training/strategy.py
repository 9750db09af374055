"""Decides how a training is run: compiled with XLA or not, and how many steps in a call.

The rule looks at the kinds of layers and at sizes only, so that a repeated or resumed run decides
the same. It rests on `gains.csv`, measured on a processor by `benchmarks/strategy.py`: XLA removes
the cost of starting each operation and of the many small operations of an optimizer, but its
convolutions are over ten times slower than TensorFlow's own, some poolings and random generators
several times, and its large matrix products a little. Compiling itself takes about a second, which
a short training does not win back.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import keras
import tensorflow as tf

from dl.config.schema import Config
from dl.engine.network.work import Work, work_of
from dl.engine.training.mirrored import devices_of

_NEUTRAL = 0.2
"""By this share of a step, two measurements of the same network can differ."""
_COMPILATION_SECONDS = 0.5
_LOOP_COMPILATION_SECONDS = 0.7
"""So much longer where recurrent layers are compiled."""
_SAVED_SECONDS = 450e-6
"""What a compiled step saves."""
_SAVED_SECONDS_OF_LOOP_STEP = 50e-6
"""What it saves for each step in time of a recurrent layer."""
_MOST_PRODUCT_OPERATIONS = 5e8
"""Operations of a step beyond which large matrix products outweigh what XLA saves."""
_CALL_SECONDS = 0.25
_STEP_OVERHEAD = {True: 20e-6, False: 400e-6}
_OPERATIONS_PER_SECOND = 5e10


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
    slow = next((name for name in work.layer_types if name not in compiled_layers()), None)
    if slow is not None:
        return False, f"{slow} is faster without XLA on a processor"
    if work.operations * batch > _MOST_PRODUCT_OPERATIONS:
        return False, "large matrix products are faster without XLA"
    if steps < _least_steps(work):
        return False, f"{steps} steps are too few to pay for a compilation"
    return True, "small steps gain by XLA"


def _least_steps(work: Work) -> float:
    """Returns the steps of a whole training that pay for the compilation."""
    cost = _COMPILATION_SECONDS + _LOOP_COMPILATION_SECONDS * bool(work.loop_steps)
    return cost / (_SAVED_SECONDS + _SAVED_SECONDS_OF_LOOP_STEP * work.loop_steps)


def _compiled_on_gpu(work: Work) -> tuple[bool, str]:
    if work.uncompilable:
        return False, f"{work.uncompilable} is slow or impossible under XLA"
    return True, "steps on a GPU gain by XLA"


def _steps_per_call(compiled: bool, work: Work, batch: int) -> int:
    step_seconds = _STEP_OVERHEAD[compiled] + 3 * work.operations * batch / _OPERATIONS_PER_SECOND
    return max(1, int(_CALL_SECONDS / step_seconds))
