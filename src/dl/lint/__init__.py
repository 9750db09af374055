"""Advice on configs: what is allowed but doubtful, as a first course on neural networks tells.

What is certainly wrong is an error of `dl.config.rules`. Light: neither Keras nor the data is
loaded; a look at the data is cheap and bounded. What is doubtful in data that was read is found by
`dl.data.advice`, and gets its place here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dl.config.load import Loaded
from dl.config.nodes import dotted, place
from dl.config.peek import peek
from dl.config.rules.output import output_of
from dl.config.schema import Config
from dl.errors import Mark
from dl.lint import data, masks, network, training
from dl.lint.advice import Advice, Case
from dl.lint.counts import counts_of
from dl.lint.mend import mended

__all__ = ["RULES", "Advice", "Note", "Rule", "check", "placed"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; its id switches it off in the config."""

    id: str
    check: Callable[[Case], Iterable[Advice]]


RULES: tuple[Rule, ...] = (
    Rule("output-activation", network.output_activation),
    Rule("output-units", network.output_units),
    Rule("loss-for-classes", data.loss_for_classes),
    Rule("loss-encoding", network.loss_encoding),
    Rule("unscaled-inputs", data.unscaled_inputs),
    Rule("learning-rate", training.learning_rate),
    Rule("slow-sgd", training.slow_sgd),
    Rule("linear-hidden", network.linear_hidden),
    Rule("saturating-hidden", network.saturating_hidden),
    Rule("frozen-random", network.frozen_random),
    Rule("dropout-last", network.dropout_last),
    Rule("unused-mask", masks.unused_mask),
    Rule("too-many-parameters", network.too_many_parameters),
    Rule("batch-size", training.batch_size),
    Rule("no-validation", data.no_validation),
    Rule("no-shuffle", training.no_shuffle),
    Rule("one-epoch", training.one_epoch),
    Rule("no-metrics", training.no_metrics),
    Rule("no-accuracy", training.no_accuracy),
    Rule("imbalance", data.imbalance),
    Rule("callback-never-fires", training.callback_never_fires),
    Rule("keep-best", training.keep_best),
)


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


def check(config: Config) -> list[tuple[str, Advice]]:
    """Returns the advice on a config with the ids of the rules."""
    case = Case(config, output_of(config.model), peek(config.data, Path()), counts_of(config.data))
    return [(rule.id, advice) for rule in RULES for advice in rule.check(case)]


def placed(loaded: Loaded, found: Iterable[tuple[str, Advice]]) -> list[Note]:
    """Returns advice with places and mended lines, top to bottom, without what is ignored."""
    wanted = [
        _note(rule, advice, loaded)
        for rule, advice in found
        if rule not in loaded.config.lint.ignore
    ]
    return sorted(wanted, key=lambda note: (note.mark.line or 0, note.mark.column or 0))


def _note(rule: str, advice: Advice, loaded: Loaded) -> Note:
    mark = place(loaded.root, advice.path) if advice.path else loaded.root.mark
    line = mended(loaded.root, advice.path, advice.value)
    return Note(rule, dotted(advice.path), mark, advice.message, advice.why, line)
