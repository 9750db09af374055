"""How people read the names of metrics and losses: one spelling for each of them.

What a program reads (`--json`, CSV, `--filter`) has the names themselves.
"""

from __future__ import annotations

import functools
import re

from dl.vocabulary.catalog import Entry, find, names
from dl.vocabulary.names import snake_case
from dl.vocabulary.spec import Kind, other_word
from dl.vocabulary.traits import RISING

_OF_PART = re.compile(r"(?:(val_)|(train|validation|test)\.)?(.*?)(?:_(\d+))?", re.DOTALL)
_WORDS = {
    "acc": "accuracy",
    "auc": "AUC",
    "ctc": "CTC",
    "crossentropy": "cross-entropy",
    "cross entropy": "cross-entropy",
    "dice": "Dice",
    "f1": "F1",
    "fbeta": "F-beta",
    "huber": "Huber",
    "io u": "IoU",
    "kl": "KL",
    "log cosh": "log-cosh",
    "logcosh": "log-cosh",
    "pearson": "Pearson",
    "poisson": "Poisson",
    "r2 score": "R²",
    "root mean squared error": "RMSE",
    "top k": "top-k",
    "tversky": "Tversky",
}
_SPELLED = re.compile(rf"\b({'|'.join(sorted(_WORDS, key=len, reverse=True))})\b")
PARTS = {"val_": "validation", "train": "training"}


@functools.cache
def metric_of(name: str) -> Entry | None:
    """Returns the metric that a name in the metrics of a run means: `auc`, `mae`, `rmse`.

    None of a loss, and of a name of the user's own that no tool has for a metric.
    """
    word = other_word(name, names(Kind.METRIC))
    return find(Kind.METRIC, name) or (find(Kind.METRIC, word) if word else None)


def rises(name: str) -> bool:
    """Tells whether more of a metric is better: not of a loss, nor of a name of the user's own."""
    entry = metric_of(name)
    return entry is not None and entry.name in RISING


@functools.cache
def metric_label(name: str) -> str:
    """Returns a metric or a loss in words, whatever part it is of: `mean absolute error`, `AUC`.

    Args:
        name: As the history, the metrics or a config have it: `val_mae`, `test.auc_1`,
            `MeanSquaredError`. One of the user's own stays as it is, with blanks for underscores.
    """
    match = _OF_PART.fullmatch(name)
    base, count = (match[3], match[4]) if match and match[3] else (name, None)
    entry = metric_of(base) or find(Kind.LOSS, base)
    if entry is None and count:  # such as the user's own `top_5`
        base, count = f"{base}_{count}", None
    spelled = base if entry is None else entry.default_name or snake_case(entry.name)
    words = _SPELLED.sub(lambda found: _WORDS[found[0]], spelled.replace("_", " ").strip())
    return f"{words} {count}" if count else words or name


def column_label(name: str) -> str:
    """Returns a column of the history, or a metric of a part, in words: `validation loss`."""
    match = _OF_PART.fullmatch(name)
    part = (match[1] or match[2] or "") if match else ""
    return f"{PARTS.get(part, part)} {metric_label(name)}".strip()
