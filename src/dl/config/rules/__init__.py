"""Rules across the fields of a config: one list of errors, and one of advice.

A rule is a function that names by its parameters what it looks at: sections of the config, its
`output`, or all `facts`. It is asked only where these are there and valid, and asked twice: with
what a config and a cheap look at its data tell, and again, when the data was read, with what is
then known. What can be known without Keras is checked without Keras.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from dl.config.rules import advice, data, metrics, network, training
from dl.config.rules.facts import Facts, facts_of
from dl.config.rules.texts import Advice
from dl.config.schema import OF_CONFIG
from dl.vocabulary.sections import UnknownValueError
from dl.vocabulary.spec import Finding

__all__ = ["ADVICE", "ERRORS", "Advice", "Facts", "advise", "check", "facts_of"]

Told = TypeVar("Told", Finding, Advice)

ERRORS: tuple[Callable[..., Iterable[Finding]], ...] = (
    data.names_are_listed_once,
    data.classes_are_several,
    data.target_is_not_a_feature,
    data.columns_are_features,
    data.missing_values_are_of_columns,
    data.arrays_come_in_pairs,
    data.words_are_of_texts,
    data.fractions_leave_rows_to_train,
    data.fold_is_one_of_the_folds,
    network.layer_names_differ,
    network.input_comes_first,
    network.a_layer_computes,
    network.input_shape_fits_data,
    network.numbers_can_be_looked_up,
    network.weights_fit_memory,
    network.softmax_is_over_several,
    network.activation_fits_loss,
    data.task_fits_loss,
    data.target_fits_loss,
    data.units_fit_target,
    data.target_is_not_scaled_for_classes,
    data.target_range_is_used,
    data.class_weight_names_classes,
    data.stratify_needs_classes,
    metrics.metrics_fit_target,
    training.metrics_differ,
    training.monitors_exist,
    training.modes_fit_monitors,
    training.schedule_is_the_only_rule,
    training.averaging_is_on,
    training.normal_equation_fits,
    training.devices_share_a_batch,
    training.store_is_one_of_mlflow,
)
"""Certain mistakes; what is merely doubtful is advice."""

ADVICE: tuple[Callable[..., Iterable[Advice]], ...] = tuple(
    getattr(advice, name.replace("-", "_")) for name in OF_CONFIG
)
"""What is allowed but doubtful, by the ids that switch it off in the config."""

ONLY_BEFORE: tuple[Callable[..., Any], ...] = (
    network.numbers_can_be_looked_up,
    network.softmax_is_over_several,
    network.activation_fits_loss,
    metrics.metrics_fit_target,
)
"""Rules that are not held against a run that exists: an earlier `dl` had trained it, and what it
has learned can be used. What cannot be measured or looked up is told where that is tried."""


def check(facts: Facts, *, trained: bool = False) -> list[Finding]:
    """Returns the mistakes in a config; or those in that of a run."""
    rules = [rule for rule in ERRORS if not (trained and rule in ONLY_BEFORE)]
    return [finding for rule in rules for finding in _told(rule, facts)]


def advise(facts: Facts) -> Iterator[Advice]:
    """Yields the advice on a config."""
    for rule in ADVICE:
        yield from _told(rule, facts)


def _told(rule: Callable[..., Iterable[Told]], facts: Facts) -> Iterator[Told]:
    code = rule.__code__
    # A value that is wrong ends a rule that asks for it; what it said before holds.
    with contextlib.suppress(UnknownValueError):
        known = {"facts": facts, "output": facts.output}
        names = code.co_varnames[: code.co_argcount]
        wanted = [known[n] if n in known else getattr(facts.config, n) for n in names]
        if not any(value is None for value in wanted):
            yield from rule(*wanted)
