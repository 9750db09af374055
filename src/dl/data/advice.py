"""Advice on data that was read: columns that tell nothing or too much, and values that stand in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from dl.config.data import CsvData, ParquetData
from dl.config.emit import flow
from dl.config.rules.advice import Advice
from dl.config.rules.facts import right_loss, spoken
from dl.config.schema import Config, Evaluation
from dl.config.tables import stands_for_missing
from dl.data.dataset import Dataset
from dl.data.doubts import Doubt, are_months, are_pixels, doubt
from dl.data.glance import class_counts
from dl.data.raw import Column, Raw, RawTable
from dl.data.targets.target import decision, unscale
from dl.data.types import Array, Rows
from dl.text import percent
from dl.vocabulary.traits import REGRESSION, SCALING

Found = tuple[str, Advice]
"""A piece of advice with the id of its rule in `dl.config.schema.ADVICE`."""

_MOST_ROWS = 20_000
"""Of more rows, so many are looked at: enough for every share here, in well under a second."""
_FEWEST_ROWS = 20
"""In fewer rows, columns may be alike by chance."""
_ROWS_OF_CATEGORY = 5
"""Rows for each category, on average, below which it is learned by heart."""
_SAME_LINE = 1 - 1e-9
"""Correlation from which only the rounding of a file's decimals tells two columns apart."""
_STAND_INS = (-9.0, -99.0, -999.0, -9999.0, -99999.0, -999999.0)
"""Numbers that databases and sensors write where they have none."""
_FIRST_YEAR, _LAST_YEAR = 1700, 2200
"""Dates outside, such as 9999-12-31, stand for `never` or `not known`."""
_FEW_VALIDATION_ROWS = 10
"""With fewer rows, one more right answer moves the accuracy by over 10 %."""
_FEW_ARRAYS = 1000
"""So many rows show the range of pixels; more of them would take time only."""
_LARGE_TARGET = 1000
"""So far from 0, thousands of steps of 0.001 or 0.01 pass before the outputs get there."""
_WHY = {
    "empty-column": "What is filled in for the rows that lack it says nothing about them.",
    "constant-column": "What is the same everywhere tells no row from another.",
    "identifier": "A name of the row says nothing about the target; the network can only learn it "
    "by heart, and knows none of a new row.",
    "free-text": "Each text becomes a category of its own: the network learns by heart which text "
    "has which target, and a new row has none of them. Make columns of numbers of it before, such "
    "as counts of its words, or leave it out.",
    "many-categories": "Most categories are in a few rows only: the network learns these by heart, "
    "and a new row often has another one.",
    "repeated-column": "It says nothing that the other one does not say.",
    "target-leak": "The network sees what it has to predict: its results are far too good, and a "
    "row to predict will not have it.",
}


def advice_on(config: Config, table: Raw, dataset: Dataset) -> Iterator[Found]:
    """Yields what is doubtful in the data.

    Args:
        config: The config.
        table: All rows as they were read.
        dataset: What was made of them.
    """
    data = config.data
    if isinstance(data, CsvData | ParquetData) and isinstance(table, RawTable):
        yield from _on_table(table, data)
    yield from _few_validation_rows(config, dataset)
    yield from _missing_class(config, dataset)
    yield from _unscaled(config, dataset.train.x)
    yield from _unscaled_target(config, dataset)
    yield from _two_numbers(config, dataset)
    yield from _unused_threshold(config, dataset)


