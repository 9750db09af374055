"""Rules on metrics and on the callbacks that watch them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dl.config.rules.partial import Facts
from dl.config.rules.words import place
from dl.config.schema import Config
from dl.config.sections.data import CsvData, Data, ImagesData, NpzData, ParquetData
from dl.text import listing
from dl.vocabulary.measured import metric_name, nearest_measured
from dl.vocabulary.spec import Finding, Path, Spec
from dl.vocabulary.traits import COUNTING, RISING


def has_validation(data: Data) -> bool:
    """Tells whether there will be a validation part."""
    if isinstance(data, CsvData | ParquetData | ImagesData) and data.validation_path is not None:
        return True
    if isinstance(data, NpzData) and data.arrays.x_validation is not None:
        return True
    return data.split.validation_share > 0


def metric_names(metrics: tuple[Spec, ...]) -> tuple[str, ...]:
    """Returns the names under which the metrics stand in the history, in their order."""
    return tuple(map(metric_name, metrics))


def measured(config: Config) -> tuple[str, ...]:
    """Returns the columns of the history that are a loss or a metric: of training, then `val_`."""
    names = ("loss", *metric_names(config.training.metrics))
    validated = names if has_validation(config.data) else ()
    return (*names, *(f"val_{name}" for name in validated))


def better(config: Config, name: str) -> Literal["min", "max"] | None:
    """Returns whether less or more of what is measured is better; None if it is not known."""
    name = name.removeprefix("val_")
    metrics = config.training.metrics
    types = {of: metric.type for of, metric in zip(metric_names(metrics), metrics, strict=True)}
    kind = types.get(name, "")
    if kind in COUNTING:
        return None
    return "max" if kind in RISING else "min"


def metrics_differ(facts: Facts) -> Iterator[Finding]:
    """Every metric has a name of its own, which is not that of the loss."""
    if facts.training is None:
        return
    seen = {"loss": "training.loss"}
    for index, name in enumerate(metric_names(facts.training.metrics)):
        path: Path = ("training", "metrics", index)
        if name in seen:
            yield Finding(
                path,
                f"has the same name as {seen[name]}",
                expected="a name of its own",
                found=repr(name),
                hint="remove one of them, or give it a `name`",
            )
        seen.setdefault(name, f"training.metrics.{index}")


def monitors_exist(facts: Facts) -> Iterator[Finding]:
    """What a callback watches is measured."""
    if facts.training is None:
        return
    names = tuple(dict.fromkeys(("loss", *metric_names(facts.training.metrics))))
    for index, callback in enumerate(facts.training.callbacks):
        monitor = callback.parameters.get("monitor")
        if not isinstance(monitor, str):
            continue
        path = place(("training", "callbacks", index), callback, "monitor")
        if monitor.removeprefix("val_") not in names:
            yield _unknown_monitor(path, callback, monitor, names, facts)
        elif monitor.startswith("val_") and facts.data and not has_validation(facts.data):
            yield _without_validation(path, callback, monitor)


def _unknown_monitor(
    path: Path, callback: Spec, monitor: str, names: tuple[str, ...], facts: Facts
) -> Finding:
    validated = facts.data is None or has_validation(facts.data)
    known = [*names, *(f"val_{name}" for name in names if validated)]
    near = nearest_measured(monitor, known)
    return Finding(
        path,
        "names nothing that is measured",
        expected=f"one of {listing(known, '', 12)}",
        found=repr(monitor),
        hint=f"did you mean {near}?" if near else "add the metric to training.metrics",
    )


def _without_validation(path: Path, callback: Spec, monitor: str) -> Finding:
    without = monitor.removeprefix("val_")
    return Finding(
        path,
        f"watches {monitor}, but there is no validation part",
        expected="a validation part, or what is measured on the training part",
        found=f"{monitor} with data.split.validation: 0",
        hint=f"set data.split.validation: 0.1, or write monitor: {without}",
    )


def modes_fit_monitors(facts: Facts) -> Iterator[Finding]:
    """A callback looks for the largest of what should grow and the smallest of the rest."""
    if facts.training is None:
        return
    metrics = facts.training.metrics
    by_name = dict(zip(metric_names(metrics), metrics, strict=True))
    for index, callback in enumerate(facts.training.callbacks):
        monitor, mode = callback.parameters.get("monitor"), callback.parameters.get("mode")
        if not isinstance(monitor, str) or mode is None:
            continue
        metric = by_name.get(monitor.removeprefix("val_"))
        path = place(("training", "callbacks", index), callback, "mode")
        if metric is None and monitor not in ("loss", "val_loss"):
            continue
        rising = metric is not None and metric.type in RISING
        unclear = metric is not None and metric.type in COUNTING
        if mode == "auto" and unclear:
            yield Finding(
                path,
                f"must say whether {monitor} is better when it is larger or smaller",
                expected="min or max",
                found=repr(mode),
            )
        elif mode == ("min" if rising else "max") and not unclear:
            better = "larger" if rising else "smaller"
            yield Finding(
                path,
                f"looks for the worst: {monitor} is better when it is {better}",
                expected="max" if rising else "min",
                found=repr(mode),
                hint="remove mode: Keras knows it",
            )
