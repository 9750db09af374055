"""Columns of a table that tell nothing or too much, or that a network cannot use, and values that
stand for one that is missing.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dl.config.data import BuiltinData, CharactersData, Data, TableFile
from dl.config.nodes import flow
from dl.config.preprocess import MOST_CATEGORIES, Preprocess
from dl.config.rules.facts import Advice, advice
from dl.config.schema import plain_data
from dl.config.tables import stands_for_missing
from dl.data.fitting import clip_limits
from dl.data.texts import FEW_MONTHS, MONTH
from dl.data.tokens import texts_of
from dl.data.types import Array, Column, Raw, RawTable, step_over

_FEW_CATEGORIES = 10
"""So few tell nothing of a column by being all different."""
_MOST_MISSING = 0.6
"""Share of empty rows from which most of what the network sees was filled in."""
_HALF = 0.5
"""Share of different values from which a category has fewer than two rows on average."""
_LONG_TEXT, _MOST_SPACES = 40, 3
"""Letters or spaces, on average, from which values are sentences, not names."""
_FEW_ROWS = 50
"""In more rows, whole numbers in order number the rows, whatever the column is called."""
_FEWEST_PIXELS, _BRIGHTEST = 64, 255
"""Columns of the smallest picture (8 x 8), and white in 8 bits. Fewer whole numbers are more often
measurements: 16 of the strokes of a pen lost 4 points of accuracy when they were taken for one."""
_IDENTIFIER = re.compile(
    r"(?i:(?:.*[_ .-])?(?:id|ids|uuid|guid|index|idx|key|nr|no|row|rownames)|unnamed.*|)"
    r"|.*[a-z]I[Dd]"
)
_MOST_ROWS = 20_000
"""Of more rows, so many are looked at: enough for every fraction here, in well under a second."""
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


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a column is no input: the id of the advice, and words that follow its name."""

    rule: str
    reason: str


def doubt(name: str, column: Column, step: int = 1) -> Doubt | None:
    """Returns why a column tells nothing, or None if it may be an input.

    Args:
        name: Its name.
        column: Its values, all of them or every `step`-th.
        step: The distance between two of the rows.
    """
    known = ~column.missing()
    values = column.values[known]
    rows, present = len(column.values), len(values)
    if not present:
        return Doubt("empty-column", f"is empty in all {rows:,} rows")
    if rows - present > _MOST_MISSING * rows:
        return Doubt("empty-column", f"is mostly empty ({rows - present:,} of {rows:,} rows)")
    if column.kind == "text":
        same = all(text == column.categories[values[0]] for text in texts_of(column.take(known)))
        return Doubt("constant-column", f"is the same in all {present:,} rows") if same else None
    if np.all(values == values[0]):
        return Doubt("constant-column", f"is the same in all {present:,} rows")
    if column.kind == "categorical":
        return _of_categories(column, values)
    if column.kind == "date" or not np.all(values == np.floor(values)):
        return None
    named = _IDENTIFIER.fullmatch(name)
    if np.all(np.diff(values) == step) and (present > _FEW_ROWS or named):
        return Doubt("identifier", f"numbers the rows ({values[0]:.0f} to {values[-1]:.0f})")
    return _identifier(present) if named and len(np.unique(values)) == present else None


def _identifier(present: int) -> Doubt:
    return Doubt("identifier", f"is an identifier: all {present:,} values differ")


def _of_categories(column: Column, values: Array) -> Doubt | None:
    distinct, present = len(np.unique(values)), len(values)
    letters = np.mean([len(text) for text in column.categories])
    spaces = np.mean([text.count(" ") for text in column.categories])
    if letters > _LONG_TEXT or spaces >= _MOST_SPACES:
        return Doubt("free-text", f"is free text ({distinct:,} different values)")
    if distinct == present and present > _FEW_CATEGORIES:
        return _identifier(present)
    if distinct > MOST_CATEGORIES or distinct > _HALF * present > _FEW_CATEGORIES:
        reason = f"has too many categories ({distinct:,} in {present:,} rows)"
        return Doubt("many-categories", reason)
    return None


def are_months(column: Column) -> bool:
    """Tells whether all categories of a column are months, `1949-01`, or stand for none."""
    texts = [text for text in column.categories if not stands_for_missing(text)]
    return len(texts) > FEW_MONTHS and all(re.fullmatch(MONTH, text) for text in texts)


def are_pixels(columns: Sequence[Column]) -> bool:
    """Tells whether columns look like the pixels of small pictures, which are square."""
    count = len(columns)
    if count < _FEWEST_PIXELS or math.isqrt(count) ** 2 != count:
        return False
    if any(column.kind != "numeric" for column in columns):
        return False
    values = np.column_stack([column.values for column in columns])
    whole = bool(np.all(values == np.floor(values)))
    return whole and float(values.min()) == 0 and float(values.max()) <= _BRIGHTEST


