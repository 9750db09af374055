"""Arrays as they were read, as the model's `x`: channel axis, pixel scale, scaling of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dl.config.preprocess import Scaling
from dl.data.requirements import Requirements, Tokens
from dl.data.scaling import loses_digits
from dl.data.types import Array, LazyRows, RawArrays, Rows
from dl.errors import DataError
from dl.progress import Reporter
from dl.rundir.typed import Count, Finite, NotZero
from dl.vocabulary.spec import Findings

BYTES = 255.0
_BLOCK = 4096
"""Rows that are looked at at once: no second copy of all of them is needed."""
_NEAR = 16
"""So many spreads from 0, float32 rounds what is scaled by a millionth, and is fast; beyond it, of
1.7e9 and its neighbours only every 128th is left."""


@dataclass(frozen=True, slots=True)
class ArrayFeature:
    """How arrays become `x`: `(value / scale - center) / spread`.

    Attributes:
        shape: The shape of a row as read.
        channel_axis: Whether a last axis of length 1 is added.
        dtype: `int32` for token numbers, which stay what they are.
        scale: What every value is divided by, before the scaling of numbers.
        scaling: How numbers are scaled.
        center: One for pictures, else one for each position on the last axis; none without scaling.
        spread: As `center`.
        image: Whether a row is a picture.
        pixel_max: The value of `x` that is full brightness.
    """

    shape: tuple[Count, ...]
    channel_axis: bool
    dtype: Literal["float32", "int32"]
    scale: NotZero
    scaling: Scaling
    center: tuple[Finite, ...]
    spread: tuple[NotZero, ...]
    image: bool
    pixel_max: Finite
    kind: Literal["array"] = "array"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of a row of `x`."""
        return (*self.shape, 1) if self.channel_axis else self.shape

    @property
    def own_scaling(self) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """What is subtracted from values as read and what they are divided by, if anything."""
        if self.scale == 1 and self.scaling == "none":
            return None
        center, spread = self.center or (0.0,), self.spread or (1.0,)
        return (
            tuple(self.scale * value for value in center),
            tuple(self.scale * value for value in spread),
        )


def fit_arrays(
    train: RawArrays, needs: Requirements, image: bool, reporter: Reporter
) -> ArrayFeature:
    """Returns how arrays become the model's inputs, fitted on the training rows.

    A picture of shape (height, width) gets a channel axis where the model begins with a layer that
    needs one, or where the config states a shape with one.

    Args:
        train: The training rows.
        needs: What the config asks of the data.
        image: Whether the source says that rows are pictures.
        reporter: Is told when a channel axis is added.

    Raises:
        Findings: float32 cannot tell the numbers apart without scaling.
    """
    x, shape, preprocess = train.x, train.x.shape[1:], needs.preprocess
    is_bytes, channel_axis = x.dtype == np.uint8, _lacks_channels(shape, needs)
    if channel_axis:
        what = "volumes" if needs.takes_volumes else "pictures"
        reporter.note(
            f"{train.source}: a channel axis is added to the {what}: {shape} becomes {(*shape, 1)}"
        )
    image = image or channel_axis or (len(shape) == 3 and needs.takes_pictures)
    scale, scaling = 1.0, preprocess.scaling(columns=False)
    if needs.tokens is not None:
        scaling = "none"
    else:
        scale = preprocess.scale or (BYTES if is_bytes and not needs.rescales else 1.0)
        _refuse_lost_digits(x, scaling)
    center, spread = _fit_scaling(x, scale, scaling, 1 if image else x.shape[-1])
    pixel_max = 1.0
    if image:
        pixel_max = (BYTES if is_bytes else float(x[:].max())) / scale
        pixel_max = (pixel_max - center[0]) / spread[0] if center else pixel_max
    return ArrayFeature(
        shape=shape,
        channel_axis=channel_axis,
        dtype="float32" if needs.tokens is None else "int32",
        scale=scale,
        scaling=scaling,
        center=center,
        spread=spread,
        image=image,
        pixel_max=pixel_max,
    )


def _lacks_channels(shape: tuple[int, ...], needs: Requirements) -> bool:
    """Tells whether rows of a shape get an axis of channels, which the config states or needs."""
    if (stated := needs.input_shape) is not None:
        return len(stated) == len(shape) + 1 and stated[-1] in (1, None)
    return needs.takes_volumes if len(shape) == 3 else len(shape) == 2 and needs.takes_pictures


def _refuse_lost_digits(x: Rows, scaling: Scaling) -> None:
    exact = x.dtype.itemsize < 4 or x.dtype == np.float32
    if exact or scaling != "none" or not loses_digits(_blocks(x, x.shape[-1])):
        return
    raise Findings.one(
        ("preprocess", "numeric"),
        "leaves inputs that a network cannot tell apart: some are far from 0 for their "
        "range, and float32 rounds them",
        expected="scaled inputs",
        found=f"{x.dtype} numbers, not scaled",
        hint="write preprocess: {numeric: standardize}",
    )


