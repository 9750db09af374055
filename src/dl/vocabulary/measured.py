"""The names under which metrics are measured, and which of them mean the same.

A metric stands in the history as the user wrote it, `mae`, or under the name that Keras gives it;
whoever asks for it may call it by any of its names: `val_mean_absolute_error` is then `val_mae`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dl.errors import closest
from dl.vocabulary.catalog import find, names
from dl.vocabulary.spec import Kind, Spec
from dl.vocabulary.synonyms import other_word

_OF_PART = re.compile(r"(val_|(?:train|validation|test)\.)?(.*)", re.DOTALL)


def metric_name(metric: Spec) -> str:
    """Returns the name under which a metric stands in the history."""
    name = metric.parameters.get("name")
    if isinstance(name, str):
        return name
    entry = find(Kind.METRIC, metric.type)
    return (entry.default_name if entry else None) or metric.type


def called_here(name: str, known: Iterable[str], metrics: Iterable[Spec] = ()) -> str:
    """Returns the known name of what is measured that `name` is another name of, else `name`.

    Args:
        name: What the user wrote, perhaps with `val_` or, of a finished run, `test.` before it.
        known: What is measured.
        metrics: The metrics, where some may have names of the user's own.
    """
    listed = list(known)
    own = {metric_name(metric): metric.type for metric in metrics}
    wanted = _meaning(name, {})
    if name in listed or wanted is None:
        return name
    same = [other for other in listed if _meaning(other, own) == wanted]
    return same[0] if len(same) == 1 else name


def nearest_measured(name: str, known: Iterable[str]) -> str | None:
    """Returns what is measured and was most likely meant; None where `name` is another metric."""
    return None if _meaning(name, {}) else closest(name, known)


def _meaning(name: str, own: Mapping[str, str]) -> tuple[str, str] | None:
    """Returns the part of the data and the metric that a name means, if it means a metric."""
    match = _OF_PART.fullmatch(name)
    part, base = match.groups("") if match else ("", name)
    spelled = own.get(base, base)
    entry = find(Kind.METRIC, other_word(spelled, names(Kind.METRIC)) or spelled)
    return (part, entry.name) if entry else None
