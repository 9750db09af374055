"""The parts of the data: those with rows of their own, and shares of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dl.config.schema import Config
from dl.config.sections.data import Split, SyntheticData
from dl.data.arrays.synthetic import is_whole_truth
from dl.data.raw import Raw, RawParts
from dl.data.splits import Shares, divide
from dl.data.targets import Target, class_positions


@dataclass(frozen=True, slots=True)
class Pieces:
    """The raw rows of each part, and the shares that were taken for them."""

    train: Raw
    validation: Raw | None
    test: Raw | None
    shares: Shares


def divided(config: Config, parts: RawParts, target: Target, split: Split | Shares) -> Pieces:
    """Splits what is still to be split; a part that has rows of its own takes no share.

    Args:
        config: The config, for the seed.
        parts: All rows.
        target: What the target is; its classes are kept in proportion.
        split: The shares.

    Raises:
        DataError: A part would be empty, or the rows cannot be stratified as asked.
    """
    whole = isinstance(config.data, SyntheticData) and is_whole_truth(config.data)
    own_validation = whole or parts.validation is not None
    shares = Shares(
        validation=0.0 if own_validation or split.folds else split.validation,
        test=0.0 if whole or parts.test is not None else split.test,
        stratify=split.stratify,
        folds=None if own_validation else split.folds,
        fold=split.fold,
    )
    rows = parts.train
    one_class = target.task in ("binary", "multiclass") and not target.places
    labels = class_positions(rows, target) if one_class else None
    division = divide(rows.source, len(rows), shares, config.seed, labels, target.classes)
    validation = rows.take(division.validation) if shares.validates else parts.validation
    test = rows.take(division.test) if shares.test else parts.test
    unsplit = len(division.train) == len(rows)
    return Pieces(
        train=rows if unsplit else rows.take(division.train),
        validation=validation,
        test=test,
        shares=replace(shares, stratify=division.stratified),
    )
