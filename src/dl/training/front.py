"""The frozen front of a network: run once over the rows, and the rest is trained on what it gives.

The first layers of a network give the same for a row in each epoch where no weight of theirs is
trained and nothing in them is random, as a frozen base does. What they give, the features, is
computed once for the training and the validation part, and kept in memory, or on the disk where it
does not fit. The rest is a model of the same layers, weights, optimizer, loss and metrics, so the
whole model is trained when it is. The results differ from those of a front that runs in each step
by the rounding of sums, since other numbers of rows are computed together.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from dl.config.phases import PhasePlan
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.read import memory_budget
from dl.data.storage import ScratchFile, check_space
from dl.data.types import IN_MEMORY, Array, Rows, Storage
from dl.model import keras, tf
from dl.model.bases import computes_as_in_training
from dl.model.build import compile_model, freeze, traced
from dl.model.checks import outputs_of_layers
from dl.model.differences import Differences
from dl.model.objects import BASES
from dl.predict.evaluate import inference_batch
from dl.progress import Advance, Reporter
from dl.training.steps import devices_of
from dl.vocabulary.spec import Findings
from dl.vocabulary.traits import NOISE, OF_PICTURES, RECURRENT

if TYPE_CHECKING:
    from dl.training.setup import Prepared

_STEPS = 50
"""Of small layers in a call, where the steps before were those of the whole network."""
_MASKING = {"Masking", "Embedding"}
"""Layers whose mask would not come with the features."""
_CHANGING = (
    NOISE
    | RECURRENT
    | (OF_PICTURES - {"Resizing", "CenterCrop"})
    | {*_MASKING, "ActivityRegularization"}
)
"""Layers that can give something else in training, or add to the loss."""


def front_length(model: keras.Sequential, config: Config) -> int:
    """Returns how many of the first layers are run once, by `engine.front`; 0 for none."""
    mode = config.engine.front
    mixed = config.training.mixing.type != "none"  # the pictures are, not what is made of them
    whole = isinstance(model, Differences)  # it needs the inputs behind its last layer
    if mode == "each_step" or mixed or whole or devices_of(model) > 1:
        return 0
    layers = model.layers
    count = next((place for place, layer in enumerate(layers) if not _is_fixed(layer)), 0)
    front = layers[:count]
    pays = any(layer in BASES if mode == "auto" else layer.weights for layer in front)
    return count if pays and (mode == "once" or config.training.epochs > 1) else 0


def first_front(model: keras.Sequential, config: Config) -> int:
    """Returns the length of the front in the first phase.

    Raises:
        Findings: A front is asked for, and there is none in any phase.
    """
    lengths = []
    for plan in reversed(config.phases):
        if plan.phase is not None:
            freeze(model, plan.frozen)
        lengths.append(front_length(model, plan.of(config)))
    if config.engine.front == "once" and not any(lengths):
        layer = next(layer for layer in model.layers if not _is_fixed(layer))
        raise Findings.one(
            ("engine", "front"),
            "is once, but no frozen layers come first",
            "first layers whose weights are not trained, and that draw nothing at random",
            f"{layer.name}, which {'is trained' if layer.trainable_weights else 'may change'}",
            "write trainable: false to the first layers, or engine.front: auto",
        )
    return lengths[-1]


def _is_fixed(layer: Any) -> bool:
    """Tells whether a layer gives the same for a row in each epoch."""
    if layer.trainable_weights or len(layer.variables) > len(layer.weights):
        return False  # what draws at random has its seed as a variable
    if layer in BASES:
        return not computes_as_in_training(BASES[layer]) or all(map(_is_fixed, layer.layers))
    name, wraps = type(layer).__name__, isinstance(layer, keras.layers.Wrapper)
    gathers = bool(layer.weights) and layer.trainable  # a BatchNormalization without scale
    adds = layer.activity_regularizer is not None
    return not (wraps or gathers or adds or name in _CHANGING or name.startswith("Random"))


def rest_of(model: keras.Sequential, front: int) -> keras.Sequential:
    """Returns the layers behind a front as a model, which shares them; all where there is none."""
    if not front:
        return model
    rest = keras.Sequential(name=model.name)
    rest.add(keras.Input(model.layers[front - 1].output.shape[1:], name="input"))
    for layer in model.layers[front:]:
        rest.add(layer)
    return rest


def learner_of(prepared: Prepared, plan: PhasePlan, reporter: Reporter) -> Prepared:
    """Returns what the steps of a phase see: of a network with a front the rest, and its features.

    Whether a step is compiled was decided for what is trained first: in a phase that trains another
    model it is not.

    Raises:
        DataError: A layer cannot compute with a row.
        DiskError: The features do not fit on the disk.
    """
    model, dataset, config = prepared.model, prepared.dataset, prepared.config
    front, strategy = front_length(model, config), prepared.strategy
    if bool(front) != (strategy.front == "once"):
        strategy = replace(strategy, compiled=False, steps_per_call=_STEPS if front else 1)
    if not front:
        return replace(prepared, strategy=strategy)

    def make() -> keras.Sequential:
        rest = rest_of(model, front)
        compile_model(rest, config, dataset.target, plan, model.optimizer)
        return rest

    # The same as long as the model is not compiled anew: so a sweep traces it once.
    kept: dict[str, Dataset] = traced(model, ("features", front), dict)
    key = f"{id(dataset)} {_digest(model, front)}"
    if key not in kept:
        kept.clear()
        kept[key] = _on_features(model, dataset, config, front, reporter)
    rest = traced(model, ("rest", front), make)
    return replace(prepared, model=rest, dataset=kept[key], strategy=strategy)


def _digest(model: keras.Sequential, front: int) -> str:
    """Returns a checksum of the weights of a front."""
    digest = hashlib.sha256()
    for layer in model.layers[:front]:
        for weight in layer.weights:
            digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return digest.hexdigest()


def _on_features(
    model: keras.Sequential, dataset: Dataset, config: Config, front: int, reporter: Reporter
) -> Dataset:
    batch, run = inference_batch(model), _forward(model, front)
    parts = [part for part in (dataset.train, dataset.validation) if part is not None]
    rows = sum(map(len, parts))
    shape = model.layers[front - 1].output.shape[1:]
    size = 4 * rows * int(np.prod(shape, dtype=np.int64))
    storage = IN_MEMORY
    if size > memory_budget(config.engine.memory):
        storage = Storage(True, "the features of the frozen front do not fit into engine.memory")
        check_space(size, f"the features of {rows} rows")
    names = ", ".join(layer.name for layer in model.layers[:front])
    with reporter.stage(f"Running the frozen front once: {names}", rows) as advance:
        train, *others = (
            replace(part, x=_features(part.x, run, batch, file, advance))
            for part in parts
            for file in [ScratchFile() if storage.streamed else None]
        )
    reporter.note(
        f"the frozen front ({names}) has been run once: the layers behind it are trained on what "
        "it gives (engine.front)"
    )
    return replace(dataset, train=train, validation=others[0] if others else None, storage=storage)


def _forward(model: keras.Sequential, front: int) -> Any:
    """Returns what gives the outputs of a front for rows."""

    def run(rows: tf.Tensor) -> tf.Tensor:
        return list(islice(outputs_of_layers(model, rows, training=False), front))[-1]

    return tf.function(run, reduce_retracing=True, autograph=False)


def _features(x: Rows, run: Any, batch: int, file: ScratchFile | None, advance: Advance) -> Rows:
    """Returns what a front gives for rows, in their order: in memory, or in a file."""
    blocks: list[Array] = []
    for begin in range(0, len(x), batch):
        block: Array = run(tf.constant(x[begin : begin + batch])).numpy()
        if file is not None:
            file.write(block)
            blocks.clear()
        blocks.append(block)
        advance(len(block))
    if file is None:
        return np.concatenate(blocks)
    return file.array(blocks[-1].dtype, (len(x), *blocks[-1].shape[1:]))
