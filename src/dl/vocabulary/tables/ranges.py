"""The types that many parameters share; a limit is written once."""

from __future__ import annotations

from collections.abc import Callable

from dl.vocabulary.types import (
    Boolean,
    Choice,
    Integer,
    ListOf,
    Number,
    OneOf,
    ParameterType,
    Text,
)

Row = tuple[ParameterType | Callable[[int], ParameterType], str]
"""The type, or what makes it from the number of spatial dimensions, and the description."""

BOOLEAN = Boolean()
INTEGER = Integer()
AMOUNT = Integer(0)
COUNT = Integer(1)
ANY_NUMBER = Number()
NOT_NEGATIVE = Number(minimum=0)
ABOVE_ZERO = Number(above=0)
SHARE = Number(minimum=0, maximum=1)
SHARE_BELOW_ONE = Number(minimum=0, below=1)
AXES = OneOf((INTEGER, ListOf(INTEGER)))
NUMBERS = OneOf((ANY_NUMBER, ListOf(ANY_NUMBER)))
NAME = Text(
    "a name of letters, digits, _ and -, that starts with a letter", "[A-Za-z][A-Za-z0-9_-]*"
)
DTYPE = Choice(
    (
        "float16",
        "float32",
        "float64",
        "bfloat16",
        "mixed_float16",
        "mixed_bfloat16",
        "int32",
        "int64",
        "uint8",
    )
)


def between(minimum: float, maximum: float) -> ParameterType:
    """Returns the type of a number, or of a lower and an upper one, within limits."""
    number = Number(minimum, maximum)
    return OneOf((number, ListOf(number, length=2)))


FACTOR = between(-1, 1)
FACTOR_OF_ONE = between(0, 1)


def size(rank: int, minimum: int = 1) -> ParameterType:
    """Returns the type of a size: one whole number, or one for each spatial dimension."""
    number = Integer(minimum)
    if rank == 1:
        return number
    return OneOf((number, ListOf(number, length=rank)))


def borders(rank: int) -> ParameterType:
    """Returns the type of what is added or cut at the borders of each spatial dimension."""
    both = ListOf(AMOUNT, length=2)
    if rank == 1:
        return OneOf((AMOUNT, both))
    return OneOf((AMOUNT, ListOf(OneOf((AMOUNT, both)), length=rank)))
