"""Numbers, scaled and back: what each way of scaling learns of the training rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dl.config.preprocess import Scaling
from dl.data.types import Array

_ROUNDING = 10 * np.finfo(np.float64).eps
"""A spread below this fraction of the center is the rounding of constant values."""
_LOST = 1e-3
"""Fraction of the range of a column that rounding to float32 may take: less is noise to a
network."""
_QUANTILES = 101
"""The percentiles: between two of them a share is interpolated."""


def fit_scaling(values: Array, scaling: Scaling) -> tuple[float, float]:
    """Returns what to subtract and to divide by; constant values are divided by 1.

    Of `log1p`, the logarithms are standardized. The center of `robust` is the median, its spread
    the distance of the quartiles.
    """
    if scaling in ("none", "quantile"):
        return 0.0, 1.0
    if scaling == "minmax":
        center = float(values.min())
        spread = float(values.max()) - center
    elif scaling == "robust":
        low, center, high = map(float, np.quantile(values, (0.25, 0.5, 0.75)))
        spread = high - low
    else:
        values = np.log1p(values) if scaling == "log1p" else values
        center, spread = float(values.mean()), float(values.std())
    return center, spread if spread > _ROUNDING * abs(center) else 1.0


def fit_quantiles(values: Array) -> tuple[float, ...]:
    """Returns the percentiles, evenly spread from the least to the largest value."""
    found = np.quantile(values, np.linspace(0, 1, min(_QUANTILES, len(values))))
    return tuple(np.maximum.accumulate(found).tolist())  # rounding can make them fall


def scaled(
    values: Array,
    scaling: str,
    center: float | Sequence[float],
    spread: float | Sequence[float],
    quantiles: Sequence[float] = (),
) -> NDArray[np.float64]:
    """Returns numbers as the network sees them, in their shape; see `fit_scaling`."""
    if scaling == "quantile":
        return _shares(values, np.array(quantiles))
    values = np.log1p(values) if scaling == "log1p" else values
    return np.asarray((values - np.asarray(center)) / np.asarray(spread))


def unscaled(
    values: Array,
    scaling: str,
    center: float | Sequence[float],
    spread: float | Sequence[float],
    quantiles: Sequence[float] = (),
) -> NDArray[np.float64]:
    """Returns scaled numbers in their own unit, in their shape."""
    if scaling == "quantile":
        return np.interp(values, np.linspace(0, 1, len(quantiles)), quantiles)
    values = values * np.asarray(spread) + np.asarray(center)
    with np.errstate(over="ignore"):  # infinite numbers are told of where they are looked at
        return np.asarray(np.expm1(values) if scaling == "log1p" else values)


def _shares(values: Array, quantiles: Array) -> NDArray[np.float64]:
    """Returns the share of the training rows below each value, 0 to 1.

    Of a value that is several quantiles, it is the middle of theirs, as in scikit-learn.
    """
    shares = np.linspace(0, 1, len(quantiles))
    above = -np.interp(-values, -quantiles[::-1], -shares[::-1])
    found = (np.interp(values, quantiles, shares) + above) / 2
    return np.select([values <= quantiles[0], values >= quantiles[-1]], [0.0, 1.0], found)


def loses_digits(blocks: Iterable[Array]) -> bool:
    """Tells whether float32 rounds a column, given in blocks (values, columns), too much."""
    extremes = []
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks:
            if len(block):
                rounded = block.astype(np.float32)
                # What float32 does not hold at all is refused elsewhere.
                lost = np.where(np.isfinite(rounded), np.abs(block - rounded), 0)
                extremes.append((block.min(axis=0), block.max(axis=0), lost.max(axis=0)))
    if not extremes:
        return False
    low, high, lost = (np.array(each) for each in zip(*extremes, strict=True))
    width = high.max(axis=0) - low.min(axis=0)
    return bool(((width > 0) & (lost.max(axis=0) > _LOST * width)).any())
