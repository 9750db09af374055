"""The section `preprocess`: how rows become numbers; learned on the training part only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dl.config.sections.base import Finite, PositiveFloat, Section

Scaling = Literal["standardize", "minmax", "none"]
TargetScaling = Literal["standardize", "minmax", "minmax_signed", "none"]


class Preprocess(Section):
    """What happens to the columns of a table, to pixels and to the target."""

    numeric: Scaling | None = Field(
        default=None,
        description="Scaling of numbers. Default: standardize for csv, parquet and builtin; none "
        "for arrays, images and synthetic rows.",
    )
    categorical: Literal["one_hot", "ordinal"] = Field(
        default="one_hot", description="Encoding of categories."
    )
    unseen: Literal["zeros", "error"] = Field(
        default="zeros",
        description="A category that the training part had not: all zeros (ordinal: -1) with a "
        "warning, or an error. Always an error where an Embedding looks up ordinal numbers.",
    )
    missing: Literal["error", "mean", "median", "most_frequent", "drop"] = Field(
        default="error",
        description="Missing values: refuse, fill (a category always by the most frequent), or "
        "drop the row. Rows to predict are never dropped: they are filled by the median.",
    )
    dates: Literal["parts", "drop"] = Field(
        default="parts", description="Dates: year, month, day, weekday… as numbers, or left out."
    )
    target: TargetScaling = Field(
        default="none",
        description="Scaling of a regression target; undone at prediction, metrics are in the "
        "target's own unit. minmax: to 0..1, the range of a sigmoid; minmax_signed: to -1..1, the "
        "range of a tanh.",
    )
    target_range: tuple[Finite, Finite] | None = Field(
        default=None,
        description="Least and greatest possible value of the target, for minmax and "
        "minmax_signed. Default: those of the training part.",
    )
    scale: PositiveFloat | None = Field(
        default=None,
        description="Divide pixels by this. Default: 255 for images and for arrays of bytes, "
        "else 1.",
    )

    def scaling(self, *, columns: bool) -> Scaling:
        """Returns how numbers are scaled: those in the columns of a table, or in arrays."""
        return self.numeric or ("standardize" if columns else "none")
