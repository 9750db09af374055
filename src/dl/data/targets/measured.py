"""Whether the metrics of a config measure what their names say, now that the target is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dl.config.rules.metrics import Measurable, misfits, values_of
from dl.config.rules.output import output_of
from dl.config.schema import Config
from dl.data.dataset import BEFORE_PLACES, Dataset, Preprocessing
from dl.data.targets.decode import unscale
from dl.data.targets.target import Target
from dl.data.types import Array
from dl.vocabulary.measured import metric_name
from dl.vocabulary.metric_forms import Form
from dl.vocabulary.spec import Finding, Findings, Spec

_SMALLEST_DIVISOR = 1e-7
"""What Keras divides by at least in a percentage error."""
_ROUNDING = 1e-6
"""A scaled 0 may come back as this share of the spread."""


def check_metrics(dataset: Dataset, config: Config) -> None:
    """Compares the metrics with the target and its training rows.

    Raises:
        Findings: A metric does not fit; at its place in the config.
    """
    target = dataset.target
    found = list(misfits(config.training.metrics, measurable_of(target, config)))
    if target.form == "numbers" and not found:
        numbers = unscale(dataset.train.y, target)
        found = list(_unfit_numbers(numbers, target, config))
    if found:
        raise Findings(found)


def without_misfits(config: Config, fitted: Preprocessing) -> tuple[Config, dict[str, Finding]]:
    """Returns the config of a run without the metrics that are refused now, and why, by name."""
    target = fitted.target
    if fitted.schema == BEFORE_PLACES:
        config = _without_earlier_defaults(config, target)
    training = config.training
    found = misfits(training.metrics, measurable_of(target, config))
    wrong = {int(finding.path[2]): finding for finding in found}
    if not wrong:
        return config, {}
    kept = tuple(metric for place, metric in enumerate(training.metrics) if place not in wrong)
    left_out = {metric_name(training.metrics[place]): wrong[place] for place in wrong}
    return _with_metrics(config, kept), left_out


def _without_earlier_defaults(config: Config, target: Target) -> Config:
    """Leaves out what stands in `resolved.yaml` although nobody had asked for it.

    The mean of the classes was that of the only output, and every threshold one of outputs.
    """
    defaults: dict[str, object] = {"threshold": 0.5}
    if target.form == "single":
        defaults["average"] = "macro"

    def asked(metric: Spec) -> Spec:
        given = metric.parameters
        unasked = [name for name, value in defaults.items() if given.get(name) == value]
        return replace(metric, parameters={**given, **dict.fromkeys(unasked)})

    return _with_metrics(config, tuple(map(asked, config.training.metrics)))


def _with_metrics(config: Config, metrics: tuple[Spec, ...]) -> Config:
    training = config.training.model_copy(update={"metrics": metrics})
    return config.model_copy(update={"training": training})


def measurable_of(target: Target, config: Config) -> Measurable:
    """Returns what there is to measure under a target."""
    end, loss = output_of(config.model), config.training.loss
    form, count = _form(target)
    return Measurable(form, count, values_of(loss, end.activation if end else ""), loss)


def _form(target: Target) -> tuple[Form, int | None]:
    if target.form == "numbers":
        return ("number" if target.units == 1 else "numbers"), target.units
    count = len(target.classes)
    if target.form == "single":
        return "one", 2
    if target.form == "multilabel":
        return "labels", count
    return ("two" if count == 2 else "several"), count


def _unfit_numbers(numbers: Array, target: Target, config: Config) -> Iterator[Finding]:
    spread = max(target.spread, default=0.0)
    near_zero = np.abs(numbers) < max(_SMALLEST_DIVISOR, _ROUNDING * spread)
    below_zero = numbers < -_ROUNDING * spread
    for index, metric in enumerate(config.training.metrics):
        path = ("training", "metrics", index)
        if metric.type == "MeanAbsolutePercentageError" and near_zero.any():
            yield Finding(
                path,
                "divides by the target, which is 0 in some rows",
                expected="a target without 0",
                found=_share(near_zero),
                hint="write MeanAbsoluteError",
            )
        if metric.type in ("MeanSquaredLogarithmicError", "Poisson") and below_zero.any():
            yield Finding(
                path,
                "is for numbers from 0 on, but some of the target are below",
                expected="a target from 0 on",
                found=_share(below_zero),
                hint="write MeanSquaredError",
            )


def _share(rows: Array) -> str:
    count = int(rows.reshape(len(rows), -1).any(axis=1).sum())
    return f"{count:,} of {len(rows):,} training rows"
