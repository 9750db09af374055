"""The parts of the data: those with rows of their own, and shares of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dl.config.schema import Config
from dl.data.raw import Raw, RawParts
from dl.data.splits import Shares, divide
from dl.data.targets import Target, class_positions


@dataclass(frozen=True, slots=True)
class Pieces:
    """The raw rows of each part, and whether shares were split by class."""

    train: Raw
    validation: Raw | None
    test: Raw | None
    stratified: bool


def divided(config: Config, parts: RawParts, target: Target, stratify: bool | None) -> Pieces:
    """Splits what is still to be split; a part that has rows of its own takes no share.

    Args:
        config: The config, for the shares and the seed.
        parts: All rows.
        target: What the target is; its classes are kept in proportion.
        stratify: Whether to; None: if every class has enough rows.

    Raises:
        DataError: A part would be empty, or the rows cannot be stratified as asked.
    """
    split = config.data.split
    shares = Shares(
        validation=0.0 if parts.validation is not None else split.validation,
        test=0.0 if parts.test is not None else split.test,
        stratify=stratify,
    )
    rows = parts.train
    labels = class_positions(rows, target) if target.task in ("binary", "multiclass") else None
    division = divide(rows.source, len(rows), shares, config.seed, labels, target.classes)
    validation, test = (
        rows.take(positions) if share > 0 else None
        for positions, share in (
            (division.validation, shares.validation),
            (division.test, shares.test),
        )
    )
    return Pieces(
        train=rows.take(division.train) if validation or test else rows,
        validation=validation or parts.validation,
        test=test or parts.test,
        stratified=division.stratified,
    )


def stratified(learned: Mapping[str, Any]) -> bool:
    """Returns whether the run's rows were split by class."""
    return bool(learned["split"]["stratified"])