def _on_table(table: RawTable, data: CsvData | ParquetData) -> Iterator[Found]:
    step = -(-len(table) // _MOST_ROWS)
    looked = table.take(np.arange(0, len(table), step))
    # Columns on the disk are read once.
    looked = RawTable(dict(looked.columns), looked.targets, looked.rows, table.source, table.place)
    some = f", by {len(looked):,} rows spread over all" if step > 1 else ""
    found = (
        _on_features(looked, step),
        _months(looked, data.columns or {}),
        _stand_ins(looked, data),
        _missing_as_class(looked, data),
    )
    for rule, advice in itertools.chain(*found):
        yield rule, replace(advice, message=f"{advice.message}{some}")


def _on_features(table: RawTable, step: int) -> Iterator[Found]:
    """Columns that the network should not see, where it has others; of each `step`-th row."""
    doubts = _doubts(table, step)
    rest = [name for name in table.columns if name not in doubts]
    for name, found in doubts.items():
        if not rest and found.rule != "free-text":
            continue
        message = f"takes in `{name}`, which {found.reason}"
        line = flow(rest or [f"{name}_1", f"{name}_2"])
        yield found.rule, Advice(("data", "features"), message, _WHY[found.rule], line)


def _doubts(table: RawTable, step: int) -> dict[str, Doubt]:
    pixels = are_pixels(list(table.columns.values()))
    doubts = {}
    seen: dict[object, str] = {}
    for name, column in table.columns.items():
        found = _leak(column, table) or doubt(name, column, step)
        key = (column.kind, column.categories, column.values.tobytes())
        if found is None and key in seen and len(table) >= _FEWEST_ROWS:
            found = Doubt("repeated-column", f"is `{seen[key]}` again in all {len(table):,} rows")
        seen.setdefault(key, name)
        if found is not None and not _may_be_meant(found, column, step, pixels):
            doubts[name] = found
    return doubts


def _may_be_meant(found: Doubt, column: Column, step: int, pixels: bool) -> bool:
    """Tells whether a user may well want a column that `dl init` leaves out."""
    if found.rule == "many-categories":
        return step * len(column.values) >= _ROWS_OF_CATEGORY * len(column.categories)
    return pixels  # The edge of a picture is black in every row.


def _leak(column: Column, table: RawTable) -> Doubt | None:
    """Finds a column that is the target in the same or in other words or units."""
    if len(table.targets) != 1 or len(table) < _FEWEST_ROWS:
        return None
    [(name, target)] = table.targets.items()
    known = ~(column.missing() | target.missing())
    if known.sum() < max(_FEWEST_ROWS, len(known) / 2):
        return None
    values, wanted = column.values[known], target.values[known]
    if column.kind == target.kind == "numeric" and _on_a_line(values, wanted):
        same = "is" if np.array_equal(values, wanted) else "is on a straight line with"
        return Doubt("target-leak", f"{same} the target `{name}` in all {len(values):,} rows")
    if "date" not in (column.kind, target.kind) and _is_one_to_one(values, wanted):
        return Doubt("target-leak", f"names the target `{name}` in all {len(values):,} rows")
    return None


def _on_a_line(values: Array, wanted: Array) -> bool:
    if len(np.unique(values[:_FEWEST_ROWS])) < 3 or not (values.std() and wanted.std()):
        return False
    return bool(abs(np.corrcoef(values, wanted)[0, 1]) > _SAME_LINE)


def _is_one_to_one(values: Array, wanted: Array) -> bool:
    """Tells whether each value goes with one value of the target and the other way round."""
    classes = len(np.unique(wanted))
    if not 2 <= classes <= len(wanted) / _ROWS_OF_CATEGORY or len(np.unique(values)) != classes:
        return False
    return len(np.unique(np.stack([values, wanted]), axis=1).T) == classes


def _months(table: RawTable, kinds: Mapping[str, str]) -> Iterator[Found]:
    """Months taken for categories: neither their order nor their distance is known."""
    for name, column in table.columns.items():
        texts = column.categories
        if are_months(column) and kinds.get(name) != "categorical":
            yield (
                "months",
                Advice(
                    ("data", "columns"),
                    f"does not say that `{name}` holds dates: its months, such as {texts[0]}, are "
                    f"taken for {len(texts):,} categories",
                    "A category knows neither order nor distance, and a new month is none of them. "
                    "A date becomes year, month and day.",
                    flow({**kinds, name: "date"}),
                ),
            )


def _stand_ins(table: RawTable, data: CsvData | ParquetData) -> Iterator[Found]:
    """Numbers and dates far outside of all others, which stand for a missing value."""
    for name, column in table.columns.items():
        found = _stand_in(column)
        if found is None or name in (data.columns or {}):
            continue
        texts, shown = found
        rows = int(np.isin(column.values, column.values[shown]).sum())
        yield (
            "stand-in",
            Advice(
                ("data", "missing_values"),
                f"does not name {texts[0]}, which `{name}` has in {rows:,} of {len(table):,} rows, "
                "far from all its other values",
                "Such a value stands for one that is missing; as a number it moves the mean and "
                "the scale of the column, and the network takes it for real.",
                _also_missing(data, name, texts),
            ),
        )


def _missing_as_class(table: RawTable, data: CsvData | ParquetData) -> Iterator[Found]:
    """Texts such as `NA` among the classes, if there are two others: beside one, it is a class."""
    if len(table.targets) != 1 or data.classes:
        return
    [(name, column)] = table.targets.items()
    rows = np.bincount(column.values[column.values >= 0].astype(int)) if column.categories else ()
    counts = dict(zip(column.categories, rows, strict=False))
    texts = [text for text in counts if stands_for_missing(text) and counts[text]]
    if not texts or len(counts) - len(texts) < 2:
        return
    lacking = sum(int(counts[text]) for text in texts)
    yield (
        "stand-in",
        Advice(
            ("data", "missing_values"),
            f"does not name {' and '.join(texts)}, which the target `{name}` has in {lacking:,} of "
            f"{len(table):,} rows: taken for a class to predict",
            "Such a text mostly stands for a value that is missing. With this line and "
            "`missing_target: drop` these rows are left out. If it is a class, list all classes in "
            "`data.classes`.",
            _also_missing(data, name, texts),
        ),
    )


def _also_missing(data: CsvData | ParquetData, name: str, texts: list[str]) -> str:
    """Returns `data.missing_values` with more texts, of one column where that can be said."""
    known = data.missing_values
    if isinstance(known, tuple):
        return flow([*known, *texts])
    return flow({**(known or {}), name: [*(known or {}).get(name, ()), *texts]})


def _stand_in(column: Column) -> tuple[list[str], Array] | None:
    """Returns how the value is written, and in which rows it is."""
    known = column.values[~column.missing()]
    if not len(known):
        return None
    if column.kind == "numeric":
        least = known.min()
        others = known[known != least]
        if least not in _STAND_INS or not len(others) or others.min() < 0 or least > -others.max():
            return None
        texts = [f"{least:.0f}"] if column.integral else [f"{least:.1f}", f"{least:.0f}"]
        return texts, column.values == least
    if column.kind != "date" or column.timed:
        return None
    years = column.values.astype("datetime64[Y]").astype(int) + 1970
    odd = ((years < _FIRST_YEAR) | (years > _LAST_YEAR)) & ~column.missing()
    if not odd.any() or odd.sum() > len(known) / 2:
        return None
    return [str(column.values[odd][0].astype("datetime64[D]"))], odd


def _few_validation_rows(config: Config, dataset: Dataset) -> Iterator[Found]:
    """So few rows for validation that a single one moves what they measure."""
    part, split = dataset.validation, config.data.split
    own = getattr(config.data, "validation_path", None) is not None
    if (
        part is None
        or own
        or split.folds
        or not split.validation
        or len(part) >= _FEW_VALIDATION_ROWS
    ):
        return
    if len(dataset.train) < 2 * _FEW_VALIDATION_ROWS:
        return
    whole = sum(map(len, dataset.parts.values()))
    yield (
        "few-validation-rows",
        Advice(
            ("data", "split", "validation"),
            f"leaves {len(part)} of {whole:,} rows for validation",
            f"A single row moves the accuracy by {percent(1 / len(part))}: which epoch or which "
            "setting is best is then chance. Take more of them, or `data.split.folds`.",
            f"{min(0.3, math.ceil(100 * 2 * _FEW_VALIDATION_ROWS / whole) / 100):g}",
        ),
    )


def _missing_class(config: Config, dataset: Dataset) -> Iterator[Found]:
    """A class with so few rows that the parts could not be stratified, and one has none of it."""
    if config.data.split.stratify is not None or dataset.info.task not in ("binary", "multiclass"):
        return
    counts = {part: class_counts(rows, dataset) for part, rows in dataset.parts.items()}
    for name in dataset.info.classes:
        rows = sum(counted[name] for counted in counts.values())
        without = [part for part, counted in counts.items() if not counted[name]]
        if rows and without:
            yield (
                "missing-class",
                Advice(
                    ("data", "split", "stratify"),
                    f"cannot be true: `{name}` has {rows:,} {'row' if rows == 1 else 'rows'} in "
                    f"all, and none is in the {' and the '.join(without)} part",
                    "What such a part measures says nothing about that class. More rows of it "
                    "help, or to leave it out; write this line if it is meant.",
                    "false",
                ),
            )


def _unscaled(config: Config, x: Rows) -> Iterator[Found]:
    """Arrays of numbers that look like pixels, given to the network as they are."""
    data, preprocess = config.data, config.preprocess
    first = next((layer for layer in config.model.layers if layer.type != "Input"), None)
    if data.source != "npz" or first is None or first.type in SCALING:
        return
    if preprocess.scale is not None or preprocess.numeric not in (None, "none"):
        return
    looked = np.asarray(x[:_FEW_ARRAYS])
    if looked.dtype.kind != "f" or looked.min() < 0 or not 100 < looked.max() <= 255:
        return
    yield (
        "unscaled-inputs",
        Advice(
            ("preprocess", "scale"),
            f"is missing: the inputs reach from {looked.min():g} to {looked.max():g}",
            "Inputs far from 0 saturate the units and make the first steps much too large.",
            "255",
        ),
    )


def _unscaled_target(config: Config, dataset: Dataset) -> Iterator[Found]:
    """Large numbers to predict, from outputs that begin near 0."""
    training, y = config.training, dataset.train.y
    if config.preprocess.target != "none" or training.solver == "normal_equation":
        return
    if dataset.info.task != "regression" or training.loss.type not in REGRESSION:
        return
    if dataset.target.scaling != "none" or np.abs(y).mean() < _LARGE_TARGET:
        return
    yield (
        "unscaled-target",
        Advice(
            ("preprocess", "target"),
            f"is none: the numbers to predict reach from {y.min():,.6g} to {y.max():,.6g}",
            "The outputs begin near 0, so the first losses are enormous: steps explode, or get "
            "there only after thousands of them. Predictions and metrics stay in the own unit.",
            "standardize",
        ),
    )


def _two_numbers(config: Config, dataset: Dataset) -> Iterator[Found]:
    """Two numbers to predict are nearly always the numbers of two classes."""
    loss, y = config.training.loss, dataset.train.y
    if dataset.info.task != "regression" or config.data.task is not None or len(y) < _FEWEST_ROWS:
        return
    if y.size != len(y) or loss.type not in REGRESSION:
        return
    values = np.unique(unscale(y, dataset.target))
    if len(values) == 2:
        yield (
            "loss-for-classes",
            Advice(
                ("training", "loss"),
                f"is {spoken(loss)}, a loss for numbers, but the target is always {values[0]:g} or "
                f"{values[1]:g}",
                "Two values are classes: a last layer {type: Dense, units: 1, activation: sigmoid} "
                "gives their probability. If numbers are meant, write data.task: regression.",
                right_loss(2),
            ),
        )


def _unused_threshold(config: Config, dataset: Dataset) -> Iterator[Found]:
    """A threshold where the largest output decides, or where there is no probability to cut."""
    threshold, target = config.evaluation.threshold, dataset.target
    if threshold == Evaluation().threshold or target.has_threshold:
        return
    yield (
        "unused-threshold",
        Advice(
            ("evaluation", "threshold"),
            f"is {threshold:g}, but decides nothing: this is {decision(target)}",
            "It is for one probability of two classes (a last layer {type: Dense, units: 1, "
            "activation: sigmoid}), and for labels.",
            f"{Evaluation().threshold:g}",
        ),
    )
