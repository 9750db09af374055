"""Advice on data that was read: columns that tell nothing or too much, and values that stand in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dl.config.data import CsvData, ParquetData
from dl.config.emit import flow
from dl.config.rules.advice import begins_with
from dl.config.rules.facts import LOSS, right_loss
from dl.config.rules.probe import has_own
from dl.config.rules.texts import Advice, advice
from dl.config.schema import Config, Evaluation
from dl.config.tables import stands_for_missing
from dl.data.dataset import Dataset
from dl.data.doubts import Doubt, are_months, are_pixels, doubt
from dl.data.raw import Column, Raw, RawTable
from dl.data.targets.target import class_counts, decision, unscale
from dl.data.types import Array
from dl.text import percent, plural
from dl.vocabulary.traits import REGRESSION, SCALING

Table = CsvData | ParquetData

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


def advice_on(config: Config, table: Raw, dataset: Dataset) -> Iterator[Advice]:
    """Yields what is doubtful in the data.

    Args:
        config: The config.
        table: All rows as they were read.
        dataset: What was made of them.
    """
    data = config.data
    if isinstance(data, CsvData | ParquetData) and isinstance(table, RawTable):
        yield from _on_table(table, data)
    for rule in (
        few_validation_rows,
        missing_class,
        unscaled_inputs,
        unscaled_target,
        loss_for_classes,
        unused_threshold,
    ):
        yield from rule(config, dataset)


def _on_table(table: RawTable, data: Table) -> Iterator[Advice]:
    step = -(-len(table) // _MOST_ROWS)
    looked = table.take(np.arange(0, len(table), step))
    # Columns on the disk are read once.
    looked = RawTable(dict(looked.columns), looked.targets, looked.rows, table.source, table.place)
    some = f", by {len(looked):,} rows spread over all" if step > 1 else ""
    found = (
        _doubtful_columns(looked, step),
        months(looked, data),
        stand_in(looked, data),
        _missing_as_class(looked, data),
    )
    for told in itertools.chain(*found):
        yield replace(told, message=f"{told.message}{some}")


def _doubtful_columns(table: RawTable, step: int) -> Iterator[Advice]:
    """Columns that the network should not see, where it has others; of each `step`-th row."""
    doubts = _doubts(table, step)
    rest = [name for name in table.columns if name not in doubts]
    for name, found in doubts.items():
        if rest or found.rule == "free-text":
            line, text = flow(rest or [f"{name}_1", f"{name}_2"]), found.rule.replace("-", "_")
            message = f"takes in `{name}`, which {found.reason}"
            yield advice(("data", "features"), text, message=message, write=line)


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


def months(table: RawTable, data: Table) -> Iterator[Advice]:
    """Months taken for categories: neither their order nor their distance is known."""
    kinds = data.columns or {}
    for name, column in table.columns.items():
        texts = column.categories
        if are_months(column) and kinds.get(name) != "categorical":
            words = {"name": name, "text": texts[0], "count": len(texts)}
            line = flow({**kinds, name: "date"})
            yield advice(("data", "columns"), "months", write=line, **words)


def stand_in(table: RawTable, data: Table) -> Iterator[Advice]:
    """Numbers and dates far outside of all others, which stand for a missing value."""
    for name, column in table.columns.items():
        found = _stand_in(column)
        if found is None or name in (data.columns or {}):
            continue
        texts, shown = found
        rows = int(np.isin(column.values, column.values[shown]).sum())
        words = {"name": name, "text": texts[0], "rows": rows, "whole": len(table)}
        line = _also_missing(data, name, texts)
        yield advice(("data", "missing_values"), "stand_in.value", write=line, **words)


def _missing_as_class(table: RawTable, data: Table) -> Iterator[Advice]:
    """Texts such as `NA` among the classes, if there are two others: beside one, it is a class."""
    if len(table.targets) != 1 or data.classes:
        return
    [(name, column)] = table.targets.items()
    codes = column.values[column.values >= 0].astype(int) if column.categories else ()
    counts = dict(zip(column.categories, np.bincount(codes), strict=False)) if len(codes) else {}
    texts = [text for text in counts if stands_for_missing(text) and counts[text]]
    if not texts or len(counts) - len(texts) < 2:
        return
    rows = sum(int(counts[text]) for text in texts)
    words = {"name": name, "texts": " and ".join(texts), "rows": rows, "whole": len(table)}
    line = _also_missing(data, name, texts)
    yield advice(("data", "missing_values"), "stand_in.class", write=line, **words)


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


def few_validation_rows(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """So few rows for validation that a single one moves what they measure."""
    part, split = dataset.validation, config.data.split
    meant = has_own(config.data, "validation") or split.folds or not split.validation
    if part is None or meant or len(part) >= _FEW_VALIDATION_ROWS:
        return
    if len(dataset.train) >= 2 * _FEW_VALIDATION_ROWS:
        whole = sum(map(len, dataset.parts.values()))
        enough = min(0.3, math.ceil(100 * 2 * _FEW_VALIDATION_ROWS / whole) / 100)
        words = {
            "rows": len(part),
            "whole": whole,
            "enough": enough,
            "step": percent(1 / len(part)),
        }
        yield advice(("data", "split", "validation"), "few_validation_rows", **words)


def missing_class(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """A class with so few rows that the parts could not be stratified, and one has none of it."""
    if config.data.split.stratify is not None or dataset.info.task not in ("binary", "multiclass"):
        return
    counts = {part: class_counts(rows.y, dataset.target) for part, rows in dataset.parts.items()}
    for name in dataset.info.classes:
        rows = sum(counted[name] for counted in counts.values())
        parts = " and the ".join(part for part, counted in counts.items() if not counted[name])
        if rows and parts:
            words = {"name": name, "rows": plural(rows, "row"), "parts": parts}
            yield advice(("data", "split", "stratify"), "missing_class", **words)


def unscaled_inputs(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Arrays of numbers that look like pixels, given to the network as they are."""
    preprocess = config.preprocess
    scaled = preprocess.scale is not None or preprocess.numeric not in (None, "none")
    if config.data.source != "npz" or scaled or begins_with(config.model, SCALING):
        return
    looked = np.asarray(dataset.train.x[:_FEW_ARRAYS])
    if looked.dtype.kind == "f" and looked.min() >= 0 and 100 < looked.max() <= 255:
        words = {"least": looked.min(), "most": looked.max()}
        yield advice(("preprocess", "scale"), "unscaled_inputs.array", **words)


