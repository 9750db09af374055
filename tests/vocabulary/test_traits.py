"""The facts on names of Keras: each name is one of the vocabulary, and stands in one kind."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dl.vocabulary import traits
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind

BEGINNINGS = ("OF_STEPS_OR_PIXELS",)
PARAMETERS = ("LIMITS_OF_GRADIENTS",)
DATA_SETS = ("BUILTIN", "KERAS", "SYNTHETIC", "WORDS", "LENGTH")
OTHERS = BEGINNINGS + PARAMETERS + DATA_SETS
TRAITS = {
    name: [value] if isinstance(value, str) else value
    for name, value in vars(traits).items()
    if name.isupper() and not name.startswith("_")
}


@pytest.mark.parametrize("name", [name for name in TRAITS if name not in OTHERS])
def test_names_of_a_trait_are_all_of_one_kind(name: str) -> None:
    names: Iterable[str] = TRAITS[name]
    assert any(set(names) <= set(entries(kind)) for kind in Kind)


def test_beginnings_of_names_are_those_of_layers() -> None:
    for start in traits.OF_STEPS_OR_PIXELS:
        assert any(name.startswith(start) for name in entries(Kind.LAYER))


def test_limits_of_gradients_are_parameters_of_optimizers() -> None:
    assert set(traits.LIMITS_OF_GRADIENTS) <= set(entries(Kind.OPTIMIZER)["Adam"].parameters)


def test_rates_are_in_their_range() -> None:
    assert all(least < start < most for least, most, start in traits.RATES.values())
