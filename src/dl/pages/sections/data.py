"""The data at a glance: rows, classes, distributions, examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dl.pages.context import Context
from dl.text import number


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns what the training saw of the data; None where it kept nothing."""
    glance = context.facts.get("glance")
    if not glance:
        return None
    classes = glance["classes"]
    return {
        "rows": glance["rows"],
        "classes": classes,
        "class_names": list(next(iter(classes.values()))) if classes else [],
        "largest": max((n for part in classes.values() for n in part.values()), default=1) or 1,
        "targets": [_small(target) for target in glance["targets"]],
        "columns": [_small(column) for column in glance["columns"]],
        "more_columns": glance["more_columns"],
        "examples": context.facts.get("examples", []),
    }


def _small(column: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a distribution as heights from 0 to 1, with words for its ends."""
    most = max(column["counts"], default=0) or 1
    labels, numbers = column["labels"], column["kind"] == "numbers"
    return {
        "name": column["name"],
        "numbers": numbers,
        "heights": [count / most for count in column["counts"]],
        "bars": list(zip(labels, column["counts"], strict=False)),
        "low": number(labels[0]) if numbers else "",
        "high": number(labels[-1]) if numbers else "",
        "mean": None if column["mean"] is None else number(column["mean"]),
    }
