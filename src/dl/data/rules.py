"""The rules on a config, asked again with what its data turned out to be, and advice on that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from dl.config import rules
from dl.config.data import ColumnKind
from dl.config.rules.advice import begins_with
from dl.config.rules.facts import LOSS, Advice, advice, right_loss
from dl.config.rules.metrics import measurable, misfits
from dl.config.rules.probe import Answer, Form, Probe, has_own
from dl.config.schema import Config, Evaluation
from dl.data.dataset import BEFORE_PLACES, Dataset, Preprocessing
from dl.data.features import TextFeature
from dl.data.target import Target, class_counts, decision, unscale
from dl.text import listing, percent, plural
from dl.vocabulary.names import metric_name
from dl.vocabulary.spec import Finding, Findings, Path, Spec
from dl.vocabulary.traits import REGRESSION, SCALING

_SMALLEST_DIVISOR = 1e-7
"""What Keras divides by at least in a percentage error."""
_ROUNDING = 1e-6
"""A scaled 0 may come back as this fraction of the spread."""
_FEW_VALIDATION_ROWS = 10
"""With fewer rows, one more right answer moves the accuracy by over 10 %."""
_FEW_ARRAYS = 1000
"""So many rows show the range of pixels; more of them would take time only."""
_LARGE_TARGET = 1000
"""So far from 0, thousands of steps of 0.001 or 0.01 pass before the outputs get there."""
_MANY_CUT = 0.5
"""Share of texts whose end the network does not see."""
_FEW_ROWS = 20
"""Of fewer rows, a target may have two values by chance."""


def refuse_misfits(
    config: Config,
    target: Target,
    dataset: Dataset | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
) -> None:
    """Asks all rules with what is known of the target, of all the data, or of the columns read.

    Raises:
        Findings: The config asks for what makes no sense for this data.
    """
    known = replace(_probe(target, dataset), kinds=kinds or {})
    if found := rules.check(rules.facts_of(config, known)):
        raise Findings(found)


def wrong_units(config: Config, target: Target, units: int, path: Path) -> Finding:
    """Returns that a model has other outputs than the target needs, of which that is known."""
    answer = _answer(target)
    facts = rules.facts_of(config, _probe(target))
    found = rules.answers.wrong_units(facts, answer.form, answer.units or 0, units, path)
    # The last layer may have no units: a Flatten behind a convolution.
    hint = f"end with {plural(answer.units or 0, 'unit')}"
    return replace(found, hint=hint) if found.path == path else found


def advice_for(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Yields the advice on a config and its data."""
    yield from rules.advise(rules.facts_of(config, _probe(dataset.target, dataset)))
    yield from advice_on_data(config, dataset)