def _fit_scaling(
    x: Rows, scale: float, scaling: Scaling, columns: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns centers and spreads, one for each column."""
    if scaling == "none":
        return (), ()
    if scaling == "minmax":
        limits = [(block.min(axis=0), block.max(axis=0)) for block in _blocks(x, columns)]
        center = np.min([low for low, _ in limits], axis=0) / scale
        spread = np.max([high for _, high in limits], axis=0) / scale - center
    else:
        count = int(np.prod(x.shape, dtype=np.int64)) // columns
        mean = sum(block.sum(axis=0, dtype=np.float64) for block in _blocks(x, columns)) / count
        squares = sum(
            ((block - mean) ** 2).sum(axis=0, dtype=np.float64) for block in _blocks(x, columns)
        )
        center, spread = mean / scale, np.sqrt(squares / count) / scale
    # The spread of constant values is the rounding of their sum.
    constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(center)
    return tuple(center.tolist()), tuple(np.where(constant, 1.0, spread).tolist())


def _blocks(x: Rows, columns: int) -> Iterator[Array]:
    """Yields the values in blocks of rows, shape (values, columns)."""
    for start in range(0, len(x), _BLOCK):
        yield x[start : start + _BLOCK].reshape(-1, columns)


def transform_arrays(raw: RawArrays, feature: ArrayFeature, tokens: Tokens | None = None) -> Rows:
    """Returns `x`, shape (rows, *input_shape); rows that are ready already are not copied.

    Rows that lie on the disk stay there as they are, and are transformed each time they are read.

    Args:
        raw: The rows as they were read.
        feature: What was fitted on the training rows.
        tokens: What the model looks up, if it does.

    Raises:
        DataError: The rows have another shape, a value is missing or infinite, or cannot be looked
            up.
    """
    if raw.x.shape[1:] not in (feature.input_shape, feature.shape):
        raise DataError(
            f"{raw.source}: a row has another shape than the model was made for",
            expected=f"rows of the shape {feature.shape}",
            found=f"the shape {raw.x.shape[1:]}",
            hint="give the rows in the form of the training data",
        )
    if isinstance(raw.x, np.ndarray):
        return _transformed(raw, raw.x, feature, tokens)
    for start in range(0, len(raw), _BLOCK) if tokens else ():
        block = raw.take(np.arange(start, min(start + _BLOCK, len(raw))))
        _transformed(block, block.x[:], feature, tokens)
    # Pictures stay bytes on the disk, which take a quarter of the space.
    return LazyRows(
        (len(raw), *feature.input_shape),
        np.dtype(feature.dtype),
        lambda rows: _transformed(raw, raw.x[rows], feature, None),
    )


def _transformed(
    raw: RawArrays, read: Array, feature: ArrayFeature, tokens: Tokens | None
) -> Array:
    """Transforms values of the rows; `raw` is for messages.

    Without `tokens`, numbers that are looked up are not looked at.
    """
    values = read[..., np.newaxis] if read.shape[1:] != feature.input_shape else read
    if feature.dtype == "int32":
        if tokens is not None and (wrong := tokens.unknown(values)).any():
            first = tuple(int(place) for place in np.argwhere(wrong)[0])
            place = f"{raw.row_place(first[0])}: an input"
            raise tokens.error(place, values, first, "number the words or categories from 0 on")
        return values.astype(np.int32, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        x = _scaled(values, feature)
    if read.dtype.kind == "f":
        _refuse_no_number(raw, read, x)
    return x


def _scaled(values: Array, feature: ArrayFeature) -> Array:
    """Returns the values as float32, which is the last step where they lie far from 0."""
    center, spread = np.array(feature.center), np.array(feature.spread)
    if (np.abs(center) > _NEAR * spread).any():
        x = np.empty(values.shape, np.float32)
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK].astype(np.float64) / feature.scale
            x[start : start + _BLOCK] = (block - center) / spread
        return x
    if feature.scale == 1:
        x = values.astype(np.float32, copy=feature.scaling != "none")
    else:
        x = np.divide(values, np.float32(feature.scale), dtype=np.float32)
    if feature.scaling != "none":
        x -= center.astype(np.float32)
        x /= spread.astype(np.float32)
    return x


def _refuse_no_number(raw: RawArrays, read: Array, x: Array) -> None:
    for start in range(0, len(x), _BLOCK):
        finite = np.isfinite(x[start : start + _BLOCK])
        if finite.all():
            continue
        row = int(np.argmax(~finite.reshape(len(finite), -1).all(axis=1)))
        place = tuple(int(i) for i in np.argwhere(~finite[row])[0])[: read.ndim - 1]
        raise DataError(
            f"{raw.row_place(start + row)}: an input is not a finite number",
            expected="finite numbers (`preprocess.missing` is for tables only)",
            found=f"{read[(start + row, *place)]} at position {list(place)}",
            hint="fill or leave out such rows before you save the arrays",
        )
