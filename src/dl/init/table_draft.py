"""Drafts a config for a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dl.config.data import ColumnKind
from dl.config.emit import flow
from dl.config.written import stands_for_missing
from dl.init.draft import Draft
from dl.init.facts import Feature, Size
from dl.init.network import dense_layers, training_lines
from dl.init.plan import plan
from dl.init.tables import Table
from dl.init.words import run_name, split_lines, target_scaling, target_words
from dl.init.yaml_text import (
    comment_lines,
    commented,
    path_line,
    scalar,
    scalar_list,
    shown,
    shown_list,
)
from dl.text import plural

_MOST_REASONS = 12
_MOST_PLACES = 6
"""Columns that a comment names; more would fill the file."""


def draft_table(table: Table) -> Draft:
    """Returns a config for a judged table."""
    width = sum(feature.width for feature in table.features)
    chosen = plan(Size(table.rows, width), table.target.task)
    return Draft(
        name=run_name(table.path),
        title=[_inputs(table), target_words(table.target)],
        data=[
            *_source(table),
            *_missing_values(table),
            *_features(table),
            *_columns(table),
            *split_lines(chosen, table.target),
        ],
        preprocess=_preprocess(table),
        layers=dense_layers(chosen, table.target),
        training=training_lines(chosen, table.target, table.rows),
    )


def _inputs(table: Table) -> str:
    several = {"numeric": "numbers", "categorical": "categories", "date": "dates"}
    singular = {"numeric": "number", "categorical": "category", "date": "date"}
    kinds: list[ColumnKind] = ["numeric", "categorical", "date"]
    counts = [(kind, len(_of_kind(table.features, kind))) for kind in kinds]
    words = [plural(number, singular[kind], several[kind]) for kind, number in counts if number]
    rows = plural(table.rows + table.target.missing, "row")
    return f"{shown(table.path.name)}: {rows}; inputs: {', '.join(words)}."


def _of_kind(features: Sequence[Feature], kind: ColumnKind) -> list[str]:
    return [feature.name for feature in features if feature.kind == kind]


def _source(table: Table) -> list[str]:
    names = table.target.names
    lines = [path_line(table.path)]
    if table.dialect is None:
        lines.insert(0, "  source: parquet")
    else:
        lines.insert(0, "  source: csv")
        if table.dialect.separator != ",":
            lines.append(f"  separator: {scalar(table.dialect.separator)}")
        if table.dialect.encoding != "utf-8":
            lines.append(f"  encoding: {table.dialect.encoding}")
    if len(names) == 1:
        return [*lines, f"  target: {scalar(names[0])}"]
    return [*lines, *scalar_list("target", names, indent=2)]


def _features(table: Table) -> list[str]:
    """Returns what was left out and why, and the columns that stay; nothing if all of them do."""
    if not table.left_out:
        return []
    listed = table.left_out[:_MOST_REASONS]
    reasons = [
        line
        for column in listed
        for line in comment_lines(f"  {shown(column.name)} {column.reason}")
    ]
    left = len(table.left_out) - len(listed)
    more = [f"  #   and {left} more"] if left else []
    names = [feature.name for feature in table.features]
    return ["  # Left out:", *reasons, *more, *scalar_list("features", names, indent=2)]


def _columns(table: Table) -> list[str]:
    """Returns the kinds of columns that training would take for something else."""
    months = {feature.name: "date" for feature in table.features if feature.months}
    if not months:
        return []
    shown_month = next(feature.months for feature in table.features if feature.months)
    return [commented(f"  columns: {flow(months)}", f"months, such as {shown_month}")]


def _missing_values(table: Table) -> list[str]:
    """Returns what stands for a missing value, and what becomes of rows without a target.

    By column, where another column has one of the texts as a category: there it stays one.
    """
    by_column = {
        **{feature.name: feature.words for feature in table.features},
        **table.target.words,
    }
    by_column = {name: words for name, words in by_column.items() if words}
    texts = list(dict.fromkeys(text for words in by_column.values() for text in words))
    categories = {*table.target.classes}.union(*(f.categories for f in table.features))
    lines = [
        line
        for text in texts
        for line in comment_lines(f"`{text}` stands for missing in {_places(text, by_column)}")
    ]
    if texts and categories.isdisjoint(texts):
        lines += scalar_list("missing_values", texts, indent=2)
    elif texts:
        lines.append("  missing_values:")
        for name, words in by_column.items():
            lines += scalar_list(scalar(name), words, indent=4)
    lines += _missing_categories(table)
    if table.target.missing:
        lacking = f"{plural(table.target.missing, 'row')} without a target"
        lines.append(commented("  missing_target: drop", f"{lacking}: nothing to learn from"))
    return lines


def _missing_categories(table: Table) -> list[str]:
    """Returns a word on texts that stay categories, though they may stand for a missing value."""
    columns = {feature.name: feature.categories for feature in table.features}
    columns |= dict.fromkeys(table.target.names, table.target.classes)
    having = {
        name: next(filter(stands_for_missing, categories), "")
        for name, categories in columns.items()
    }
    names = [name for name, text in having.items() if text]
    if not names:
        return []
    texts = ", ".join(f"`{text}`" for text in sorted({having[name] for name in names}))
    return comment_lines(
        f"{texts} is a category of {shown_list(names)}; list it in missing_values if it is not"
    )


def _places(text: str, by_column: Mapping[str, Mapping[str, int]]) -> str:
    """Words for the rows of each column that have a text."""
    having = [(name, words[text]) for name, words in by_column.items() if text in words]
    told = [f"{plural(rows, 'row')} of {shown(name)}" for name, rows in having[:_MOST_PLACES]]
    left = len(having) - len(told)
    return ", ".join(told) + (f" and in {plural(left, 'more column')}" if left else "")


def _preprocess(table: Table) -> list[str]:
    lines = []
    if _of_kind(table.features, "numeric"):
        lines.append(_scaling(table))
    if categories := _of_kind(table.features, "categorical"):
        why = f"{shown_list(categories, 3)}: a 0 or 1 for each category"
        lines.append(commented("  categorical: one_hot", why))
    if dates := _of_kind(table.features, "date"):
        why = f"{shown_list(dates, 3)}: year, month, day, … as numbers"
        lines.append(commented("  dates: parts", why))
    return [*lines, *_missing(table), *target_scaling(table.target)]


def _scaling(table: Table) -> str:
    if table.pixels:
        return commented("  numeric: minmax", "between 0 and 1: the inputs look like pixels")
    return commented("  numeric: standardize", "mean 0, standard deviation 1")


def _missing(table: Table) -> list[str]:
    """Returns the policy for missing values, with where they are; later rows may lack some, too."""
    gaps = [feature for feature in table.features if feature.missing]
    if not gaps:
        return [commented("  missing: median", "none yet; fills what a later row may lack")]
    words = ", ".join(f"{shown(gap.name)} ({plural(gap.missing, 'row')})" for gap in gaps[:3])
    more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
    return [commented("  missing: median", f"missing in {words}{more}")]