def advice_on(table: Raw, data: Data, preprocess: Preprocess) -> Iterator[Advice]:
    """Yields what is doubtful in the file of a table, of which there are all rows as read."""
    if not isinstance(data, TableFile) or not isinstance(table, RawTable):
        return
    step = step_over(len(table), _MOST_ROWS)
    looked = table.take(np.arange(0, len(table), step))
    # Columns on the disk are read once.
    looked = RawTable(dict(looked.columns), looked.targets, looked.rows, table.source, table.place)
    some = f", by {len(looked):,} rows spread over all" if step > 1 else ""
    found = (
        _doubtful_columns(looked, data, step, preprocess),
        _clipped_to_one(looked, preprocess),
        months(looked, data),
        stand_in(looked, data),
        _missing_as_class(looked, data),
    )
    for told in itertools.chain(*found):
        yield replace(told, message=f"{told.message}{some}")


def _doubtful_columns(
    table: RawTable, data: TableFile, step: int, preprocess: Preprocess
) -> Iterator[Advice]:
    """Columns that the network should not see, where it has others; of each `step`-th row."""
    # Rare categories that share an input have rows enough together.
    shared = [name for name, rule in preprocess.columns.items() if rule.hash or rule.categories]
    doubts = {
        name: found
        for name, found in _doubts(table, step, in_time=data.window is not None).items()
        if found.rule != "many-categories" or name not in shared
    }
    rest = [name for name in table.columns if name not in doubts]
    for name, found in doubts.items():
        text = found.rule.replace("-", "_")
        if found.rule == "free-text":
            line = flow(plain_data({**(data.columns or {}), name: "text"}))
            message = f"takes `{name}` for categories, which {found.reason}"
            yield advice(("data", "columns"), text, message=message, write=line)
        elif rest:
            out = [each for each, doubt in doubts.items() if doubt.rule != "free-text"]
            yield without(data, name, text, found.reason, out)


def without(
    data: TableFile | BuiltinData, name: str, text: str, reason: str, names: Iterable[str] = ()
) -> Advice:
    """Returns advice to leave an input out, in the key that chooses the inputs already.

    Args:
        data: The section of the config.
        name: The input.
        text: The text of the advice.
        reason: Why, in words that follow the name of a column.
        names: All that are to be left out; by default this one.
    """
    out = list(names) or [name]
    if data.features is not None:
        line = flow([each for each in data.features if each not in out])
        message = f"takes in `{name}`, which {reason}"
        return advice(("data", "features"), text, message=message, write=line)
    line = flow([*(data.exclude or ()), *out])
    message = f"lacks `{name}`, which {reason}"
    return advice(("data", "exclude"), text, message=message, write=line)


def _clipped_to_one(table: RawTable, preprocess: Preprocess) -> Iterator[Advice]:
    """Limits that leave a column of different numbers one value."""
    for name, column in table.columns.items():
        known = column.values[~column.missing()]
        clip = preprocess.rules_of(name).clip if column.kind == "numeric" else None
        limits = clip_limits(known, clip) if len(known) else None
        if limits is None or known.min() == known.max():
            continue
        clipped = np.clip(known, *limits)
        if clipped.min() == clipped.max():
            words = {"name": name, "value": f"{clipped[0]:.6g}", "rows": len(known)}
            path = ("preprocess", "columns", name, "clip")
            yield advice(path, "constant_column.clipped", **words)


def _doubts(table: RawTable, step: int, *, in_time: bool) -> dict[str, Doubt]:
    """Returns what is doubtful in which column; with `in_time`, the target lies in later rows."""
    pixels = are_pixels(list(table.columns.values()))
    doubts = {}
    seen: dict[object, str] = {}
    for name, column in table.columns.items():
        found = None if in_time else _leak(column, table)
        found = found or doubt(name, column, step)
        key = (column.kind, column.categories, column.values.tobytes())
        if found is None and key in seen and len(table) >= _FEWEST_ROWS:
            found = Doubt("repeated-column", f"is `{seen[key]}` again in all {len(table):,} rows")
        seen.setdefault(key, name)
        # A user may well want a column that `dl init` leaves out: the edge of a picture is black in
        # every row, and many categories may have rows enough.
        meant = pixels
        if found is not None and found.rule == "many-categories":
            meant = step * len(column.values) >= _ROWS_OF_CATEGORY * len(column.categories)
        if found is not None and not meant:
            doubts[name] = found
    return doubts


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
    if not {"date", "text"} & {column.kind, target.kind} and _is_one_to_one(values, wanted):
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


def months(table: RawTable, data: TableFile) -> Iterator[Advice]:
    """Months taken for categories: neither their order nor their distance is known."""
    for name, column in table.columns.items():
        texts = column.categories
        if are_months(column) and data.kinds.get(name) != "categorical":
            words = {"name": name, "text": texts[0], "count": len(texts)}
            line = flow(plain_data({**(data.columns or {}), name: "date"}))
            yield advice(("data", "columns"), "months", write=line, **words)


def stand_in(table: RawTable, data: TableFile) -> Iterator[Advice]:
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


def _missing_as_class(table: RawTable, data: TableFile) -> Iterator[Advice]:
    """Texts such as `NA` among the classes, if there are two others: beside one, it is a class."""
    if len(table.targets) != 1 or data.classes or isinstance(data, CharactersData):
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


def _also_missing(data: TableFile, name: str, texts: list[str]) -> str:
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
