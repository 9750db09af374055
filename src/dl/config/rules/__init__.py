"""Rules across the fields of a config: what can be known without Keras is checked without Keras.

A rule reports certain mistakes only; what is merely doubtful is none of its business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dl.config.peek import Peek, peek
from dl.config.rules import (
    activations,
    columns,
    devices,
    lookups,
    memory,
    metrics,
    monitors,
    network,
    optimizers,
    scaling,
    solver,
    targets,
    tracking,
    units,
)
from dl.config.rules.output import output_of
from dl.config.rules.partial import Facts, Partial
from dl.vocabulary.spec import Finding

__all__ = ["RULES", "Partial", "check"]

Rule = Callable[[Facts], Iterable[Finding]]

RULES: tuple[Rule, ...] = (
    columns.names_are_listed_once,
    columns.classes_are_several,
    columns.target_is_no_feature,
    columns.columns_are_features,
    columns.missing_values_are_of_columns,
    columns.arrays_come_in_pairs,
    columns.shares_leave_rows_to_train,
    columns.fold_is_one_of_the_folds,
    network.layer_names_differ,
    network.input_comes_first,
    network.only_input_is_no_network,
    network.input_shape_fits_data,
    lookups.numbers_can_be_looked_up,
    memory.weights_fit_memory,
    activations.activation_fits_loss,
    targets.task_fits_loss,
    targets.target_fits_loss,
    units.units_fit_target,
    targets.target_is_not_scaled_for_classes,
    scaling.target_range_is_used,
    targets.classes_weigh_only_classes,
    targets.stratify_needs_classes,
    metrics.metrics_fit_target,
    monitors.metrics_differ,
    monitors.monitors_exist,
    monitors.modes_fit_monitors,
    optimizers.steps_of_schedule_fit,
    optimizers.one_way_to_clip,
    optimizers.schedule_is_the_only_rule,
    optimizers.averaging_is_on,
    solver.normal_equation_fits,
    devices.devices_share_a_batch,
    tracking.store_is_one_of_mlflow,
)


ONLY_BEFORE: frozenset[Rule] = frozenset(
    {
        lookups.numbers_can_be_looked_up,
        activations.activation_fits_loss,
        metrics.metrics_fit_target,
    }
)
"""Rules that are not held against a run that exists: an earlier `dl` had trained it, and what it
has learned can be used. What cannot be measured or looked up is told where that is tried."""


def check(partial: Partial, *, trained: bool = False) -> list[Finding]:
    """Returns what all rules find in the valid sections of a config; or of that of a run."""
    facts = Facts(
        partial.data,
        partial.preprocess,
        partial.model,
        partial.training,
        partial.engine,
        partial.tracking,
        output_of(partial.model) if partial.model else None,
        peek(partial.data, partial.folder) if partial.data else Peek(),
    )
    rules = [rule for rule in RULES if not (trained and rule in ONLY_BEFORE)]
    return [finding for rule in rules for finding in rule(facts)]