def unscaled_target(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Large numbers to predict, from outputs that begin near 0."""
    training, y = config.training, dataset.train.y
    if config.preprocess.target != "none" or training.solver == "normal_equation":
        return
    if dataset.info.task != "regression" or training.loss.type not in REGRESSION:
        return
    if dataset.target.scaling == "none" and np.abs(y).mean() >= _LARGE_TARGET:
        yield advice(("preprocess", "target"), "unscaled_target", least=y.min(), most=y.max())


def loss_for_classes(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """Two numbers to predict are nearly always the numbers of two classes."""
    loss, y = config.training.loss, dataset.train.y
    stated = config.data.task is not None or dataset.info.task != "regression"
    if stated or len(y) < _FEWEST_ROWS or y.size != len(y) or loss.type not in REGRESSION:
        return
    values = np.unique(unscale(y, dataset.target))
    if len(values) == 2:
        words = {"loss": loss, "low": values[0], "high": values[1], "right": right_loss(2)}
        yield advice(LOSS, "loss_for_classes.two_numbers", **words)


def unused_threshold(config: Config, dataset: Dataset) -> Iterator[Advice]:
    """A threshold where the largest output decides, or where there is no probability to cut."""
    threshold, usual = config.evaluation.threshold, Evaluation().threshold
    if threshold != usual and not dataset.target.has_threshold:
        words = {"threshold": threshold, "usual": usual, "decision": decision(dataset.target)}
        yield advice(("evaluation", "threshold"), "unused_threshold", **words)
