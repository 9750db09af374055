"""Proposes a first config for whatever data a user has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dl.errors import UsageError
from dl.init.array_draft import draft_arrays
from dl.init.draft import Draft, text_of
from dl.init.image_draft import draft_images
from dl.init.table_draft import draft_table
from dl.init.tables import read_table


def first_config(path: Path, targets: Sequence[str]) -> str:
    """Returns the text of a config that trains well on this file or folder as it is.

    Args:
        path: A CSV, Parquet or npz file, or a folder of class folders; it is written as given.
        targets: The columns to predict, for a table.

    Raises:
        DataError: The data cannot be used.
        UsageError: The target of a table is not named, or there is none to name.
    """
    return text_of(_draft(path, targets))


def _draft(path: Path, targets: Sequence[str]) -> Draft:
    if path.is_dir():
        _refuse_target(path, targets, "the name of its folder is the class of a picture")
        return draft_images(path)
    if path.suffix.lower() == ".npz":
        _refuse_target(path, targets, "the array `y_train` holds the targets")
        return draft_arrays(path)
    return draft_table(read_table(path, targets))


def _refuse_target(path: Path, targets: Sequence[str], why: str) -> None:
    if targets:
        raise UsageError(
            f"{path}: --target is for tables",
            expected=f"no --target: {why}",
            found=f"--target {targets[0]}",
            hint=f"dl init {path}",
        )
