"""The rules on a config, asked again with what its data turned out to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dl.config import rules
from dl.config.rules.metrics import measurable, misfits
from dl.config.rules.probe import Answer, Form, Probe
from dl.config.schema import Config
from dl.data.dataset import BEFORE_PLACES, Dataset, Preprocessing
from dl.data.targets.target import Target, class_counts, unscale
from dl.vocabulary.names import metric_name
from dl.vocabulary.spec import Finding, Findings, Spec

_SMALLEST_DIVISOR = 1e-7
"""What Keras divides by at least in a percentage error."""
_ROUNDING = 1e-6
"""A scaled 0 may come back as this fraction of the spread."""


def refuse_misfits(config: Config, target: Target, dataset: Dataset | None = None) -> None:
    """Asks all rules with what is known of the target, or of all the data.

    Raises:
        Findings: The config asks for what makes no sense for this data.
    """
    if found := rules.check(rules.facts_of(config, _probe(target, dataset))):
        raise Findings(found)


def advice_for(config: Config, dataset: Dataset) -> Iterator[rules.Advice]:
    """Yields the advice on a config and its data."""
    yield from rules.advise(rules.facts_of(config, _probe(dataset.target, dataset)))
    yield from dataset.advice


def without_misfits(config: Config, fitted: Preprocessing) -> tuple[Config, dict[str, Finding]]:
    """Returns the config of a run without the metrics that are refused now, and why, by name."""
    if fitted.schema == BEFORE_PLACES:
        config = _without_earlier_defaults(config, fitted.target)
    known = measurable(rules.facts_of(config, _probe(fitted.target)))
    metrics = config.training.metrics
    wrong = {int(found.path[2]): found for found in misfits(metrics, known)} if known else {}
    if not wrong:
        return config, {}
    kept = tuple(metric for place, metric in enumerate(metrics) if place not in wrong)
    left_out = {metric_name(metrics[place]): found for place, found in wrong.items()}
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
    training = replace(config.training, metrics=metrics)
    return replace(config, training=training)


def _probe(target: Target, dataset: Dataset | None = None) -> Probe:
    """Returns what is known of a target and, where they are given, of all the data."""
    found = Probe(
        target="numbers" if target.task == "regression" else "classes",
        classes=len(target.classes) or None,
        labels=target.classes or None,
        columns=None if target.places else len(target.names),
        task=target.task,
        answer=_answer(target),
    )
    if dataset is None:
        return found
    found = replace(
        found, input_shape=dataset.preprocessing.info.input_shape, rows=len(dataset.train)
    )
    if target.form != "numbers":
        counts = [class_counts(part.y, target) for part in dataset.parts.values()]
        rows = {name: sum(part[name] for part in counts) for name in target.classes}
        return replace(found, counts={} if target.form == "multilabel" else rows)
    numbers, spread = unscale(dataset.train.y, target), max(target.spread, default=0.0)
    return replace(
        found,
        near_zero=_rows(np.abs(numbers) < max(_SMALLEST_DIVISOR, _ROUNDING * spread)),
        below_zero=_rows(numbers < -_ROUNDING * spread),
    )


def _answer(target: Target) -> Answer:
    count = len(target.classes)
    form: Form = "two" if count == 2 else "several"
    if target.form == "numbers":
        count, form = target.units or 0, "number" if target.units == 1 else "numbers"
    elif target.form in ("single", "multilabel"):
        form = "one" if target.form == "single" else "labels"
    return Answer(form, count or None, target.units, bool(target.places))


def _rows(wrong: np.ndarray) -> str:
    """Returns words for how many rows have a value that is wrong; empty for none."""
    count = int(wrong.reshape(len(wrong), -1).any(axis=1).sum())
    return f"{count:,} of {len(wrong):,} training rows" if count else ""
