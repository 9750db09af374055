"""What is certainly wrong in `training`, and in `engine` and `tracking` beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from dl.config.rules.facts import Facts, activation_of, named_layers, place, spoken
from dl.config.rules.probe import has_validation
from dl.config.schema import Config, Engine, Model, Tracking, Training
from dl.errors import closest
from dl.text import listing
from dl.vocabulary.names import metric_name, nearest_measured
from dl.vocabulary.spec import Finding, Kind, Path, Spec
from dl.vocabulary.traits import COUNTING, LINEAR, RISING

_OF_STEPS = (
    *("optimizer", "batch_size", "epochs", "shuffle", "sampling"),
    *("class_weight", "callbacks"),
)
"""Keys of `training` that have no meaning where no steps are taken."""
_PENALTIES = (
    *("kernel_regularizer", "bias_regularizer", "activity_regularizer"),
    *("kernel_constraint", "bias_constraint"),
)
_NO_SOLVER = "or remove solver: gradient descent trains any network"
_NO_DEVICES = "or remove distribute"
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
            yield Finding(
                ("training", "metrics", index),
                f"has the same name as {seen[name]}",
                expected="a name of its own",
                found=repr(name),
                hint="remove one of them, or give it a `name`",
            )
        seen.setdefault(name, f"training.metrics.{index}")


def _monitors(training: Training) -> Iterator[tuple[Path, Spec, str]]:
    """Yields the callbacks that watch something, with their places and what they watch."""
    for index, callback in enumerate(training.callbacks):
        monitor = callback.parameters.get("monitor")
        if isinstance(monitor, str):
            yield ("training", "callbacks", index), callback, monitor


def monitors_exist(training: Training, facts: Facts) -> Iterator[Finding]:
    """What a callback watches is measured."""
    names = tuple(dict.fromkeys(("loss", *metric_names(training.metrics))))
    validated = facts.data is None or has_validation(facts.data)
    for path, callback, monitor in _monitors(training):
        path, base = place(path, callback, "monitor"), monitor.removeprefix("val_")
        if base not in names:
            known = [*names, *(f"val_{name}" for name in names if validated)]
            near = nearest_measured(monitor, known)
            yield Finding(
                path,
                "names nothing that is measured",
                expected=f"one of {listing(known, '', 12)}",
                found=repr(monitor),
                hint=f"did you mean {near}?" if near else "add the metric to training.metrics",
            )
        elif monitor != base and not validated:
            yield Finding(
                path,
                f"watches {monitor}, but there is no validation part",
                expected="a validation part, or what is measured on the training part",
                found=f"{monitor} with data.split.validation: 0",
                hint=f"set data.split.validation: 0.1, or write monitor: {base}",
            )


def modes_fit_monitors(training: Training) -> Iterator[Finding]:
    """A callback looks for the largest of what should grow and the smallest of the rest."""
    for path, callback, monitor in _monitors(training):
        mode, path = callback.parameters.get("mode"), place(path, callback, "mode")
        if monitor.removeprefix("val_") not in ("loss", *metric_names(training.metrics)):
            continue
        right = better(training, monitor)
        if mode == "auto" and right is None:
            message = f"must say whether {monitor} is better when it is larger or smaller"
            yield Finding(path, message, expected="min or max", found=repr(mode))
        elif right is not None and mode == {"min": "max", "max": "min"}[right]:
            size = "larger" if right == "max" else "smaller"
            yield Finding(
                path,
                f"looks for the worst: {monitor} is better when it is {size}",
                expected=right,
                found=repr(mode),
                hint="remove mode: Keras knows it",
            )


def schedule_is_the_only_rule(training: Training) -> Iterator[Finding]:
    """`ReduceLROnPlateau` cannot change a learning rate that follows a schedule."""
    rate = training.optimizer.parameters.get("learning_rate")
    if not isinstance(rate, Spec) or rate.kind is not Kind.SCHEDULE:
        return
    for index, callback in enumerate(training.callbacks):
        if callback.type == "ReduceLROnPlateau":
            yield Finding(
                ("training", "callbacks", index),
                "cannot change a learning rate that follows a schedule",
                expected="a number for training.optimizer.learning_rate",
                found=f"{rate.type} with ReduceLROnPlateau",
                hint="keep one of the two",
            )


def averaging_is_on(training: Training) -> Iterator[Finding]:
    """`SwapEMAWeights` needs an optimizer that averages the weights."""
    averages = training.optimizer.parameters.get("use_ema") is True
    for index, callback in enumerate(training.callbacks):
        if callback.type == "SwapEMAWeights" and not averages:
            yield Finding(
                ("training", "callbacks", index),
                "needs an optimizer that averages the weights",
                expected="use_ema: true in training.optimizer",
                found="use_ema: false",
            )


def normal_equation_fits(training: Training, facts: Facts) -> Iterator[Finding]:
    """The normal equation solves one linear Dense layer under the mean squared error, at once."""
    if training.solver != "normal_equation":
        return
    if training.loss.type != "MeanSquaredError":
        yield Finding(
            ("training", "loss"),
            "is not what the normal equation minimises",
            expected="mean_squared_error with solver: normal_equation",
            found=spoken(training.loss),
            hint=f"write loss: mean_squared_error, {_NO_SOLVER}",
        )
    default = Training(loss=training.loss)
    for key in _OF_STEPS:
        if getattr(training, key) != getattr(default, key):
            message = "has no meaning with solver: normal_equation, which takes no steps"
            hint = f"remove {key}, {_NO_SOLVER}"
            yield Finding(("training", key), message, hint=hint, at_key=True)
    if facts.model is not None:
        yield from _more_than_one_dense(facts.model)


def _more_than_one_dense(model: Model) -> Iterator[Finding]:
    computing = [each for each in named_layers(model) if each[1].type not in ("Input", "Flatten")]
    if len(computing) != 1 or computing[0][1].type != "Dense":
        yield Finding(
            ("model", "layers"),
            "are more than the normal equation can solve",
            expected="one Dense layer without activation with solver: normal_equation",
            found=", ".join(layer.type for _, layer, _ in computing) or "no Dense layer",
            hint=f"keep one Dense layer, {_NO_SOLVER}",
        )
        return
    [(_, dense, path)] = computing
    activation = activation_of(dense, path)
    if activation is not None and activation[0] != LINEAR:
        yield Finding(
            activation[1],
            "makes the outputs other than linear, which the normal equation cannot solve",
            expected="no activation with solver: normal_equation",
            found=activation[0],
            hint=f"remove activation, {_NO_SOLVER}",
        )
    for name in _PENALTIES:
        if dense.parameters.get(name) is not None:
            yield Finding(
                (*path, name),
                "is not a part of the normal equation",
                expected="null with solver: normal_equation",
                hint=f"remove {name}, {_NO_SOLVER}",
                at_key=True,
            )


def devices_share_a_batch(engine: Engine, facts: Facts) -> Iterator[Finding]:
    """Devices share batches of a loss that is a mean over rows, in steps that are not compiled."""
    training = facts.training
    if engine.distribute == "none":
        return
    if engine.compile is True:
        yield Finding(
            ("engine", "compile"),
            "cannot be had with distribute: mirrored: a compiled step cannot wait for other "
            "devices",
            expected="auto or false",
            found="true",
            hint=f"remove compile, {_NO_DEVICES}",
        )
    reduction = training.loss.parameters.get("reduction") if training else None
    if training and reduction not in (None, "sum_over_batch_size", "mean"):
        yield Finding(
            place(("training", "loss"), training.loss, "reduction"),
            "is not a mean over the rows of a batch, so devices cannot share it",
            expected="sum_over_batch_size with distribute: mirrored",
            found=str(reduction),
            hint=f"remove reduction, {_NO_DEVICES}",
        )
    if training and training.solver == "normal_equation":
        yield Finding(
            ("training", "solver"),
            "takes no steps that devices could share",
            expected="gradient_descent with distribute: mirrored",
            found=training.solver,
            hint=f"remove solver, {_NO_DEVICES}",
        )


def store_is_one_of_mlflow(tracking: Tracking) -> Iterator[Finding]:
    """MLflow opens servers and databases; folders of files no longer."""
    uri = tracking.mlflow.uri if tracking.mlflow else None
    if uri is None or uri == "databricks":
        return
    match, known = _SCHEME.fullmatch(uri), (*_SERVERS, *_DATABASES)
    scheme = match[1].lower() if match else ""
    if match and scheme in known and match[3].strip("/"):
        return
    near = closest(scheme, known)
    hint = f"did you mean {near}?" if near else "for example sqlite:///mlflow.db"
    if scheme in known:
        server = f"{scheme}://localhost:5000"
        example = server if scheme in _SERVERS else f"{scheme}://user@host/mlflow"
        hint = "sqlite:///mlflow.db" if scheme == "sqlite" else example
        hint = f"say which one, for example {hint}"
    elif _HOST.match(uri):
        hint = f"of a server that is running: http://{uri}"
    elif scheme in ("", "file"):
        hint = "MLflow no longer writes to folders: write sqlite:///mlflow.db"
    yield Finding(
        ("tracking", "mlflow", "uri"),
        "is not a store that MLflow can open",
        expected="http://…, https://…, or a database such as sqlite:///mlflow.db",
        found=uri,
        hint=hint,
    )
