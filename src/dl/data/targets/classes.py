"""The classes of a target of one column: their names, their order, and what stands for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dl.data.targets.values import TargetValues
from dl.errors import DataError, closest
from dl.text import listing
from dl.vocabulary.spec import Findings

_NamesAndValues = tuple[tuple[str, ...], tuple[str, ...]]


def class_names_and_values(
    several: Sequence[TargetValues],
    chosen: tuple[str, ...] | None,
    class_names: tuple[str, ...] | None,
) -> _NamesAndValues:
    """Returns the names of the classes in the order of the outputs, and the value of each.

    Without names, the distinct values are the classes: numbers by size, words by code point.
    `data.classes` sets the order where it holds every value (or every name that the source has for
    one); else it names the class numbers 0, 1, 2, ...

    Args:
        several: The target of all parts.
        chosen: `data.classes`.
        class_names: Names of the class numbers, where the source knows them.

    Raises:
        DataError: A value stands for none of the given classes.
        Findings: `data.classes` names fewer classes than the source has.
    """
    known = _known(several)
    numbers = tuple(str(number) for number in range(len(chosen or class_names or ())))
    if class_names is not None and set(known) <= {str(n) for n in range(len(class_names))}:
        return _named_by_source(known, chosen, class_names)
    if chosen is None:
        return known, known
    if set(known) <= set(chosen):
        return chosen, chosen
    if set(known) <= set(numbers):
        return chosen, numbers
    raise _unknown(several, chosen)


def _named_by_source(
    known: tuple[str, ...], chosen: tuple[str, ...] | None, class_names: tuple[str, ...]
) -> _NamesAndValues:
    numbers = {name: str(number) for number, name in enumerate(class_names)}
    if chosen is None:
        return class_names, tuple(numbers.values())
    if {class_names[int(value)] for value in known} <= set(chosen):
        return chosen, tuple(numbers.get(name, name) for name in chosen)
    if len(chosen) < len(class_names):
        raise Findings.one(
            ("data", "classes"),
            "names fewer classes than the data has",
            expected=f"{len(class_names)} names, in the order of the classes "
            + listing(map(repr, class_names), "", 10),
            found=f"{len(chosen)} names",
            hint="name every class, or leave classes out",
        )
    return chosen, tuple(str(number) for number in range(len(chosen)))


def _known(several: Sequence[TargetValues]) -> tuple[str, ...]:
    """Returns the distinct values of all parts, sorted."""
    values = set[str]().union(*(target.used() for target in several))
    if any(target.words is not None for target in several):
        return tuple(sorted(values))
    return tuple(sorted(values, key=float))


def _unknown(several: Sequence[TargetValues], chosen: tuple[str, ...]) -> DataError:
    for target in several:
        strangers = sorted(target.used() - set(chosen))
        if strangers:
            return unknown_class(target, chosen, strangers)
    raise AssertionError("called without an unknown value")  # pragma: no cover


def unknown_class(
    target: TargetValues, classes: Sequence[str], strangers: Sequence[str]
) -> DataError:
    """Returns the error for the first row whose value is among `strangers`."""
    positions, texts = target.distinct()
    numbers = [position for position, text in enumerate(texts) if text in set(strangers)]
    first = int(np.argmax(np.isin(positions, numbers)))
    value = texts[positions[first]]
    row = first * len(target.values) // len(positions)
    near = closest(value, classes)
    advice = "correct the value, or name all classes in `data.classes`"
    return DataError(
        f"{target.place(row)}: the target {target.title} has a value that is not a known class",
        expected="one of " + listing(map(repr, classes), "", 10),
        found=repr(value),
        hint=f"did you mean {near!r}? Otherwise {advice}" if near else advice,
    )
