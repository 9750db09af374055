"""Words and lines that the first configs of all sources share."""

from __future__ import annotations

import re
from pathlib import Path

from dl.init.facts import Target
from dl.init.plan import Plan
from dl.init.yaml_text import commented, shown_list
from dl.text import plural

_FEWEST_OF_CLASS = 3


def run_name(path: Path) -> str:
    """Returns a name for the runs: the file's stem, in characters that a folder may have."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")
    return name[:100] or "first"


def target_words(target: Target) -> str:
    """Returns what is predicted, for the comment at the top."""
    names = shown_list(target.names)
    if target.task == "regression":
        low, high = target.span
        kind = "a number" if len(target.names) == 1 else "numbers"
        return f"To predict: {names}, {kind} between {low:g} and {high:g}."
    if target.task == "multilabel":
        return f"To predict: {names}, yes or no for each of its own."
    if len(target.names) > 1:
        return f"To predict: which of {names} is 1."
    return f"To predict: {names}, one of {len(target.classes)}: {shown_list(target.classes, 10)}."


def split_lines(plan: Plan, target: Target, own_test: bool = False) -> list[str]:
    """Returns the line `split`, with a word on why."""
    if not plan.validation:
        few = "too few rows to hold any back: this learns them by heart"
        return [commented("  split: {validation: 0, test: 0}", few)]
    shares = f"validation: {plan.validation}"
    if not own_test:
        shares += f", test: {plan.test}"
    if target.task not in ("binary", "multiclass"):
        return [f"  split: {{{shares}}}"]
    if target.rarest < _FEWEST_OF_CLASS:
        few = f"a class has only {plural(target.rarest, 'row')}"
        return [commented(f"  split: {{{shares}, stratify: false}}", few)]
    return [commented(f"  split: {{{shares}, stratify: true}}", "the same mix of classes in each")]


def target_scaling(target: Target) -> list[str]:
    """Returns the line that scales a regression target; nothing for classes."""
    if target.task != "regression":
        return []
    why = "learns faster; metrics are in its own unit again"
    return [commented("  target: standardize", why)]