def advice_on_data(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Yields the advice on the data alone."""
    yield from dataset.advice
    for rule in (
        few_validation_rows,
        missing_class,
        unscaled_inputs,
        unscaled_target,
        loss_for_classes,
        unused_threshold,
        texts_cut,
    ):
        yield from rule(config, dataset)


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
    # How many inputs are to come back is known when they are prepared.
    unknown = target.form == "numbers" and target.units is None
    found = Probe(
        target="numbers" if target.task == "regression" else "classes",
        classes=len(target.classes) or None,
        labels=target.classes or None,
        columns=None if target.places or unknown else len(target.names),
        task=target.task,
        answer=_answer(target),
    )
    if dataset is None:
        return found
    fitted = dataset.preprocessing
    found = replace(found, input_shape=fitted.input_shape, rows=len(dataset.train))
    texts = [item for item in fitted.columns if isinstance(item, TextFeature)]
    if texts and texts[0].output == "int":
        found = replace(found, tokens=texts[0].numbers)
    if target.form != "numbers":
        if target.form == "multilabel" or target.places:
            return found  # a row has several classes, or none
        counts = [class_counts(part, target) for part in dataset.parts.values()]
        rows = {name: sum(part[name] for part in counts) for name in target.classes}
        return replace(found, counts={name: count for name, count in rows.items() if count})
    if not isinstance(dataset.train.y, np.ndarray):
        return found  # inputs, on the disk
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
    # One class only is refused when the target is fitted: it says more than a number of units.
    units = None if form == "several" and count == 1 else target.units
    return Answer(form, count or None, units, bool(target.places))


def _rows(wrong: np.ndarray) -> str:
    """Returns words for how many rows have a value that is wrong; empty for none."""
    count = int(wrong.reshape(len(wrong), -1).any(axis=1).sum())
    return f"{count:,} of {len(wrong):,} training rows" if count else ""


def few_validation_rows(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """So few rows for validation that a single one moves what they measure."""
    part, split = dataset.validation, config.data.split
    meant = has_own(config.data, "validation") or split.folds or not split.validation
    if part is None or meant or len(part) >= _FEW_VALIDATION_ROWS:
        return
    if len(dataset.train) >= 2 * _FEW_VALIDATION_ROWS:
        whole = sum(map(len, dataset.parts.values()))
        enough = min(0.3, math.ceil(100 * 2 * _FEW_VALIDATION_ROWS / whole) / 100)
        words = {
            "rows": len(part),
            "whole": whole,
            "enough": enough,
            "step": percent(1 / len(part)),
        }
        yield advice(("data", "split", "validation"), "few_validation_rows", **words)


def missing_class(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """A class with so few rows that the parts could not be stratified, and one has none of it.

    Or a part that is smaller than there are classes.
    """
    if config.data.split.stratify is not None or config.data.source == "characters":
        return
    if dataset.target.task not in ("binary", "multiclass"):
        return
    counts = {part: class_counts(rows, dataset.target) for part, rows in dataset.parts.items()}
    classes, whole = dataset.target.classes, sum(map(len, dataset.parts.values()))
    for part in ("validation", "test"):
        lacking = [name for name in classes if not counts.get(part, {name: 1})[name]]
        own = has_own(config.data, part) or not getattr(config.data.split, part)
        if lacking and len(dataset.parts[part]) < len(classes) and not own:
            words = {
                "rows": plural(len(dataset.parts[part]), "row"),
                "classes": len(classes),
                "names": listing((f"`{name}`" for name in lacking), "and", most=3),
                "enough": min(0.3, math.ceil(200 * len(classes) / whole) / 100),
            }
            yield advice(("data", "split", part), "missing_class.small", **words)
            del counts[part]
    for name in classes:
        rows = sum(counted[name] for counted in counts.values())
        parts = " and the ".join(part for part, counted in counts.items() if not counted[name])
        if rows and parts:
            words = {"name": name, "rows": plural(rows, "row"), "parts": parts}
            yield advice(("data", "split", "stratify"), "missing_class", **words)


def unscaled_inputs(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Arrays of numbers that look like pixels, given to the network as they are."""
    preprocess = config.preprocess
    scaled = preprocess.scale is not None or preprocess.numeric not in (None, "none")
    if config.data.source != "npz" or scaled or begins_with(config.model, SCALING):
        return
    looked = np.asarray(dataset.train.x[:_FEW_ARRAYS])
    if looked.dtype.kind == "f" and looked.min() >= 0 and 100 < looked.max() <= 255:
        words = {"least": looked.min(), "most": looked.max()}
        yield advice(("preprocess", "scale"), "unscaled_inputs.array", **words)


def unscaled_target(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Large numbers to predict, from outputs that begin near 0."""
    training, y = config.training, dataset.train.y
    if config.preprocess.target != "none" or training.solver == "normal_equation":
        return
    if dataset.target.last is not None:  # the outputs are changes
        return
    if dataset.target.task != "regression" or training.loss.type not in REGRESSION:
        return
    if not isinstance(y, np.ndarray):  # inputs, on the disk
        return
    if dataset.target.scaling == "none" and np.abs(y).mean() >= _LARGE_TARGET:
        yield advice(("preprocess", "target"), "unscaled_target", least=y.min(), most=y.max())


def loss_for_classes(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Two numbers to predict are nearly always the numbers of two classes."""
    loss, y = config.training.loss, dataset.train.y
    stated = config.data.task is not None or dataset.target.task != "regression"
    if stated or len(y) < _FEW_ROWS or loss.type not in REGRESSION:
        return
    if not isinstance(y, np.ndarray) or y.size != len(y):
        return
    values = np.unique(unscale(y, dataset.target))
    if len(values) == 2:
        words = {"loss": loss, "low": values[0], "high": values[1], "right": right_loss(2)}
        yield advice(LOSS, "loss_for_classes.two_numbers", **words)


def unused_threshold(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """A threshold where the largest output decides, or where there is no probability to cut."""
    threshold, usual = config.evaluation.threshold, Evaluation().threshold
    if threshold != usual and not dataset.target.has_threshold:
        words = {"threshold": threshold, "usual": usual, "decision": decision(dataset.target)}
        yield advice(("evaluation", "threshold"), "unused_threshold", **words)


def texts_cut(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """A length that is less than that of most texts."""
    for feature in dataset.preprocessing.columns:
        if isinstance(feature, TextFeature) and feature.longer > _MANY_CUT:
            words = {"share": percent(feature.longer), "length": feature.length}
            path, twice = ("preprocess", "text", "length"), str(2 * feature.length)
            yield advice(path, "texts_cut", write=twice, name=feature.name, **words)
