"""What is certainly wrong in `training`, and in `engine`, `tracking`, `model.start` beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Literal

from dl.config.data import Data, TableFile, weight_of
from dl.config.phases import fixed_layers, layer_names, matching, phases_of
from dl.config.rules.facts import LOSS, Facts, Output, activation_of, finding
from dl.config.rules.probe import has_validation
from dl.config.schema import MODEL_FILES, Config, Engine, Model, Tracking, Training, schedule_of
from dl.errors import closest, did_you_mean
from dl.vocabulary import traits
from dl.vocabulary.names import metric_name, nearest_measured
from dl.vocabulary.sections import if_valid
from dl.vocabulary.spec import Finding, Kind, Path, Spec
from dl.vocabulary.traits import COUNTING, HIDDEN, LINEAR, REGRESSION, RISING, from_logits

_OF_STEPS = (
    *("optimizer", "batch_size", "epochs", "time_limit", "shuffle", "sampling"),
    *("class_weight", "output_bias", "mixing", "callbacks", "phases"),
)
"""Keys of `training` that have no meaning where no steps are taken."""
_PENALTIES = (
    *("kernel_regularizer", "bias_regularizer", "activity_regularizer"),
    *("kernel_constraint", "bias_constraint"),
)
_COLUMNS = ("epoch", "phase", "learning_rate", "seconds")
"""Columns of the history beside the loss and the metrics."""
_SERVERS = ("http", "https", "databricks")
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.-]*)(\+[A-Za-z0-9_]+)?:(?://)?(.*)", re.DOTALL)
_HOST = re.compile(r"[\w.-]+:\d+")


def metric_names(metrics: tuple[Spec, ...]) -> tuple[str, ...]:
    """Returns the names under which the metrics stand in the history, in their order."""
    return tuple(map(metric_name, metrics))


def measured(config: Config) -> tuple[str, ...]:
    """Returns the columns of the history that are a loss or a metric: of training, then `val_`."""
    names = ("loss", *metric_names(config.training.metrics))
    validated = names if has_validation(config.data) else ()
    return (*names, *(f"val_{name}" for name in validated))


def better(training: Training, name: str) -> Literal["min", "max"] | None:
    """Returns whether less or more of what is measured is better; None if it is not known."""
    name = name.removeprefix("val_")
    types = {metric_name(metric): metric.type for metric in training.metrics}
    kind = types.get(name, "")
    if kind in COUNTING:
        return None
    return "max" if kind in RISING else "min"


def metrics_differ(training: Training) -> Iterator[Finding]:
    """Every metric has a name of its own, which is not that of the loss."""
    seen = {"loss": "training.loss"}
    for index, name in enumerate(metric_names(training.metrics)):
        if name in seen:
            path = ("training", "metrics", index)
            yield finding(path, "metrics_differ", name=name, other=seen[name])
        seen.setdefault(name, f"training.metrics.{index}")


def metrics_are_columns(training: Training) -> Iterator[Finding]:
    """A metric takes no other column of the history: those of the epoch, and `val_` of another."""
    for index, name in enumerate(metric_names(training.metrics)):
        path = training.metrics[index].place(("training", "metrics", index), "name")
        if name in _COLUMNS:
            yield finding(path, "metrics_are_columns.taken", name=name)
        elif name.startswith("val_"):
            yield finding(path, "metrics_are_columns.validation", name=name)


def placed_callbacks(training: Training) -> Iterator[tuple[Path, Spec]]:
    """Yields the callbacks of the training and those of its phases, with their places."""
    lists: list[tuple[Path, tuple[Spec, ...]]] = [((), training.callbacks)]
    lists += [(("phases", i), phase.callbacks or ()) for i, phase in enumerate(training.phases)]
    for path, callbacks in lists:
        for index, callback in enumerate(callbacks):
            yield ("training", *path, "callbacks", index), callback


def _monitors(training: Training, parameter: str) -> Iterator[tuple[Path, Spec, str]]:
    """Yields the callbacks that watch something: the place of a parameter, and what they watch."""
    for path, callback in placed_callbacks(training):
        monitor = callback.parameters.get("monitor")
        if isinstance(monitor, str):
            yield callback.place(path, parameter), callback, monitor


def monitors_exist(training: Training, facts: Facts) -> Iterator[Finding]:
    """What a callback watches is measured."""
    names = tuple(dict.fromkeys(("loss", *metric_names(training.metrics))))
    # Where the data is wrong, more may be measured than can be told.
    validated = if_valid(lambda: has_validation(facts.config.data)) is not False
    for path, _, monitor in _monitors(training, "monitor"):
        base = monitor.removeprefix("val_")
        if base not in names:
            known = (*names, *(f"val_{name}" for name in names if validated))
            near = nearest_measured(monitor, known)
            hint = did_you_mean(near, "add the metric to training.metrics")
            yield finding(path, "monitors_exist.unknown", monitor=monitor, known=known, hint=hint)
        elif monitor != base and not validated:
            yield finding(path, "monitors_exist.not_validated", monitor=monitor, base=base)


def modes_fit_monitors(training: Training) -> Iterator[Finding]:
    """A callback looks for the largest of what should grow and the smallest of the rest."""
    for path, callback, monitor in _monitors(training, "mode"):
        mode, right = callback.parameters.get("mode"), better(training, monitor)
        if monitor.removeprefix("val_") not in ("loss", *metric_names(training.metrics)):
            continue
        if mode == "auto" and right is None:
            yield finding(path, "modes_fit_monitors.unclear", monitor=monitor, mode=mode)
        elif mode in ("min", "max") and right not in (None, mode):
            yield finding(path, f"modes_fit_monitors.{mode}", monitor=monitor, mode=mode)


def schedule_is_the_only_rule(model: Model, training: Training) -> Iterator[Finding]:
    """`ReduceLROnPlateau` cannot change a learning rate that follows a schedule."""
    for path, holds in _met_settings(model, training, "ReduceLROnPlateau"):
        if rate := schedule_of(holds):
            yield finding(path, "schedule_is_the_only_rule", rate=rate)


def averaging_is_on(model: Model, training: Training) -> Iterator[Finding]:
    """`SwapEMAWeights` needs an optimizer that averages the weights."""
    for path, holds in _met_settings(model, training, "SwapEMAWeights"):
        if holds.optimizer.parameters.get("use_ema") is not True:
            yield finding(path, "averaging_is_on")


def _met_settings(model: Model, training: Training, kind: str) -> Iterator[tuple[Path, Training]]:
    """Yields the places of callbacks of a kind with the settings of each phase that they are in."""
    for plan in phases_of(model, training):
        for index, callback in enumerate(plan.training.callbacks):
            if callback.type == kind:
                yield (*plan.place("callbacks"), index), plan.training


def normal_equation_fits(training: Training, facts: Facts) -> Iterator[Finding]:
    """The normal equation solves one linear Dense layer under the mean squared error, at once."""
    if training.solver != "normal_equation":
        return
    if training.loss.type != "MeanSquaredError":
        yield finding(LOSS, "normal_equation_fits.loss", loss=training.loss)
    default = Training(loss=training.loss)
    for key in _OF_STEPS:
        if key == "epochs" and training.phases:
            continue  # they are the phases'
        if getattr(training, key) != getattr(default, key):
            yield finding(("training", key), "normal_equation_fits.key", key=key)
    if facts.config.engine.precision != "float32":
        yield finding(("engine", "precision"), "normal_equation_fits.precision")
    yield from _more_than_one_dense(facts.config.model)


def _more_than_one_dense(model: Model) -> Iterator[Finding]:
    computing = [each for each in model.placed_layers if each[1].type not in ("Input", "Flatten")]
    if len(computing) != 1 or computing[0][1].type != "Dense":
        found = ", ".join(layer.type for _, layer, _ in computing) or "no Dense layer"
        yield finding(("model", "layers"), "normal_equation_fits.layers", found=found)
        return
    [(_, dense, path)] = computing
    activation = activation_of(dense, path)
    if activation is not None and activation[0] != LINEAR:
        yield finding(activation[1], "normal_equation_fits.activation", found=activation[0])
    for name in _PENALTIES:
        if dense.parameters.get(name) is not None:
            yield finding((*path, name), "normal_equation_fits.penalty", name=name)


def output_bias_follows_targets(
    training: Training, output: Output, facts: Facts
) -> Iterator[Finding]:
    """Shares of classes, or a mean, are an answer that a bias can give through the activation."""
    if training.output_bias != "targets":
        return
    rule, logits = "output_bias_follows_targets", from_logits(training.loss)
    own_index = output.units_path[2] if output.units_path else output.layer
    layer, path = facts.config.model.layers[int(own_index)], ("model", "layers", own_index)
    if layer.type not in HIDDEN or layer.parameters.get("use_bias") is False:
        yield finding(path, f"{rule}.layer", found=layer.type)
    elif getattr(layer.parameters.get("bias_initializer"), "type", "Zeros") != "Zeros":
        yield finding((*path, "bias_initializer"), f"{rule}.initializer")
    linear = output.activation == LINEAR and (logits or training.loss.type in REGRESSION)
    if output.activation not in ("sigmoid", "softmax") and not linear:
        loss = training.loss.type
        yield finding(output.activation_path, f"{rule}.activation", output=output, loss=loss)
    if training.sampling == "balanced":
        yield finding(("training", "output_bias"), f"{rule}.balanced")


def front_sees_rows_as_they_are(training: Training, engine: Engine) -> Iterator[Finding]:
    """What is changed anew in each step cannot go through a front once."""
    if engine.front == "once" and training.mixing.type != "none":
        yield finding(
            ("engine", "front"), "front_sees_rows_as_they_are", mixing=training.mixing.type
        )


def mixing_fits(training: Training, data: Data, facts: Facts) -> Iterator[Finding]:
    """Rows are mixed whose inputs and targets are numbers, and that count alike."""
    mixing, path = training.mixing, ("training", "mixing")
    if mixing.type == "none":
        if mixing.alpha is not None:
            yield finding((*path, "alpha"), "mixing_fits.none", found=f"{mixing.alpha:g}")
        return
    words = {"mixing": mixing, "loss": training.loss}
    if training.loss.type in traits.SPARSE:
        yield finding(LOSS, "mixing_fits.sparse", **words)
    elif training.loss.type in traits.TAKES_SIDES | traits.WITHOUT_ANSWER:
        yield finding(LOSS, "mixing_fits.loss", **words)
    for key, weighed in {"class_weight": training.class_weight, "weight": weight_of(data)}.items():
        if weighed is not None:
            where = ("training", key) if key == "class_weight" else ("data", key)
            yield finding(where, "mixing_fits.weights", key=key, **words)
    first = [layer.type for _, layer, _ in facts.config.model.placed_layers]
    tables = next((name for name in first if name in traits.LOOKING_UP), None)
    if tables is not None:
        yield finding((*path, "type"), "mixing_fits.tokens", layer=tables, **words)
    elif facts.probe.answer is not None and facts.probe.answer.places:
        yield finding((*path, "type"), "mixing_fits.places", **words)
    shape = facts.probe.input_shape
    flat = isinstance(data, TableFile) or (shape is not None and len(shape) != 3)
    if mixing.type == "cutmix" and flat:
        yield finding((*path, "type"), "mixing_fits.pictures", **words)


def devices_share_a_batch(engine: Engine, facts: Facts) -> Iterator[Finding]:
    """Devices share batches of a loss that is a mean over rows, in steps that are not compiled."""
    if engine.distribute == "none":
        return
    if engine.compile is True:
        yield finding(("engine", "compile"), "devices_share_a_batch.compile")
    if engine.front == "once":
        yield finding(("engine", "front"), "devices_share_a_batch.front")
    training = facts.config.training
    reduction = training.loss.parameters.get("reduction")
    if reduction not in (None, "sum_over_batch_size", "mean"):
        path = training.loss.place(LOSS, "reduction")
        yield finding(path, "devices_share_a_batch.reduction", reduction=reduction)
    if training.solver == "normal_equation":
        yield finding(("training", "solver"), "devices_share_a_batch.solver")
    for index, phase in enumerate(training.phases):
        if phase.batch_size is not None:
            path = ("training", "phases", index, "batch_size")
            yield finding(path, "devices_share_a_batch.phase")


def store_is_one_of_mlflow(tracking: Tracking) -> Iterator[Finding]:
    """MLflow opens servers and databases; folders of files no longer."""
    uri, known = tracking.mlflow.uri if tracking.mlflow else None, (*_SERVERS, *_DATABASES)
    match = _SCHEME.fullmatch(uri or "")
    scheme = match[1].lower() if match else ""
    whole = match is not None and scheme in known and match[3].strip("/")
    if uri is None or uri == "databricks" or whole:
        return
    hint = did_you_mean(closest(scheme, known), "for example sqlite:///mlflow.db")
    if scheme in known:
        server = f"{scheme}://localhost:5000"
        example = server if scheme in _SERVERS else f"{scheme}://user@host/mlflow"
        example = "sqlite:///mlflow.db" if scheme == "sqlite" else example
        hint = f"say which one, for example {example}"
    elif _HOST.match(uri):
        hint = f"of a server that is running: http://{uri}"
    elif scheme in ("", "file"):
        hint = "MLflow no longer writes to folders: write sqlite:///mlflow.db"
    yield finding(("tracking", "mlflow", "uri"), "store_is_one_of_mlflow", uri=uri, hint=hint)


# Phases, and where the weights begin


def phases_say_their_epochs(training: Training) -> Iterator[Finding]:
    """Where there are phases, each says how long it is."""
    if training.phases and "epochs" in training.written:
        last = len(training.phases) - 1
        yield finding(("training", "epochs"), "phases_say_their_epochs", last=last)


def phases_name_layers(model: Model, training: Training) -> Iterator[Finding]:
    """Every name in a phase is that of a layer, and every pattern means one."""
    for index, phase in enumerate(training.phases):
        path = ("training", "phases", index)
        if phase.freeze is not None and phase.train_only is not None:
            yield finding((*path, "train_only"), "phases_name_layers.both")
        for key, patterns in (("freeze", phase.freeze), ("train_only", phase.train_only)):
            yield from _unknown_layers(model, (*path, key), patterns, "phases_name_layers.unknown")
            for place, name in enumerate(patterns or ()):
                if name in fixed_layers(model):
                    where = (*path, key, place)
                    yield finding(where, "phases_name_layers.fixed", layer=name)


def _unknown_layers(
    model: Model, path: Path, patterns: tuple[str, ...] | None, text: str
) -> Iterator[Finding]:
    """Yields what is not the name of a layer, or a pattern of one, in a list of them."""
    names = layer_names(model)
    for index, pattern in enumerate(patterns or ()):
        if not matching(pattern, names):
            hint = did_you_mean(closest(pattern, names), "dl summary CONFIG shows the names")
            words = {"known": tuple(names), "pattern": pattern, "hint": hint}
            yield finding((*path, index), text, **words)


def phases_train_something(model: Model, training: Training) -> Iterator[Finding]:
    """A phase in which nothing can learn is a mistake."""
    if any(phases_name_layers(model, training)):
        return  # what learns is not known
    layers = [layer for layer in model.layers if layer.type != "Input"]
    named = zip(layer_names(model), layers, strict=True)
    learning = [name for name, layer in named if _may_learn(layer)]
    for plan in phases_of(model, training):
        if plan.phase is not None and learning and plan.frozen.issuperset(learning):
            key = "train_only" if plan.phase.freeze is None else "freeze"
            path = (*plan.path, key) if getattr(plan.phase, key) else plan.path
            yield finding(path, "phases_train_something", learning=tuple(learning))


def _may_learn(layer: Spec) -> bool:
    """Tells whether a layer has weights that training changes, as far as its settings tell."""
    return any(
        name.endswith("_initializer")
        or name == "weights"
        or (isinstance(value, Spec) and value.kind in (Kind.LAYER, Kind.CELL) and _may_learn(value))
        for name, value in layer.parameters.items()
    )


def phases_have_one_rate(training: Training) -> Iterator[Finding]:
    """The rate of a new optimizer stands in the optimizer."""
    for index, phase in enumerate(training.phases):
        path = ("training", "phases", index, "learning_rate")
        if phase.learning_rate is not None and phase.optimizer is not None:
            yield finding(path, "phases_have_one_rate", optimizer=phase.optimizer)


def start_names_layers(model: Model) -> Iterator[Finding]:
    """The layers that are to begin from something are layers."""
    if model.start is not None:
        path = ("model", "start", "layers")
        yield from _unknown_layers(model, path, model.start.layers, "start_names_layers")


def start_is_there(model: Model, facts: Facts) -> Iterator[Finding]:
    """A file to begin from is there; a training that goes on does not need it."""
    start = model.start
    if start is not None and facts.probe.task is None:  # the data was not read
        path = ("model", "start", "from")
        words = {"file": os.path.basename(start.from_)}
        if start.from_.endswith(MODEL_FILES):
            if not os.path.isfile(start.from_):
                yield finding(path, "start_is_there.file", **words)
        elif os.path.isabs(start.from_) and not os.path.isfile(f"{start.from_}/run.json"):
            yield finding(path, "start_is_there.run", **words)
