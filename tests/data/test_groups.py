"""Whole groups to parts: what is promised of any of them, and scikit-learn beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from dl.data.split import share_out, shuffled


def shared(
    groups: np.ndarray,
    labels: np.ndarray | None,
    fractions: Sequence[float],
    seed: int = 0,
    tries: int = 1,
) -> np.ndarray:
    count = int(groups.max()) + 1
    orders = [shuffled(count, seed + attempt) for attempt in range(tries)]
    return share_out(groups, labels, fractions, [1] * len(fractions), orders)


def distance(part: np.ndarray, labels: np.ndarray, fractions: Sequence[float]) -> float:
    """Returns the chi-square, by its formula."""
    totals = np.bincount(labels)
    have = [np.bincount(labels[part == i], minlength=len(totals)) for i in range(len(fractions))]
    wanted = np.outer(fractions, totals)
    used = wanted > 0
    return float(((np.array(have) - wanted)[used] ** 2 / wanted[used]).sum())


rows_of_groups = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 2)), min_size=20, max_size=80
).filter(lambda rows: len({group for group, _ in rows}) >= 3)
some_fractions = st.sampled_from([(0.8, 0.2), (0.5, 0.5), (0.9, 0.1), (1 / 3, 1 / 3, 1 / 3)])


@settings(deadline=None)
@given(rows=rows_of_groups, fractions=some_fractions, seed=st.integers(0, 99))
def test_groups_stay_whole_and_no_single_one_would_be_better_elsewhere(
    rows: list[tuple[int, int]], fractions: tuple[float, ...], seed: int
) -> None:
    _, groups = np.unique([group for group, _ in rows], return_inverse=True)
    labels = np.array([label for _, label in rows])
    part = shared(groups, labels, fractions, seed)
    assert set(part.tolist()) == set(range(len(fractions)))
    assert all(len(set(part[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    best = distance(part, labels, fractions)
    for group in set(groups.tolist()):
        for other in range(len(fractions)):
            moved = np.where(groups == group, other, part)
            if set(moved.tolist()) == set(range(len(fractions))):
                assert distance(moved, labels, fractions) >= best - 1e-6


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=40),
    fraction=st.floats(0.05, 0.6),
    seed=st.integers(0, 99),
)
def test_a_part_is_as_large_as_wanted_to_within_half_of_a_group(
    sizes: list[int], fraction: float, seed: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    part = shared(groups, None, (1 - fraction, fraction), seed)
    apart = int((part == 1).sum()) - fraction * len(groups)
    donor = np.unique(groups[part == (1 if apart > 0 else 0)])
    smallest = min(sizes[group] for group in donor)
    assert abs(apart) <= smallest / 2 + 1e-6 or len(donor) == 1


def test_groups_of_one_row_share_the_rows_exactly() -> None:
    part = shared(np.arange(100), None, [0.2] * 5)
    assert np.bincount(part).tolist() == [20] * 5


def test_the_order_decides() -> None:
    groups = np.repeat(np.arange(12), 5)
    first, again, other = (shared(groups, None, (0.7, 0.3), seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_each_part_has_the_groups_that_it_needs() -> None:
    groups = np.repeat([0, 1, 2], [1, 1, 100])
    part = share_out(groups, None, (0.1, 0.9), (2, 1), [np.arange(3)])
    assert np.bincount(part).tolist() == [2, 100]


def test_classes_come_nearer_to_their_shares_than_by_scikit_learn() -> None:
    """In folds, where both do the same; scikit-learn's is greedy, over groups of falling spread."""
    nearer, ours, theirs = [], 0.0, 0.0
    for seed in range(40):
        random = np.random.default_rng(seed)
        count, folds = int(random.integers(8, 40)), int(random.integers(2, 6))
        groups = np.concatenate([np.arange(count), random.integers(0, count, 8 * count)])
        shares = random.dirichlet([2, 2, 2], size=count)
        labels = np.array([random.choice(3, p=shares[group]) for group in groups])
        fractions = [1 / folds] * folds
        part = shared(groups, labels, fractions, tries=10)
        other = np.zeros(len(groups), int)
        sorted_out = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
        for fold, (_, rows) in enumerate(sorted_out.split(labels, labels, groups)):
            other[rows] = fold
        ours += distance(part, labels, fractions)
        theirs += distance(other, labels, fractions)
        nearer.append(distance(part, labels, fractions) <= distance(other, labels, fractions))
    assert np.mean(nearer) > 0.8
    assert ours < 0.6 * theirs


@pytest.mark.slow
def test_many_groups_are_shared_out_in_seconds() -> None:
    groups = np.repeat(np.arange(100_000), 3)
    part = shared(groups, np.arange(len(groups)) % 2, (0.8, 0.2))
    assert abs((part == 1).mean() - 0.2) < 1e-4
