"""Rules across the fields of a config: one list of errors, and one of advice.

A rule is a function that names by its parameters what it looks at: sections of the config, its
`output`, or all `facts`. It is asked only where these are there and valid, and asked twice: with
what a config and a cheap look at its data tell, and again, when the data was read, with what is
then known. What can be known without Keras is checked without Keras.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dl.config.nodes import MapNode, ScalarNode, dotted, find, place
from dl.config.rules import (
    advice,
    answers,
    bases,
    data,
    metrics,
    network,
    preprocess,
    target,
    training,
)
from dl.config.rules.facts import Advice, Facts, facts_of
from dl.config.schema import OF_CONFIG
from dl.errors import Mark
from dl.vocabulary.sections import UnknownValueError
from dl.vocabulary.spec import Finding, Path

if TYPE_CHECKING:
    from dl.config.load import Loaded

__all__ = ["ADVICE", "ERRORS", "Advice", "Facts", "Note", "advise", "check", "facts_of", "placed"]

Told = TypeVar("Told", Finding, Advice)

ERRORS: tuple[Callable[..., Iterable[Finding]], ...] = (
    data.names_are_listed_once,
    data.classes_are_several,
    data.intensity_rises,
    data.merged_values_have_one_class,
    data.target_is_not_a_feature,
    data.excluded_columns_are_not_used,
    data.columns_are_features,
    data.forms_fit_kinds,
    data.missing_values_are_of_columns,
    data.text_can_be_read,
    data.arrays_come_in_pairs,
    data.files_are_listed,
    target.masks_are_named,
    target.mask_values_fit_classes,
    target.masks_fit_training,
    target.inputs_can_be_the_target,
    target.inputs_to_give_back_are_numbers,
    data.words_are_of_texts,
    data.fractions_leave_rows_to_train,
    data.fold_is_one_of_the_folds,
    data.split_keys_fit,
    data.windows_are_in_order,
    data.windows_lie_before_the_target,
    data.windows_have_columns,
    data.windows_are_no_duplicates,
    target.differences_have_last_values,
    data.outputs_fit_windows,
    network.layer_names_differ,
    network.input_comes_first,
    network.a_layer_computes,
    network.input_shape_fits_data,
    network.numbers_can_be_looked_up,
    network.weights_fit_memory,
    bases.bases_take_pictures,
    bases.weights_of_bases_exist,
    bases.tops_have_their_classes,
    network.pixels_stay_at_their_places,
    network.softmax_is_over_several,
    network.activation_fits_loss,
    answers.task_fits_loss,
    answers.target_fits_loss,
    answers.units_fit_target,
    answers.quantiles_are_of_one_number,
    preprocess.columns_are_of_a_table,
    preprocess.columns_are_prepared_by_kind,
    preprocess.column_rules_agree,
    preprocess.crosses_are_of_categories,
    preprocess.text_rules_are_used,
    preprocess.text_rules_agree,
    preprocess.tokens_fit_the_model,
    preprocess.tables_have_sizes,
    preprocess.target_is_not_scaled_for_classes,
    preprocess.target_range_is_used,
    answers.class_weight_names_classes,
    data.weight_is_apart,
    answers.weights_are_of_rows,
    answers.stratify_needs_classes,
    metrics.metrics_fit_target,
    training.metrics_differ,
    training.metrics_are_columns,
    training.monitors_exist,
    training.modes_fit_monitors,
    training.schedule_is_the_only_rule,
    training.averaging_is_on,
    training.normal_equation_fits,
    training.output_bias_follows_targets,
    training.phases_say_their_epochs,
    training.phases_name_layers,
    training.phases_train_something,
    training.phases_have_one_rate,
    training.mixing_fits,
    training.front_sees_rows_as_they_are,
    training.start_names_layers,
    training.start_is_there,
    training.devices_share_a_batch,
    training.store_is_one_of_mlflow,
)
"""Certain mistakes; what is merely doubtful is advice."""

ADVICE: tuple[Callable[..., Iterable[Advice]], ...] = tuple(
    getattr(bases if hasattr(bases, name) else advice, name)
    for name in (rule.replace("-", "_") for rule in OF_CONFIG)
)
"""What is allowed but doubtful, by the ids that switch it off in the config."""

ONLY_BEFORE: tuple[Callable[..., Any], ...] = (
    training.start_is_there,
    network.numbers_can_be_looked_up,
    network.softmax_is_over_several,
    network.activation_fits_loss,
    metrics.metrics_fit_target,
    training.metrics_are_columns,
    bases.weights_of_bases_exist,
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


@dataclass(frozen=True, slots=True)
class Note:
    """A piece of advice with its place in the user's file.

    Attributes:
        rule: Id of the rule.
        path: The dotted path.
        mark: The place of the value, or of the nearest thing around it.
        message: What is doubtful.
        why: The reason.
        mended: The line as it should be.
    """

    rule: str
    path: str
    mark: Mark
    message: str
    why: str
    mended: str


def placed(loaded: Loaded, found: Iterable[Advice]) -> list[Note]:
    """Returns advice with places and mended lines, top to bottom, without what is ignored."""
    notes = []
    for each in found:
        if each.rule not in loaded.config.lint.ignore:
            mark = place(loaded.root, each.path) if each.path else loaded.root.mark
            line = mended(loaded.root, each.path, each.write)
            notes.append(Note(each.rule, dotted(each.path), mark, each.message, each.why, line))
    return sorted(notes, key=lambda note: (note.mark.line or 0, note.mark.column or 0))


def mended(root: MapNode, path: Path, value: str | None) -> str:
    """Returns what to write: the line with the new value, or a new line and where to put it.

    Args:
        root: The tree of the config.
        path: Where the value stands, or would stand.
        value: The value as YAML; None to remove what stands there.
    """
    if value is None:
        return f"remove {dotted(path)}"
    depth = max(n for n in range(len(path) + 1) if find(root, path[:n]) is not None)
    above, rest = find(root, path[:depth]) or root, path[depth:]
    mark, text = above.mark, above.mark.text or ""
    if mark.line is None and mark.source.startswith("--set"):
        return f"--set {dotted(path)}={value}"
    start = (mark.column or 1) - 1
    end = start + mark.length
    span = text[start:end]
    on_one_line = span[:1] + span[-1:] in ("{}", "[]")
    for key in reversed(rest[1:]):
        value = f"{{{key}: {value}}}"
    written = f"{rest[0]}: {value}" if rest else f"{dotted(path)}: {value}"
    if not rest:
        new = value if on_one_line or isinstance(above, ScalarNode) else ""
    elif isinstance(above, ScalarNode) and isinstance(above.value, str):
        new = f"{{type: {above.value}, {written}}}"
    elif isinstance(above, MapNode) and on_one_line:
        new = f"{span[:-1].rstrip()}{', ' if above.entries else ''}{written}}}"
    else:
        return f"below {dotted(path[:depth])}: {written}" if depth else written
    if not text:  # of a dict of Python, there is no line
        return f"{dotted(path[:depth])}: {new}" if new else written
    return f"{text[:start]}{new}{text[end:]}".strip() if new else written
