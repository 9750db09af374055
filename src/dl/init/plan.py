"""Chooses a network and a training for an amount of data, and writes YAML as a person would.

The numbers come from trials on small public tables and made-up ones: below a thousand rows small
batches and patience do best, with one hidden layer and dropout for classes, with two and little
dropout for numbers; larger tables bear wider layers and larger batches.
"""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dl.config.data import Task
from dl.init.examples import SCHEMA_LINE
from dl.text import cut, listing, plural

WIDTH = 96
_COMMENT_COLUMN = 34
_LONGEST_NAME = 40
_PLAIN = re.compile(r"(?:\.{0,2}/)*[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that some YAML reader takes for something else than text."""
FEWEST_ROWS_TO_SPLIT = 30
_FEWEST_OF_CLASS = 3
"""A rarer class cannot be in all three parts."""
_RARE = 0.2
"""A class is rare with less than a fifth of the rows that it would have if all had as many."""
_SMALLEST_POOLED = 8
"""Pixels of a side from which pooling goes on: less leaves the dense layer no shape to see."""
_MOST_POOLINGS = 3
"""Halvings of a picture of 64 pixels that end at `_SMALLEST_POOLED`."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be predicted.

    Attributes:
        names: The target columns; a single one for arrays and images.
        task: Kind of task.
        classes: Names of the classes; of the target columns for several labels; empty for
            regression.
        rarest: Number of rows of the rarest class; 0 for regression.
        second: Number of rows of the second of two classes; else 0.
        span: Smallest and largest value of a regression target.
        skewness: The third standardized moment of the numbers of a single target; else 0.
        words: The texts that stand for a missing value, with the number of rows of each, by column.
        missing: Number of rows without a target.
    """

    names: tuple[str, ...]
    task: Task
    classes: tuple[str, ...] = ()
    rarest: int = 0
    second: int = 0
    span: tuple[float, float] = (0.0, 0.0)
    skewness: float = 0.0
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to split, what network to build and how long to train.

    Attributes:
        validation: Fraction of the rows for validation; 0 where there are too few to hold any back.
        test: Fraction of the rows for the test.
        hidden: Units of the hidden layers; none for pictures, whose network is convolutional.
        dropout: Fraction of units that are hidden in each step.
        batch_size: Rows of a step.
        epochs: Most epochs.
        patience: Epochs without progress after which the training stops; 0 to never stop.
        plateau: Epochs without progress after which the learning rate falls; 0 to never fall.
    """

    validation: float
    test: float
    hidden: tuple[int, ...]
    dropout: float
    batch_size: int
    epochs: int
    patience: int
    plateau: int = 0


_TINY = (FEWEST_ROWS_TO_SPLIT, Plan(0, 0, (16,), 0, 4, 300, 0))
_SMALL = (1_000, Plan(0.15, 0.2, (64,), 0.3, 16, 300, 30))
_FEW_NUMBERS = (1_000, Plan(0.15, 0.2, (64, 64), 0.1, 16, 300, 30))
_LARGE = (200_000, Plan(0.1, 0.1, (256, 128), 0.2, 128, 150, 15, 5))
_HUGE = (math.inf, Plan(0.05, 0.05, (256, 128), 0.1, 1024, 60, 8, 3))
_CLASSES = (_TINY, _SMALL, (10_000, Plan(0.1, 0.2, (128, 64), 0.3, 32, 100, 15)), _LARGE, _HUGE)
_NUMBERS = (_TINY, _FEW_NUMBERS, (10_000, Plan(0.1, 0.2, (128,), 0.2, 32, 100, 15)), _LARGE, _HUGE)
_PICTURES = (
    _TINY,
    (1_000, Plan(0.15, 0.2, (), 0.5, 16, 60, 10)),
    (10_000, Plan(0.1, 0.2, (), 0.5, 32, 30, 5)),
    (math.inf, Plan(0.1, 0.1, (), 0.5, 64, 10, 3)),
)
"""Plans for fewer rows than the number before each."""


def plan(rows: int, task: Task, *, pictures: bool = False) -> Plan:
    """Returns the plan for so much data."""
    plans = _PICTURES if pictures else _NUMBERS if task == "regression" else _CLASSES
    return next(plan for most, plan in plans if rows < most)


def split_line(plan: Plan, target: Target, own_test: bool = False) -> str:
    """Returns the line `split`, with a word on why."""
    if not plan.validation:
        few = "too few rows to hold any back: this learns them by heart"
        return commented("  split: {validation: 0, test: 0}", few)
    parts = f"validation: {plan.validation}" + ("" if own_test else f", test: {plan.test}")
    if target.task not in ("binary", "multiclass"):
        return f"  split: {{{parts}}}"
    if target.rarest < _FEWEST_OF_CLASS:
        few = f"a class has only {plural(target.rarest, 'row')}"
        return commented(f"  split: {{{parts}, stratify: false}}", few)
    return commented(f"  split: {{{parts}, stratify: true}}", "the same mix of classes in each")


def dense_layers(plan: Plan, target: Target) -> list[str]:
    """Returns hidden Dense layers, with dropout behind each, and the output layer."""
    lines: list[str] = []
    why = f"hides {plan.dropout:.0%} of the units in each step, against overfitting"
    for place, units in enumerate(plan.hidden):
        lines.append(f"    - {{type: Dense, units: {units}, activation: relu}}")
        if plan.dropout:
            dropout = f"    - {{type: Dropout, rate: {plan.dropout}}}"
            lines.append(commented(dropout, "" if place else why))
    return [*lines, _output_layer(target)]


def image_layers(sides: Sequence[int], target: Target) -> list[str]:
    """Returns convolutions that halve a picture or volume while it is large, and the output."""
    lines: list[str] = []
    for place in range(_MOST_POOLINGS):
        filters = min(32 * 2**place, 128)
        kernel = "kernel_size: 3, padding: same, activation: relu"
        lines.append(f"    - {{type: Conv{len(sides)}D, filters: {filters}, {kernel}}}")
        lines.append(f"    - MaxPooling{len(sides)}D")
        sides = [side // 2 for side in sides]
        if min(sides) < _SMALLEST_POOLED:
            break
    return [*lines, "    - Flatten", "    - {type: Dropout, rate: 0.5}", _output_layer(target)]


_OUTPUTS = {
    "binary": (", activation: sigmoid", "the probability of {last}"),
    "multiclass": (", activation: softmax", "a probability for each class"),
    "multilabel": (", activation: sigmoid", "a separate probability for each target"),
    "regression": ("", "no activation: any number may come out"),
}
_TRAININGS = {
    "binary": ("binary_crossentropy", "accuracy, AUC"),
    "multiclass": ("sparse_categorical_crossentropy", "accuracy"),
    "multilabel": ("binary_crossentropy", "binary_accuracy"),
    "regression": ("mean_squared_error", "mean_absolute_error, RootMeanSquaredError"),
}


def _output_layer(target: Target) -> str:
    """Returns the last layer: the right number of units and activation for the task."""
    units = {"binary": 1, "regression": len(target.names)}.get(target.task, len(target.classes))
    activation, why = _OUTPUTS[target.task]
    last = shown(target.classes[-1]) if target.classes else ""
    return commented(f"    - {{type: Dense, units: {units}{activation}}}", why.format(last=last))


def training_lines(plan: Plan, target: Target, rows: int) -> list[str]:
    """Returns loss, optimizer, metrics, batches, epochs and early stopping."""
    loss, metrics = _TRAININGS[target.task]
    if target.task == "multiclass" and len(target.names) > 1:  # one-hot
        loss = "categorical_crossentropy"
    lines = [
        f"  loss: {loss}",
        "  optimizer: {type: adam, learning_rate: 1e-3}",
        f"  metrics: [{metrics}]",
        f"  batch_size: {plan.batch_size}",
    ]
    if not plan.patience:
        return [*lines, f"  epochs: {plan.epochs}"]
    limit = "at most: it stops when validation no longer improves"
    lines.append(commented(f"  epochs: {plan.epochs}", limit))
    if target.task == "multiclass" and _has_rare_class(target, rows):
        words = f"the rarest class has {target.rarest} rows; this makes it count as much"
        lines.append(commented("  # class_weight: balanced", words))
    stop = f"monitor: val_loss, patience: {plan.patience}, restore_best_weights: true"
    lines.append("  callbacks:")
    if plan.plateau:
        fall = f"monitor: val_loss, factor: 0.3, patience: {plan.plateau}"
        why = "smaller steps where larger ones gain no more"
        lines.append(commented(f"    - {{type: ReduceLROnPlateau, {fall}}}", why))
    return [*lines, f"    - {{type: EarlyStopping, {stop}}}"]


def evaluation_lines(target: Target, rows: int) -> list[str]:
    """Returns the offer of a threshold for a rare class of two; it leaves probabilities right."""
    if target.task != "binary" or not _has_rare_class(target, rows):
        return []
    words = f"the rarest class has {plural(target.rarest, 'row')}; cut there, it counts as much"
    return ["# evaluation:", commented(f"#   threshold: {target.second / rows:.2g}", words)]


def _has_rare_class(target: Target, rows: int) -> bool:
    return target.rarest < _RARE * rows / len(target.classes)


def scalar(text: str) -> str:
    """Returns the text as a YAML value: plain if every reader takes it for text, else quoted."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def commented(line: str, comment: str = "") -> str:
    """Returns the line with a comment behind it, in a column of its own where there is room."""
    return f"{line:<{_COMMENT_COLUMN - 2}}  # {comment}" if comment else line


TOKENS = 5_000
"""The commonest words: with twice as many, a classifier of 25,000 reviews gains nothing."""
PIXELS = commented("  scale: 255", "pixels between 0 and 1")
STANDARDIZED = commented(
    "  target: standardize", "learns faster; metrics are in its own unit again"
)
TEXT_LINES = [
    commented(
        f"  text: {{output: tf_idf, tokens: {TOKENS}, ngrams: 2}}",
        "for each common word or pair, how often and rare it is",
    )
]


def comment_lines(comment: str) -> list[str]:
    """Returns a comment in lines of its own, broken between words."""
    return textwrap.wrap(
        _printable(comment),
        WIDTH,
        initial_indent="  # ",
        subsequent_indent="  #     ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def path_line(path: Path, files: int = 1) -> str:
    """Returns the line of `data` that names a file, a folder, or several files."""
    told = [f"{files} files"] if files > 1 else []
    comment = ", ".join([*told, *([] if path.is_absolute() else ["relative to this file"])])
    return commented(f"  path: {scalar(str(path))}", comment)


def mapping_lines(key: str, values: Mapping[str, str], indent: int) -> list[str]:
    """Returns `key: {a: b, …}`, broken between its items where it is long."""
    items = ", ".join(f"{name}:\0{value}" for name, value in values.items())
    start = f"{' ' * indent}{key}: {{"
    lines = textwrap.wrap(
        f"{items}}}", WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
    )
    return [line.replace("\0", " ") for line in lines]


def scalar_list(key: str, values: Iterable[str], indent: int) -> list[str]:
    """Returns `key: [a, b, …]`, broken into several lines where it is long."""
    margin, items = " " * indent, [scalar(value) for value in values]
    whole = f"{margin}{key}: [{', '.join(items)}]"
    if len(whole) <= WIDTH:
        return [whole]
    rows = [""]
    for item in items:
        if rows[-1] and indent + 2 + len(rows[-1]) + len(item) + 1 > WIDTH:
            rows.append("")
        rows[-1] += f"{item}, "
    below = [f"{margin}  {row.rstrip()}" for row in rows]
    return [f"{margin}{key}: [", *below[:-1], below[-1].removesuffix(","), f"{margin}]"]


def shown(name: str) -> str:
    """Returns a name for a comment: short, on one line, whatever its characters."""
    return f"`{cut(_printable(name), _LONGEST_NAME)}`"


def shown_list(names: Iterable[str], most: int = 6) -> str:
    """Returns several names for a comment, the first few of them if they are many."""
    return listing(map(shown, names), "", most)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def config_text(path: Path, what: str, target: Target, rows: int, **sections: Sequence[str]) -> str:
    """Returns the whole config as YAML with comments.

    Args:
        path: The file or folder.
        what: What is in it, for the comment at the top.
        target: What is to be predicted.
        rows: Number of rows that have a target.
        sections: The indented lines of each section; one without any is left out.
    """
    stem = (path.resolve() if path.is_dir() else path).stem  # the folder may be `.`
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100]
    if target.task == "regression":
        sections["preprocess"] = [*sections["preprocess"], STANDARDIZED]
    blocks = [
        [
            SCHEMA_LINE,
            "# A first config, written by `dl init`. Change whatever you like.",
            "# Editors complete and check it beside its schema: dl schema > dl.schema.json",
            "#",
            f"# {shown(path.name)}: {what}.",
            f"# To predict: {_to_predict(target)}.",
        ],
        [f"name: {scalar(name or 'first')}", "seed: 42"],
        *([f"{section}:", *lines] for section, lines in sections.items() if lines),
        *([offer] if (offer := evaluation_lines(target, rows)) else []),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _to_predict(target: Target) -> str:
    names = shown_list(target.names)
    if target.task == "regression":
        kind = "a number" if len(target.names) == 1 else "numbers"
        return f"{names}, {kind} between {target.span[0]:g} and {target.span[1]:g}"
    if target.task == "multilabel":
        return f"{names}, yes or no for each separately"
    if len(target.names) > 1:
        return f"which of {names} is 1"
    return f"{names}, one of {len(target.classes)}: {shown_list(target.classes, 10)}"
