"""How the package words values, limits and kinds in its findings."""

from __future__ import annotations

from dl.text import cut
from dl.vocabulary.spec import Kind

_KINDS = {
    Kind.LAYER: "a layer",
    Kind.CELL: "a cell of a recurrent layer",
    Kind.ACTIVATION: "an activation",
    Kind.INITIALIZER: "an initializer",
    Kind.REGULARIZER: "a regularizer",
    Kind.CONSTRAINT: "a constraint",
    Kind.LOSS: "a loss",
    Kind.METRIC: "a metric",
    Kind.OPTIMIZER: "an optimizer",
    Kind.SCHEDULE: "a learning-rate schedule",
    Kind.CALLBACK: "a callback",
}


def kind_words(kind: Kind) -> str:
    """Returns the kind with its article: `an optimizer`."""
    return _KINDS[kind]


def kind_noun(kind: Kind) -> str:
    """Returns the kind without an article: `optimizer`."""
    return _KINDS[kind].split(" ", 1)[1]


def plain(value: object) -> str:
    """Returns a value as YAML writes it, in full: `true`, `null`, `'a'`, `[1, 2]`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(plain(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) + "}"
    return repr(value)


def found_text(value: object) -> str:
    """Returns a value as YAML writes it, cut to a length that fits into a message."""
    return cut(plain(value))


def range_words(
    noun: str,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> str:
    """Returns a noun with its limits: `a number from 0 up to, but not including, 1`."""
    if minimum is not None and minimum == maximum:
        return f"{minimum:g}"
    if minimum is None and above is None:
        return f"{noun}{_only_high_words(maximum, below)}"
    if maximum is None and below is None:
        return f"{noun} of {minimum:g} or more" if above is None else f"{noun} above {above:g}"
    if above is None:
        high = f"to {maximum:g}" if below is None else f"up to, but not including, {below:g}"
        return f"{noun} from {minimum:g} {high}"
    high = f", up to {maximum:g}" if below is None else f" and below {below:g}"
    return f"{noun} above {above:g}{high}"


def _only_high_words(maximum: float | None, below: float | None) -> str:
    if maximum is not None:
        return f" of {maximum:g} or less"
    return "" if below is None else f" below {below:g}"
