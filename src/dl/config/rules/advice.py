"""Advice: what is allowed but doubtful, as a first course on neural networks tells.

Advice may be wrong for a config that knows better; an error may not. What only the values of the
data tell is found by `dl.data.doubts` and `dl.data.rules`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from dl.config.data import AudioData, BuiltinData, Data, ImagesData, TableFile, target_is_input
from dl.config.phases import phases_of
from dl.config.preprocess import Preprocess
from dl.config.rules.facts import (
    LOSS,
    Advice,
    Facts,
    Output,
    activation_of,
    advice,
    layer_path,
    right_loss,
)
from dl.config.rules.preprocess import looking_up, texts_of
from dl.config.rules.probe import has_validation
from dl.config.rules.training import placed_callbacks
from dl.config.schema import Evaluation, Model, Training
from dl.text import plural
from dl.vocabulary import traits
from dl.vocabulary.catalog import entries
from dl.vocabulary.names import snake_case
from dl.vocabulary.spec import Kind, Path, Spec

_RATE: Path = ("training", "optimizer", "learning_rate")
_SATURATING = {"sigmoid": 2, "hard_sigmoid": 2, "tanh": 4}
"""Activations that flatten out, and from how many hidden layers on they learn slowly: the slope of
a sigmoid is 0.25 at most, that of tanh 1."""
_MANY_LABELS = 10
"""From so many classes on, one-hot labels cost memory that is worth a note."""
_MOST_PARAMETERS_PER_ROW = 100
_SLOW_SGD = 1e-3
"""Rate below which SGD without momentum needs thousands of epochs."""
_FEW_ROWS = 20
"""With fewer rows than this nobody expects a split or balance: such tables are exercises."""
_MOST_CLASSES = 50
"""A target of more values is not one of classes."""
_EVEN = 0.5
"""The threshold that nobody chose."""
_UNEVEN = 5
"""So many times as many rows make a class rare beside another."""


def output_activation(
    training: Training, preprocess: Preprocess, output: Output, facts: Facts
) -> Iterator[Advice]:
    """A number to predict needs an output that can reach it; of inputs, their limits are known."""
    activation, seen = output.activation, facts.probe.target
    stated = facts.config.data.classes is not None
    classes = facts.task not in (None, "regression") or stated or seen in ("classes", "text")
    bounded = activation in ("sigmoid", "tanh", "softmax")
    scaled = preprocess.target not in ("none", "standardize", "log1p")
    if training.loss.type not in traits.REGRESSION or classes:
        return
    if target_is_input(facts.config.data):
        return
    if activation == "relu" or (bounded and not scaled):
        text = f"output_activation.{activation}"
        yield advice(output.activation_path, text, activation=activation)


def output_units(training: Training, output: Output, facts: Facts) -> Iterator[Advice]:
    """Two classes need one sigmoid unit, not two of softmax."""
    entropy = training.loss.type in traits.CROSS_ENTROPIES
    if entropy and output.activation == "softmax" and output.units == 2 and facts.classes == 2:
        yield advice(output.units_path[:-1], "output_units")


def loss_for_classes(
    data: Data, training: Training, output: Output, facts: Facts
) -> Iterator[Advice]:
    """Squared errors teach a classifier slowly."""
    known = data.task in ("binary", "multiclass") or facts.probe.target == "classes"
    activation, loss = output.activation, training.loss
    if loss.type in traits.REGRESSION and known and activation in ("sigmoid", "softmax"):
        right = right_loss(2 if activation == "sigmoid" else output.units)
        yield advice(LOSS, "loss_for_classes", loss=loss, activation=activation, right=right)


def loss_encoding(training: Training, facts: Facts) -> Iterator[Advice]:
    """Class numbers go with the sparse loss."""
    loss, classes = training.loss, facts.probe.classes or 0
    answer = facts.probe.answer
    one_column = facts.probe.columns in (None, 1) and facts.probe.target is not None
    # At several places they may be one-hot along the last axis; between class numbers is nothing.
    if (answer is not None and answer.places) or training.mixing.type != "none":
        return
    # What the sparse loss cannot do: labels that are smoothed, rows that are easy and count less.
    own = loss.parameters.get("label_smoothing") or "Focal" in loss.type
    if loss.type in traits.ONE_HOT and one_column and classes >= _MANY_LABELS and not own:
        plain = loss.type == "CategoricalCrossentropy"
        write = f"sparse_{snake_case(loss.type)}" if plain else "crossentropy"
        yield advice(LOSS, "loss_encoding", classes=classes, write=write)


def unscaled_inputs(data: Data, preprocess: Preprocess, model: Model) -> Iterator[Advice]:
    """Large inputs make large steps."""
    if begins_with(model, traits.SCALING | {"Embedding"} | set(entries(Kind.BASE))):
        return
    if isinstance(data, TableFile | BuiltinData) and preprocess.numeric == "none":
        yield advice(("preprocess", "numeric"), "unscaled_inputs.table")
    elif isinstance(data, ImagesData) and preprocess.scale == 1:
        yield advice(("preprocess", "scale"), "unscaled_inputs.pictures")


def sampling_rate(data: Data, model: Model) -> Iterator[Advice]:
    """A spectrogram takes the pitch of a sound from the rate that it is told."""
    for _, layer, path in model.placed_layers:
        own = layer.parameters.get("sampling_rate")
        if isinstance(data, AudioData) and own is not None and own != data.rate:
            yield advice((*path, "sampling_rate"), "sampling_rate", own=own, rate=data.rate)


def begins_with(model: Model, types: Iterable[str]) -> bool:
    """Tells whether the first layer that is not the input, if there is one, is of some types."""
    first = next((layer for layer in model.layers if layer.type != "Input"), None)
    return first is None or first.type in types


def learning_rate(training: Training) -> Iterator[Advice]:
    """Each optimizer has a range of rates that make sense."""
    optimizer, rate = training.optimizer, rate_of(training.optimizer)
    known = optimizer.type in traits.RATES and training.loss.type != traits.PERCEPTRON
    if rate is None or not known:
        return
    least, most, start = traits.RATES[optimizer.type]
    if not least <= rate <= most:
        text = f"learning_rate.{'large' if rate > most else 'small'}"
        words = {"rate": rate, "least": least, "most": most, "start": start}
        yield advice(_RATE, text, optimizer=optimizer, **words)


def slow_sgd(training: Training) -> Iterator[Advice]:
    """Plain SGD with a tiny rate hardly moves."""
    optimizer, rate = training.optimizer, rate_of(training.optimizer)
    plain = optimizer.type == "SGD" and not optimizer.parameters.get("momentum")
    if not plain or rate is None or training.loss.type == traits.PERCEPTRON:
        return
    if traits.RATES["SGD"][0] <= rate < _SLOW_SGD:
        yield advice(("training", "optimizer", "momentum"), "slow_sgd", rate=rate)


def rate_of(optimizer: Spec) -> float | None:
    """Returns the rate of the first step, or the largest of a cycle, where it is a plain number."""
    rate = optimizer.parameters.get("learning_rate")
    if isinstance(rate, Spec):
        known = rate.parameters
        rate = known.get("initial_learning_rate", known.get("max_learning_rate"))
    return float(rate) if isinstance(rate, int | float) else None


def linear_hidden(model: Model) -> Iterator[Advice]:
    """A hidden layer without activation adds nothing to the next one."""
    skipped = traits.NORMALIZING | traits.DROPPING
    for index, layer, path in _hidden(model):
        found = activation_of(layer, path)
        after = [other.type for other in model.layers[index + 1 :]]
        follower = next((kind for kind in after if kind not in skipped), "")
        linear = found is not None and found[0] == traits.LINEAR
        if linear and follower in traits.HIDDEN | {"Flatten"}:
            where = layer_path(index, layer)
            yield advice((*path, "activation"), "linear_hidden", where=where)
            return


def saturating_hidden(model: Model) -> Iterator[Advice]:
    """Sigmoid and tanh let the gradient vanish in deep networks."""
    found = [activation_of(layer, path) for _, layer, path in _hidden(model)]
    for name, least in _SATURATING.items():
        paths = [each[1] for each in found if each is not None and each[0] == name]
        if len(paths) >= least:
            text = f"saturating_hidden{'.tanh' if name == 'tanh' else ''}"
            yield advice(paths[0], text, count=len(paths), name=name)


def _hidden(model: Model) -> list[tuple[int, Spec, Path]]:
    """Returns the layers with weights but for the last of them."""
    return [each for each in model.placed_layers if each[1].type in traits.HIDDEN][:-1]


def dropout_last(model: Model) -> Iterator[Advice]:
    """Dropout after the output layer destroys answers."""
    if model.layers[-1].type in traits.DROPPING:
        yield advice(("model", "layers", len(model.layers) - 1), "dropout_last")


def unused_mask(model: Model) -> Iterator[Advice]:
    """A mask that ends before a layer uses it changes nothing."""
    for index, layer, path in model.placed_layers:
        masks = layer.parameters.get("mask_zero") is True
        after = enumerate(model.layers[index + 1 :], index + 1)
        end = next((each for each in after if each[1].type not in traits.PASSES_MASK), None)
        if end is None or end[1].type in traits.USES_MASK:
            continue  # behind the last layer, the loss uses it
        words = {"where": layer_path(*end), "layer": end[1]}
        if masks:
            yield advice((*path, "mask_zero"), "unused_mask", write="false", **words)
        elif layer.type == "Masking":
            yield advice(path, "unused_mask", **words)


def missing_mask(data: Data, model: Model) -> Iterator[Advice]:
    """Padding that is not masked is computed with, as if a text went on."""
    found = looking_up(model.layers) if texts_of(data) else None
    if found is None or found[1].type != "Embedding" or found[1].parameters["mask_zero"]:
        return
    after = enumerate(model.layers[found[0] + 1 :], found[0] + 1)
    end = next((each for each in after if each[1].type not in traits.PASSES_MASK), None)
    if end is not None and end[1].type in traits.USES_MASK:
        words = {"where": layer_path(*end), "layer": end[1]}
        yield advice(("model", "layers", found[0], "mask_zero"), "missing_mask", **words)


def too_many_parameters(model: Model, training: Training, facts: Facts) -> Iterator[Advice]:
    """A network with far more weights than rows learns them by heart."""
    rows, shape, hidden = facts.probe.rows, facts.probe.input_shape, _hidden(model)
    inputs = facts.probe.inputs if shape is None else math.prod(size or 1 for size in shape)
    restrained = (
        any(layer.type in traits.DROPPING for layer in model.layers)
        or any(layer.parameters.get("kernel_regularizer") is not None for layer in model.layers)
        or any(callback.type == "EarlyStopping" for callback in training.callbacks)
    )
    if rows is None or inputs is None or rows < _FEW_ROWS or restrained or not hidden:
        return
    parameters = _dense_parameters(model, inputs)
    most = _MOST_PARAMETERS_PER_ROW * rows
    if parameters is None or parameters <= most:
        return
    _, layer, path = max(hidden, key=lambda each: each[1].whole_number("units") or 0)
    fitting = max(4, (layer.whole_number("units") or 0) * most // parameters // 4)
    fitting = 1 << (fitting.bit_length() - 1)  # the power of 2 below
    words = {"parameters": parameters, "rows": rows, "fitting": fitting}
    yield advice((*path, "units"), "too_many_parameters", **words)


def _dense_parameters(model: Model, inputs: int) -> int | None:
    """Returns the parameters of a stack of Dense layers; None for other networks."""
    total = 0
    for layer in model.layers:
        if layer.type == "Dense":
            units = layer.whole_number("units") or 0
            total += (inputs + bool(layer.parameters.get("use_bias", True))) * units
            inputs = units
        elif layer.type not in {"Flatten", "Activation", "Input", "ReLU", *traits.DROPPING}:
            return None
    return total


def batch_size(training: Training, facts: Facts) -> Iterator[Advice]:
    """A batch larger than the training part is the whole of it."""
    size, rows = training.batch_size, facts.probe.rows
    written = "batch_size" in training.written
    if written and size != "full" and rows is not None and size > rows:
        words = {"rows": plural(rows, "row"), "write": "full" if rows < 2 * _FEW_ROWS else "32"}
        yield advice(("training", "batch_size"), "batch_size", size=size, **words)


def no_validation(data: Data, facts: Facts) -> Iterator[Advice]:
    """Without a validation part, overfitting does not show."""
    rows = facts.probe.rows
    if not has_validation(data) and (rows is None or rows >= _FEW_ROWS):
        yield advice(("data", "split", "validation"), "no_validation")


def no_shuffle(training: Training) -> Iterator[Advice]:
    """Rows in the same order each epoch pull the weights in the same way each time."""
    meant = training.batch_size == "full" or training.loss.type == traits.PERCEPTRON
    if not training.shuffle and not meant:
        yield advice(("training", "shuffle"), "no_shuffle")


def one_epoch(training: Training) -> Iterator[Advice]:
    """One pass is seldom enough."""
    if training.epochs == 1:
        yield advice(("training", "epochs"), "one_epoch")


def no_metrics(data: Data, training: Training) -> Iterator[Advice]:
    """A classifier is judged by its accuracy; what gives its inputs back is none."""
    classifier = training.loss.type in traits.CLASSIFICATION | {traits.PERCEPTRON}
    if classifier and not training.metrics and not target_is_input(data):
        yield advice(("training", "metrics"), "no_metrics")


def no_accuracy(training: Training, output: Output) -> Iterator[Advice]:
    """A softmax classifier with other metrics lacks the one that people ask for."""
    classifier = training.loss.type in traits.CROSS_ENTROPIES - traits.BINARY
    judged = any(metric.type in traits.OF_DECISIONS for metric in training.metrics)
    if classifier and output.activation == "softmax" and training.metrics and not judged:
        names = ", ".join(snake_case(metric.type) for metric in training.metrics)
        yield advice(("training", "metrics"), "no_accuracy", names=names)


def imbalance(
    training: Training, evaluation: Evaluation, output: Output, facts: Facts
) -> Iterator[Advice]:
    """A rare class is never answered unless it counts more, or a smaller probability is enough.

    The threshold at the fraction of the second class decides as weights would, but leaves the
    probabilities what they are.
    """
    counts = {name: rows for name, rows in facts.probe.counts.items() if name}
    heeded = training.class_weight is not None or training.sampling == "balanced"
    if heeded or training.loss.type not in traits.CLASSIFICATION:
        return
    if not 2 <= len(counts) <= _MOST_CLASSES or sum(counts.values()) < _FEW_ROWS:
        return
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] >= _UNEVEN * counts[least]:
        words = {"most": most[:30], "least": least[:30], "counts": [counts[most], counts[least]]}
        if training.loss.type not in traits.BINARY or output.units != 1 or len(counts) != 2:
            yield advice(("training", "class_weight"), "imbalance", **words)
        elif evaluation.threshold == _EVEN:
            second = (facts.labels or tuple(sorted(counts)))[1]
            fraction = f"{counts.get(second, 0) / sum(counts.values()):.2g}"
            words |= {"second": second[:30], "fraction": fraction}
            yield advice(("evaluation", "threshold"), "imbalance.threshold", **words)


def callback_never_fires(model: Model, training: Training) -> Iterator[Advice]:
    """A patience as long as the training, or the longest phase that it is in, is no patience."""
    longest: dict[Path, tuple[int, Spec]] = {}
    for plan in phases_of(model, training):
        for index, callback in enumerate(plan.training.callbacks):
            path = (*plan.place("callbacks"), index, "patience")
            epochs = max(plan.training.epochs, longest.get(path, (0, callback))[0])
            longest[path] = epochs, callback
    for path, (epochs, callback) in longest.items():
        patience = callback.whole_number("patience")
        start = callback.whole_number("start_from_epoch") or 0
        stops = callback.type in ("EarlyStopping", "ReduceLROnPlateau")
        if stops and patience is not None and start + patience + 1 >= epochs:
            words = {"later": f" from epoch {start}" if start else "", "callback": callback}
            words |= {"epochs": plural(epochs, "epoch"), "fewer": max(1, epochs // 5)}
            yield advice(path, "callback_never_fires", patience=patience, **words)


def keep_best(training: Training) -> Iterator[Advice]:
    """Early stopping without the best weights keeps those that had begun to overfit."""
    for path, callback in placed_callbacks(training):
        kept = callback.parameters.get("restore_best_weights")
        if callback.type == "EarlyStopping" and not kept:
            yield advice((*path, "restore_best_weights"), "keep_best")
