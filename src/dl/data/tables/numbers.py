"""Texts to numbers, and the numbers that a network cannot be given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pyarrow
import pyarrow.compute as pc
from numpy.typing import NDArray

from dl.errors import DataError

LEADING_ZERO = r"^\s*[+-]?0[0-9]+\s*$"
NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$|^\s*$|^\s*[+-]?(?i:nan)\s*$"
WITH_COMMA = r"^\s*[+-]?[0-9]+(,[0-9]+)?\s*$"
_INTEGER = r"^\s*[+-]?[0-9]+\s*$"
_SAMPLE = 1000
_LARGEST_INTEGER = 2**53
_LARGEST = float(np.finfo(np.float32).max)


class ErrorAt(Protocol):
    """Makes the error about the value in a 0-based row."""

    def __call__(
        self, row: int, message: str, found: object, hint: str, expected: str
    ) -> DataError: ...


def parse_numbers(texts: Any) -> Any:
    """Returns an Arrow array of texts as float64, or None if one is no number."""
    for clean in (None, _trimmed):
        numbers = cast_texts(texts, pyarrow.float64(), clean)
        if numbers is not None:
            return numbers
    return None


def cast_texts(texts: Any, kind: Any, clean: Callable[[Any], Any] | None = None) -> Any:
    """Returns an Arrow array of texts, after `clean`, as another type; None if one cannot be.

    The first rows are tried on their own: where they fail, which takes Arrow long, the rest would
    take longer.
    """
    try:
        for part in (texts[:_SAMPLE], texts):
            result = pc.cast(part if clean is None else clean(part), kind)
    except pyarrow.ArrowInvalid:
        return None
    return result


def _trimmed(texts: Any) -> Any:
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def to_floats(numbers: Any) -> NDArray[np.float64]:
    """Returns an Arrow array of numbers as float64, NaN where null."""
    floats = pc.fill_null(pc.cast(numbers, pyarrow.float64(), safe=False), float("nan"))
    return np.array(floats.to_numpy(zero_copy_only=False))


def not_numbers(texts: Any) -> NDArray[np.bool_]:
    """Returns which texts are no numbers; null is none of them."""
    trimmed = pc.utf8_trim_whitespace(texts)  # also those that are no spaces in ASCII
    matches = pc.fill_null(pc.match_substring_regex(trimmed, NUMBER), True)
    return np.asarray(~matches.to_numpy(zero_copy_only=False))


def is_integral(values: NDArray[np.float64], written: Any) -> bool:
    """Whether all values are integers, as written: `3` is one, `3.0` is not."""
    if not pyarrow.types.is_string(written.type):
        return bool(pyarrow.types.is_integer(written.type))
    if not _whole(values).all():
        return False
    return bool(pc.all(pc.match_substring_regex(written, _INTEGER)).as_py())


def has_leading_zeros(values: NDArray[np.float64], texts: Any) -> bool:
    """Whether a text would lose something as a number: `00123`."""
    whole = _whole(values)
    if not whole.any():
        return False
    candidates = texts if whole.all() else texts.filter(pyarrow.array(whole))
    return bool(pc.any(pc.match_substring_regex(candidates, LEADING_ZERO)).as_py())


def _whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns which values are whole numbers or missing; a look at them saves one at the texts."""
    with np.errstate(invalid="ignore"):
        return np.asarray((values == np.floor(values)) | np.isnan(values))


def check_numbers(values: NDArray[np.float64], written: Any, error: ErrorAt) -> None:
    """Refuses infinite and too large numbers, and integers that float64 cannot tell apart.

    Raises:
        DataError: Made by `error` for the first such value.
    """
    with np.errstate(invalid="ignore"):
        too_large = np.abs(values) > _LARGEST
        large = np.abs(values) >= _LARGEST_INTEGER
    if too_large.any():
        row = int(np.argmax(too_large))
        what = "is infinite" if np.isinf(values[row]) else "is too large"
        raise error(
            row,
            what,
            written[row].as_py(),
            "correct the value, or leave the field empty and set `preprocess.missing`",
            f"a number between -{_LARGEST:.2g} and {_LARGEST:.2g}",
        )
    for row in np.flatnonzero(large).tolist():
        if _is_large_integer(written[row].as_py()):
            raise error(
                row,
                "holds an integer that is too large to be exact",
                written[row].as_py(),
                "leave an identifier out with `data.features`, or make it `categorical` in "
                "`data.columns`",
                "integers up to 2^53",
            )


def _is_large_integer(written: object) -> bool:
    text = str(written).strip()
    return text.lstrip("+-").isdigit() and abs(int(text[:400])) > _LARGEST_INTEGER
