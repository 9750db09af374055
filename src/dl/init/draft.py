"""Writes a first config for whatever data a user has: a table, arrays, pictures, texts."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from dl.config.data import Arrays, ColumnForm, NpzData
from dl.config.nodes import flow
from dl.config.tables import stands_for_missing
from dl.data.formats import form_of, table_files
from dl.data.forms import meaning
from dl.data.sources.numpy import NpzFile, read_npz
from dl.data.sources.other import sheets
from dl.data.target_values import target_values
from dl.data.types import RawArrays
from dl.errors import DataError, UsageError
from dl.init.columns import Table, judge_target, read_table
from dl.init.files import config_of_folder, config_of_listing
from dl.init.logarithm import with_scaling
from dl.init.masks import draft as masks_of
from dl.init.masks import has_masks
from dl.init.plan import (
    PIXELS,
    TEXT_LINES,
    Plan,
    comment_lines,
    commented,
    config_text,
    dense_layers,
    image_layers,
    mapping_lines,
    path_line,
    plan,
    scalar,
    scalar_list,
    shown,
    shown_list,
    split_line,
    training_lines,
)
from dl.init.series import Series, about, data_lines, flat_layer, prepared
from dl.progress import SilentReporter
from dl.text import cut, plural
from dl.vocabulary.sections import keys

_MOST_REASONS = 12
_MOST_PLACES = 6
"""Columns that a comment names; more would fill the file."""
_STANDARDIZE = commented("  numeric: standardize", "mean 0, standard deviation 1")
_PLAIN = ColumnForm(kind="categorical")
"""A form whose kind is none of those that are written; its other values are the defaults."""
_ARRAYS = {
    "x_train": (
        *("x_train", "X_train", "train_x", "train_images"),
        *("x", "X", "data", "images", "inputs"),
    ),
    "y_train": (
        *("y_train", "Y_train", "train_y", "train_labels"),
        *("y", "Y", "target", "labels", "targets"),
    ),
    "x_test": ("x_test", "X_test", "test_x", "test_images"),
    "y_test": ("y_test", "Y_test", "test_y", "test_labels"),
}
"""Usual names of the arrays, the most usual first."""


def first_config(path: Path, targets: Sequence[str]) -> str:
    """Returns the text of a config that trains well on this file or folder as it is.

    Args:
        path: A CSV, Parquet or npz file, a folder of class folders, or a folder or pattern of
            files of a table; it is written as given.
        targets: The columns to predict, for a table.

    Raises:
        DataError: The data cannot be used.
        UsageError: The target of a table is not named, or there is none to name.
    """
    if has_masks(path):
        _refuse_target(path, targets, "the masks hold the class of each pixel")
        what, target, rows, sections = masks_of(path)
        return config_text(path, what, target, rows, **sections)
    if path.suffix.lower() in (".npz", ".npy") or (path.is_dir() and any(path.glob("*.npy"))):
        _refuse_target(path, targets, "the array `y_train` holds the targets")
        return _of_arrays(path)
    if path.is_dir() and not _holds_tables(path):
        _refuse_target(path, targets, "the name of its folder is the class of a file")
        return config_of_folder(path)
    return config_of_listing(path, targets) or _of_table(read_table(path, targets))


def _holds_tables(folder: Path) -> bool:
    """Tells whether there are files of tables in a folder, and no folders."""
    with os.scandir(folder) as entries:
        found = [(entry.is_dir(), form_of(Path(entry.name), "")) for entry in entries]
    return any(form for _, form in found) and not any(is_dir for is_dir, _ in found)


def _refuse_target(path: Path, targets: Sequence[str], why: str) -> None:
    if targets:
        raise UsageError(
            f"{path}: --target is for tables",
            expected=f"no --target: {why}",
            found=f"--target {targets[0]}",
            hint=f"dl init {path}",
        )


def _of_series(table: Table, series: Series) -> str:
    chosen = replace(plan(table.rows, table.target.task), dropout=0)
    text = config_text(
        table.path,
        f"{plural(table.rows, 'row')}, {about(series, table.target)}",
        table.target,
        table.rows,
        data=[*_table_source(table), *_missing_values(table), *data_lines(series, chosen)],
        preprocess=[_STANDARDIZE],
        model=["  layers:", flat_layer(table.target), *dense_layers(chosen, table.target)],
        training=training_lines(chosen, table.target, table.rows),
    )
    return prepared(series, text)


def _of_table(table: Table) -> str:
    if table.series is not None:
        return _of_series(table, table.series)
    by_kind = {
        kind: [feature.name for feature in table.features if feature.kind == kind]
        for kind in ("numeric", "categorical", "date", "text")
    }
    nouns = {"numeric": ("number", None), "categorical": ("category", "categories")}
    inputs = [
        plural(len(names), *nouns.get(kind, (kind, None)))
        for kind, names in by_kind.items()
        if names
    ]
    rows = plural(table.rows + table.target.missing, "row")
    chosen = plan(table.rows, table.target.task)
    text = config_text(
        table.path,
        f"{rows}; inputs: {', '.join(inputs)}",
        table.target,
        table.rows,
        data=[
            *_table_source(table),
            *_missing_values(table),
            *_chosen_columns(table),
            split_line(chosen, table.target),
            *_in_time(table, chosen),
        ],
        preprocess=_table_preprocess(table, by_kind),
        model=["  layers:", *dense_layers(chosen, table.target)],
        training=training_lines(chosen, table.target, table.rows),
    )
    numbers = table.rows * sum(feature.width for feature in table.features)
    return with_scaling(text, table.target, numbers)


def _in_time(table: Table, chosen: Plan) -> list[str]:
    """Returns the offer of parts in order, where the rows are: what comes later may be another."""
    if table.time is None or not chosen.validation:
        return []
    parts = {"by": table.time, "order": "time"}
    split = {**parts, "validation": chosen.validation, "test": chosen.test}
    lines = comment_lines(
        "The rows follow each other in time. To predict later ones, train on the past; "
        f"{shown(table.time)} is an input then only where `features` names it"
    )
    return [*lines, f"  # split: {flow(split)}"]


def _table_source(table: Table) -> list[str]:
    written, names = table.csv, table.target.names
    first = table_files(str(table.path))[0]
    form = form_of(first, "csv")
    lines = [f"  source: {form}", path_line(table.path, table.files)]
    if form == "excel" and len(found := sheets(first)) > 1:
        lines.append(commented(f"  sheet: {scalar(found[0])}", f"the first of {len(found)}"))
    if written is not None and not written.header:
        columns = len(table.features) + len(table.left_out) + len(names)
        told = f"the first line is a row, too: the columns are c1 to c{columns}"
        lines.append(commented("  header: false", told))
    if written is not None and written.separator != ",":
        lines.append(f"  separator: {scalar(written.separator)}")
    if written is not None and written.encoding != "utf-8":
        lines.append(f"  encoding: {written.encoding}")
    if len(names) == 1:
        return [*lines, f"  target: {scalar(names[0])}"]
    return [*lines, *scalar_list("target", names, indent=2)]


def _chosen_columns(table: Table) -> list[str]:
    """Returns what was left out and why, what stays, and what training would take for another."""
    lines: list[str] = []
    for feature in table.features:
        if feature.doubt:
            lines += comment_lines(
                f"{shown(feature.name)} {feature.doubt}: there is no better input"
            )
    if table.left_out:
        lines.append("  # Left out:")
        for column in table.left_out[:_MOST_REASONS]:
            lines += comment_lines(f"  {shown(column.name)} {column.reason}")
        left = len(table.left_out) - _MOST_REASONS
        lines += [f"  #   and {left} more"] if left > 0 else []
        kept = [feature.name for feature in table.features]
        out = [column.name for column in table.left_out]
        few = all(out) and len(out) <= len(kept)  # a column without a name cannot be named
        lines += scalar_list("exclude" if few else "features", out if few else kept, indent=2)
    return [*lines, *_forms(table)]


def _forms(table: Table) -> list[str]:
    """Returns which columns are written so that training must be told what their values mean."""
    named = {f.name: (f.written, f.example) for f in table.features if f.written}
    named |= {name: (told["written"], told["example"]) for name, told in table.stated.items()}
    lines = ["  columns:"] if named else []
    for name, (written, example) in named.items():
        if written == "text":
            told = f"words, such as {shown(example)}"
        elif isinstance(written, str):
            told = f"a month or quarter, such as {example}"
        else:
            told = f"`{cut(example, 30)}` is {meaning(example, written)}"
            said = {key: getattr(written, key) for key in keys(ColumnForm)}
            written = flow({k: v for k, v in said.items() if v != getattr(_PLAIN, k, None)})
        lines.append(commented(f"    {scalar(name)}: {written}", told))
    return lines


def _missing_values(table: Table) -> list[str]:
    """Returns what stands for a missing value, and what becomes of rows without a target.

    By column, where another column has one of the texts as a category: there it stays one.
    """
    found = {**{f.name: f.words for f in table.features}, **table.target.words}
    by_column = {name: words for name, words in found.items() if words}
    texts = list(dict.fromkeys(text for words in by_column.values() for text in words))
    categories = {f.name: f.categories for f in table.features}
    categories |= dict.fromkeys(table.target.names, table.target.classes)
    lines: list[str] = []
    for text in texts:
        lines += comment_lines(f"`{text}` means missing in {_places(text, by_column)}")
    if texts and set().union(*categories.values()).isdisjoint(texts):
        lines += scalar_list("missing_values", texts, indent=2)
    elif texts:
        lines.append("  missing_values:")
        for name, words in by_column.items():
            lines += scalar_list(scalar(name), words, indent=4)
    # Texts that stay categories, though they may stand for a missing value.
    having = {name: next(filter(stands_for_missing, own), "") for name, own in categories.items()}
    names = [name for name, text in having.items() if text]
    if names:
        kept = ", ".join(f"`{text}`" for text in sorted({having[name] for name in names}))
        told = f"{kept} is a category of {shown_list(names)}"
        lines += comment_lines(f"{told}; list it in missing_values if it is not")
    if table.target.missing:
        lacking = f"{plural(table.target.missing, 'row')} without a target"
        lines.append(commented("  missing_target: drop", f"{lacking}: nothing to learn from"))
    return lines


def _places(text: str, by_column: Mapping[str, Mapping[str, int]]) -> str:
    """Words for the rows of each column that have a text."""
    having = [(name, words[text]) for name, words in by_column.items() if text in words]
    told = [f"{plural(rows, 'row')} of {shown(name)}" for name, rows in having[:_MOST_PLACES]]
    left = len(having) - len(told)
    return ", ".join(told) + (f" and in {plural(left, 'more column')}" if left else "")


def _table_preprocess(table: Table, by_kind: Mapping[str, Sequence[str]]) -> list[str]:
    lines = []
    if by_kind["numeric"]:
        why = "between 0 and 1: the inputs look like pixels"
        lines.append(commented("  numeric: minmax", why) if table.pixels else _STANDARDIZE)
    if names := by_kind["categorical"]:
        why = f"{shown_list(names, 3)}: a 0 or 1 for each category"
        lines.append(commented("  categorical: one_hot", why))
    if names := by_kind["date"]:
        why = f"{shown_list(names, 3)}: year, month, day, …"
        lines.append(commented("  dates: parts", why))
        lines.append("  columns:")
        for feature in table.features:
            if feature.parts:
                lines.append(f"    {scalar(feature.name)}:")
                lines += mapping_lines("parts", feature.parts, indent=6)
    lines += TEXT_LINES if by_kind["text"] else []
    gaps = [feature for feature in table.features if feature.missing]
    words = ", ".join(f"{shown(gap.name)} ({plural(gap.missing, 'row')})" for gap in gaps[:3])
    more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
    why = f"missing in {words}{more}" if gaps else "none yet; fills what a later row may lack"
    return [*lines, commented("  missing: median", why)]


def _of_arrays(path: Path) -> str:
    """Reads the arrays as training will; raises `DataError`."""
    with NpzFile(path) as file:
        names = _names_of_arrays(path, file.names)
    data = NpzData(source="npz", path=str(path), arrays=Arrays(**names))
    parts = read_npz(data, SilentReporter())
    train = cast(RawArrays, parts.train)
    target, shape = judge_target(target_values(train)), train.x.shape[1:]
    chosen = plan(len(train), target.task, pictures=parts.image)
    if parts.image:
        bright = train.x.dtype == np.uint8 or float(train.x[:].max()) > 1
        preprocess, layers = [PIXELS] if bright else [], image_layers(shape[:2], target)
    else:
        flat = [] if len(shape) == 1 else [commented("    - Flatten", f"{shape} in a row")]
        preprocess, layers = [_STANDARDIZE], [*flat, *dense_layers(chosen, target)]
    other = [f"{key}: {scalar(name)}" for key, name in names.items() if key != name]
    arrays = [f"  arrays: {{{', '.join(other)}}}"] if other else []
    split = split_line(chosen, target, own_test=parts.test is not None)
    text = config_text(
        path,
        f"{plural(len(train), 'row')} of shape {shape}",
        target,
        len(train),
        data=["  source: npz", path_line(path), *arrays, split],
        preprocess=preprocess,
        model=["  layers:", *layers],
        training=training_lines(chosen, target, len(train)),
    )
    return with_scaling(text, target, math.prod(train.x.shape))


def _names_of_arrays(path: Path, present: Sequence[str]) -> Mapping[str, str]:
    """Returns which arrays are inputs and targets: the first usual name that the file has."""
    found = {
        key: next(name for name in usual if name in present)
        for key, usual in _ARRAYS.items()
        if any(name in present for name in usual)
    }
    if "x_train" not in found or "y_train" not in found:
        raise DataError(
            f"{path}: it is unclear which arrays are the inputs and the targets",
            expected="arrays named `x_train` and `y_train`",
            found=", ".join(f"`{name}`" for name in present[:10]) or "no arrays",
            hint="numpy.savez(FILE, x_train=..., y_train=...)",
        )
    if "x_test" not in found or "y_test" not in found:
        return {key: name for key, name in found.items() if not key.endswith("test")}
    return found
