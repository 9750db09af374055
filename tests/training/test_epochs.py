"""The order of the rows and how an epoch is cut."""

from __future__ import annotations

import numpy as np

from dl.model.randomness import derived_seed, row_order
from dl.training.steps import Batches


def test_order_is_a_permutation_that_seed_and_epoch_fix() -> None:
    order = row_order(1, 1, 50)

    assert sorted(order) == list(range(50))
    assert np.array_equal(order, row_order(1, 1, 50))
    assert not np.array_equal(order, row_order(1, 2, 50))
    assert not np.array_equal(order, row_order(2, 1, 50))


def test_order_never_changes_between_versions() -> None:
    assert row_order(0, 1, 8).tolist() == [5, 2, 4, 1, 6, 7, 0, 3]


def test_seed_depends_on_the_place() -> None:
    first = derived_seed(0, ("model", "layers", "dense"))

    assert first == derived_seed(0, ("model", "layers", "dense"))
    assert first != derived_seed(0, ("model", "layers", "dense_1"))
    assert first != derived_seed(1, ("model", "layers", "dense"))


def test_last_batch_is_a_call_of_its_own() -> None:
    batches = Batches(rows=10, size=4, seed=0, shuffle=False)

    whole, last = batches.calls(1, 5)

    assert whole.numbers.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert (whole.begin, whole.end, whole.first) == (0, 2, 0)
    assert last.numbers.tolist() == [[8, 9]]
    assert (last.begin, last.end, last.first) == (0, 1, 2)


def test_calls_have_at_most_the_given_steps() -> None:
    batches = Batches(rows=10, size=2, seed=0, shuffle=True)

    assert [(call.begin, call.end) for call in batches.calls(1, 2)] == [(0, 2), (2, 4), (4, 5)]


def test_full_batch_is_one_step_in_the_order_of_the_rows() -> None:
    (call,) = Batches(rows=3, size=3, seed=0, shuffle=True).calls(1, 1)

    assert call.numbers.tolist() == [[0, 1, 2]]
