"""Advice: what is allowed but doubtful, as a first course on neural networks tells.

Advice may be wrong for a config that knows better; an error may not. What only the values of the
data tell is found by `dl.data.advice`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dl.config.data import BuiltinData, CsvData, Data, ImagesData, ParquetData
from dl.config.rules.facts import (
    Facts,
    Output,
    activation_of,
    layer_path,
    named_layers,
    right_loss,
    spoken,
    whole_number,
)
from dl.config.rules.probe import has_validation
from dl.config.schema import Model, Preprocess, Training
from dl.text import plural
from dl.vocabulary.spec import Kind, Path, Spec
from dl.vocabulary.traits import (
    BINARY,
    CLASSIFICATION,
    CROSS_ENTROPIES,
    DROPPING,
    HIDDEN,
    LINEAR,
    NORMALIZING,
    NOT_DRAWN,
    OF_DECISIONS,
    ONE_HOT,
    PASSES_MASK,
    PERCEPTRON,
    RATES,
    REGRESSION,
    SCALING,
    USES_MASK,
)

_LOSS: Path = ("training", "loss")
_RATE: Path = ("training", "optimizer", "learning_rate")
_BOUNDED = {"sigmoid": "from 0 to 1", "tanh": "from -1 to 1", "softmax": "that add up to 1"}
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
_UNEVEN = 5
"""So many times as many rows make a class rare beside another."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Something doubtful in a config.

    Attributes:
        path: Where it stands, or would stand.
        message: What is doubtful, in words that follow the path.
        why: The reason, as a whole sentence.
        value: What to write at the path, as YAML; None to remove it.
    """

    path: Path
    message: str
    why: str
    value: str | None


def output_activation(
    training: Training, preprocess: Preprocess, output: Output, facts: Facts
) -> Iterator[Advice]:
    """A number to predict needs an output that can reach it."""
    stated = facts.data is not None and facts.data.classes is not None
    classes = facts.task not in (None, "regression") or stated
    if training.loss.type not in REGRESSION or classes or facts.probe.target in ("classes", "text"):
        return
    if output.activation in _BOUNDED and preprocess.target in ("none", "standardize"):
        reach = _BOUNDED[output.activation]
        why = f"{output.activation} gives numbers {reach}: the network can predict no others."
    elif output.activation == "relu":
        why = "A ReLU output learns nothing from rows for which it gives 0, and may stay at 0."
    else:
        return
    message = f"limits the predicted number: {output.activation}"
    yield Advice(output.activation_path, message, why, LINEAR)


def output_units(training: Training, output: Output, facts: Facts) -> Iterator[Advice]:
    """Two classes need one sigmoid unit, not two of softmax."""
    if output.activation != "softmax" or output.units != 2 or facts.classes != 2:
        return
    if training.loss.type in CROSS_ENTROPIES:
        yield Advice(
            output.units_path[:-1],
            "gives two probabilities for two classes",
            "The second is 1 minus the first: one sigmoid unit with binary_crossentropy learns the "
            "same with half of the weights.",
            "{type: Dense, units: 1, activation: sigmoid}",
        )


def loss_for_classes(
    data: Data, training: Training, output: Output, facts: Facts
) -> Iterator[Advice]:
    """Squared errors teach a classifier slowly."""
    known = data.task in ("binary", "multiclass") or facts.probe.target == "classes"
    squashed = output.activation in ("sigmoid", "softmax")
    if training.loss.type in REGRESSION and known and squashed:
        yield Advice(
            _LOSS,
            f"is {spoken(training.loss)}, a loss for numbers, but the target holds classes",
            f"Where a {output.activation} output is surely wrong, the slope of the squared error "
            "is almost 0: the network learns least from its worst mistakes.",
            right_loss(2 if output.activation == "sigmoid" else output.units),
        )


def loss_encoding(training: Training, facts: Facts) -> Iterator[Advice]:
    """Class numbers go with the sparse loss."""
    loss, classes = training.loss, facts.probe.classes or 0
    one_column = facts.probe.columns in (None, 1) and facts.probe.target is not None
    if loss.type in ONE_HOT and one_column and classes >= _MANY_LABELS:
        yield Advice(
            _LOSS,
            f"is for one-hot labels, but the labels are {plural(classes, 'class')} in one column",
            "sparse_categorical_crossentropy is the same loss to the last digits, and a label "
            "takes one number instead of one for each class.",
            f"sparse_{spoken(loss)}" if loss.type == "CategoricalCrossentropy" else "crossentropy",
        )


def unscaled_inputs(data: Data, preprocess: Preprocess, model: Model) -> Iterator[Advice]:
    """Large inputs make large steps."""
    if begins_with(model, SCALING | {"Embedding"}):
        return
    table = isinstance(data, CsvData | ParquetData | BuiltinData)
    if table and preprocess.numeric == "none":
        yield Advice(
            ("preprocess", "numeric"),
            "is none: the columns keep their own units",
            "A column of large numbers drowns the others, and one learning rate cannot suit both.",
            "standardize",
        )
    elif isinstance(data, ImagesData) and preprocess.scale == 1:
        yield Advice(
            ("preprocess", "scale"),
            "is 1: pixels keep their values from 0 to 255",
            "Inputs far from 0 saturate the units and make the first steps much too large.",
            "255",
        )


def begins_with(model: Model, types: Iterable[str]) -> bool:
    """Tells whether the first layer that is not the input, if there is one, is of some types."""
    first = next((layer for layer in model.layers if layer.type != "Input"), None)
    return first is None or first.type in types


def learning_rate(training: Training) -> Iterator[Advice]:
    """Each optimizer has a range of rates that make sense."""
    optimizer, rate = training.optimizer, _rate(training.optimizer)
    if rate is None or optimizer.type not in RATES or training.loss.type == PERCEPTRON:
        return
    least, most, start = RATES[optimizer.type]
    why = ""
    if rate > most:
        why = "The steps are so large that the loss jumps about or leaves the numbers."
    elif rate < least:
        why = "The steps are so small that the loss hardly falls within the epochs."
    if why:
        message = f"is {rate:g}, outside of {least:g} to {most:g}, the range for {optimizer.type}"
        yield Advice(_RATE, message, why, f"{start:g}")


def slow_sgd(training: Training) -> Iterator[Advice]:
    """Plain SGD with a tiny rate hardly moves."""
    optimizer, rate = training.optimizer, _rate(training.optimizer)
    if optimizer.type != "SGD" or rate is None or optimizer.parameters.get("momentum"):
        return
    if training.loss.type != PERCEPTRON and RATES["SGD"][0] <= rate < _SLOW_SGD:
        yield Advice(
            ("training", "optimizer", "momentum"),
            f"is 0 with a learning rate of {rate:g}",
            "Plain SGD with so small a rate needs very many epochs; momentum adds up steps of the "
            "same direction, tenfold at 0.9.",
            "0.9",
        )


def _rate(optimizer: Spec) -> float | None:
    """Returns the rate of the first step, where it is a plain number."""
    rate = optimizer.parameters.get("learning_rate")
    if isinstance(rate, Spec):
        rate = rate.parameters.get("initial_learning_rate")
    return float(rate) if isinstance(rate, int | float) else None


def linear_hidden(model: Model) -> Iterator[Advice]:
    """A hidden layer without activation adds nothing to the next one."""
    for index, layer, path in _hidden(model):
        found = activation_of(layer, path)
        after = [other.type for other in model.layers[index + 1 :]]
        follower = next((kind for kind in after if kind not in NORMALIZING | DROPPING), "")
        if found is not None and found[0] == LINEAR and follower in HIDDEN | {"Flatten"}:
            yield Advice(
                (*path, "activation"),
                f"is missing: {layer_path(index, layer)} is linear",
                "Two linear layers in a row can learn no more than one: what lies between them "
                "must not be linear.",
                "relu",
            )
            return


def saturating_hidden(model: Model) -> Iterator[Advice]:
    """Sigmoid and tanh let the gradient vanish in deep networks."""
    places: dict[str, list[Path]] = {}
    for _, layer, path in _hidden(model):
        found = activation_of(layer, path)
        if found is not None and found[0] in _SATURATING:
            places.setdefault(found[0], []).append(found[1])
    for name, paths in places.items():
        if len(paths) >= _SATURATING[name]:
            yield Advice(
                paths[0],
                f"is one of {len(paths)} hidden layers with {name}",
                f"The slope of {name} is small where its input is large"
                f"{'' if name == 'tanh' else ', and at most 0.25'}: layer by layer the gradient "
                "vanishes, and the first layers hardly learn.",
                "relu",
            )


def _hidden(model: Model) -> list[tuple[int, Spec, Path]]:
    """Returns the layers with weights but for the last of them."""
    return [each for each in named_layers(model) if each[1].type in HIDDEN][:-1]


def frozen_random(model: Model) -> Iterator[Advice]:
    """A layer that is not trained keeps the random weights that it begins with."""
    for _, layer, path in named_layers(model):
        inner = layer.parameters.get("layer")
        nested = [((*path, "layer"), inner)] if isinstance(inner, Spec) else []
        for where, spec in [(path, layer), *nested]:
            if spec.parameters.get("trainable") is False and _begins_random(spec):
                yield Advice(
                    (*where, "trainable"),
                    "is false: the layer keeps the random weights that it begins with",
                    "Nothing else fills its weights, so what it makes of its input is random and "
                    "stays so. To freeze is for layers that were trained before.",
                    "true",
                )


def _begins_random(layer: Spec) -> bool:
    """Tells whether a layer, or one inside of it, draws its first weights."""
    return any(
        (name.endswith("_initializer") and value.type not in NOT_DRAWN)
        or (value.kind in (Kind.LAYER, Kind.CELL) and _begins_random(value))
        for name, value in layer.parameters.items()
        if isinstance(value, Spec)
    )


def dropout_last(model: Model) -> Iterator[Advice]:
    """Dropout after the output layer destroys answers."""
    if model.layers[-1].type in DROPPING:
        yield Advice(
            ("model", "layers", len(model.layers) - 1),
            "drops outputs of the network",
            "While it trains, answers are set to 0 at random, and the loss of those rows teaches "
            "nothing. Dropout belongs between hidden layers.",
            None,
        )


def unused_mask(model: Model) -> Iterator[Advice]:
    """A mask that ends before a layer uses it changes nothing."""
    for index, layer, path in named_layers(model):
        masks = layer.parameters.get("mask_zero") is True
        after = enumerate(model.layers[index + 1 :], index + 1)
        end = next((each for each in after if each[1].type not in PASSES_MASK), None)
        # Behind the last layer, the loss uses it.
        if not (masks or layer.type == "Masking") or end is None or end[1].type in USES_MASK:
            continue
        yield Advice(
            (*path, "mask_zero") if masks else path,
            f"makes a mask that no layer uses: it ends at {layer_path(*end)} ({end[1].type})",
            f"{end[1].type} knows no mask, so padding counts as data from there on. Recurrent "
            "layers and GlobalAveragePooling1D skip masked steps.",
            "false" if masks else None,
        )


def too_many_parameters(model: Model, training: Training, facts: Facts) -> Iterator[Advice]:
    """A network with far more weights than rows learns them by heart."""
    rows, shape, hidden = facts.probe.rows, facts.probe.input_shape, _hidden(model)
    inputs = facts.probe.inputs if shape is None else math.prod(size or 1 for size in shape)
    restrained = (
        any(layer.type in DROPPING for layer in model.layers)
        or any(layer.parameters.get("kernel_regularizer") is not None for layer in model.layers)
        or any(callback.type == "EarlyStopping" for callback in training.callbacks)
    )
    if rows is None or inputs is None or rows < _FEW_ROWS or restrained or not hidden:
        return
    parameters = _dense_parameters(model, inputs)
    most = _MOST_PARAMETERS_PER_ROW * rows
    if parameters is None or parameters <= most:
        return
    _, layer, path = max(hidden, key=lambda each: whole_number(each[1], "units") or 0)
    fitting = max(4, (whole_number(layer, "units") or 0) * most // parameters // 4)
    yield Advice(
        (*path, "units"),
        f"makes a network of {parameters:,} parameters for about {rows:,} training rows",
        "So many weights can learn the rows by heart instead of a rule. Fewer units, Dropout, a "
        "regularizer or EarlyStopping hold it back.",
        str(1 << (fitting.bit_length() - 1)),
    )


def _dense_parameters(model: Model, inputs: int) -> int | None:
    """Returns the parameters of a stack of Dense layers; None for other networks."""
    total = 0
    for layer in model.layers:
        if layer.type == "Dense":
            units = whole_number(layer, "units") or 0
            total += (inputs + bool(layer.parameters.get("use_bias", True))) * units
            inputs = units
        elif layer.type not in {"Flatten", "Activation", "Input", "ReLU", *DROPPING}:
            return None
    return total


def batch_size(training: Training, facts: Facts) -> Iterator[Advice]:
    """A batch larger than the training part is the whole of it."""
    size, rows = training.batch_size, facts.probe.rows
    if size == "full" or rows is None or size <= rows:
        return
    if "batch_size" in training.written:
        yield Advice(
            ("training", "batch_size"),
            f"is {size:,}, more than the {plural(rows, 'row')} that are trained on",
            "Each epoch is then a single step, on all rows: plain gradient descent. Say so, or "
            "take smaller batches, which give more steps an epoch.",
            "full" if rows < 2 * _FEW_ROWS else "32",
        )


def no_validation(data: Data, facts: Facts) -> Iterator[Advice]:
    """Without a validation part, overfitting does not show."""
    rows = facts.probe.rows
    if not has_validation(data) and (rows is None or rows >= _FEW_ROWS):
        yield Advice(
            ("data", "split", "validation"),
            "is 0: there is no validation part",
            "The training loss falls even while the network learns rows by heart; only rows that "
            "it does not train on show that.",
            "0.1",
        )


def no_shuffle(training: Training) -> Iterator[Advice]:
    """Rows in the same order each epoch pull the weights in the same way each time."""
    if training.shuffle or training.batch_size == "full" or training.loss.type == PERCEPTRON:
        return
    yield Advice(
        ("training", "shuffle"),
        "is false: each epoch takes the rows in the same order",
        "Where the file is sorted, a batch holds rows of one kind, and the last batches of each "
        "epoch count most.",
        "true",
    )


def one_epoch(training: Training) -> Iterator[Advice]:
    """One pass is seldom enough."""
    if training.epochs == 1:
        yield Advice(
            ("training", "epochs"),
            "is 1: each row is seen once",
            "A learning curve needs several epochs to show whether the network still learns.",
            "10",
        )


def no_metrics(training: Training) -> Iterator[Advice]:
    """A classifier is judged by its accuracy."""
    if training.loss.type in CLASSIFICATION | {PERCEPTRON} and not training.metrics:
        yield Advice(
            ("training", "metrics"),
            "is empty: only the loss is measured",
            "A cross-entropy says little to a reader; the share of rows that are right does.",
            "[accuracy]",
        )


def no_accuracy(training: Training, output: Output) -> Iterator[Advice]:
    """A softmax classifier with other metrics lacks the one that people ask for."""
    metrics = training.metrics
    if output.activation != "softmax" or training.loss.type not in CROSS_ENTROPIES - BINARY:
        return
    if metrics and not any(metric.type in OF_DECISIONS for metric in metrics):
        yield Advice(
            ("training", "metrics"),
            "measures no accuracy of a softmax classifier",
            "The share of rows that are right is what classifiers are compared by.",
            f"[accuracy, {', '.join(map(spoken, metrics))}]",
        )


def imbalance(training: Training, facts: Facts) -> Iterator[Advice]:
    """A rare class is ignored unless it counts more."""
    counts = {name: rows for name, rows in facts.probe.counts.items() if name}
    if training.class_weight is not None or training.loss.type not in CLASSIFICATION:
        return
    if not 2 <= len(counts) <= _MOST_CLASSES or sum(counts.values()) < _FEW_ROWS:
        return
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] >= _UNEVEN * counts[least]:
        yield Advice(
            ("training", "class_weight"),
            f"is missing: {counts[most]:,} rows are {most[:30]!r}, only {counts[least]:,} are "
            f"{least[:30]!r}",
            "A network that always answers the frequent class is right most of the time; weights "
            "make rows of the rare class count more.",
            "balanced",
        )


def callback_never_fires(training: Training) -> Iterator[Advice]:
    """A patience as long as the training is no patience."""
    for index, callback in enumerate(training.callbacks):
        if callback.type not in ("EarlyStopping", "ReduceLROnPlateau"):
            continue
        patience = whole_number(callback, "patience")
        start = callback.parameters.get("start_from_epoch") or 0
        if patience is None or not isinstance(start, int):
            continue
        if start + patience + 1 >= training.epochs:
            later = f" from epoch {start}" if start else ""
            yield Advice(
                ("training", "callbacks", index, "patience"),
                f"is {patience}{later} in a training of {plural(training.epochs, 'epoch')}: "
                f"{callback.type} cannot act",
                "It acts after so many epochs without improvement; the training ends first.",
                str(max(1, training.epochs // 5)),
            )


def keep_best(training: Training) -> Iterator[Advice]:
    """Early stopping without the best weights keeps those that had begun to overfit."""
    for index, callback in enumerate(training.callbacks):
        kept = callback.parameters.get("restore_best_weights")
        if callback.type == "EarlyStopping" and not kept:
            yield Advice(
                ("training", "callbacks", index, "restore_best_weights"),
                "is false: the weights of the last epoch are kept",
                "When it stops, the network has got worse for `patience` epochs; the best weights "
                "are those before.",
                "true",
            )
