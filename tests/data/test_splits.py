"""Splitting rows by shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.config.data import Split
from dl.data.split import split_rows
from dl.errors import DataError
from support.tables import told


def fractions(validation: float, test: float, stratify: bool | None = None, **folds: int) -> Split:
    return Split(validation=validation, test=test, stratify=stratify, **folds)


def test_shares_are_rounded_to_the_nearest_row() -> None:
    division = split_rows("rows", 9, fractions(0.3, 0.2, None), 0, None)
    assert [len(part) for part in (division.train, division.validation, division.test)] == [4, 3, 2]


def test_the_seed_decides() -> None:
    first, again, other = (
        split_rows("rows", 100, fractions(0.2, 0.2, None), seed, None).test for seed in (1, 1, 2)
    )
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_the_split_is_the_same_for_ever() -> None:
    labels = np.array([0, 1] * 6)
    division = split_rows("rows", 12, fractions(0.2, 0.25, None), 7, labels)
    assert division.test.tolist() == [2, 6, 11]
    assert division.validation.tolist() == [7, 10]


def test_classes_keep_their_shares() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    division = split_rows("rows", 100, fractions(0.1, 0.2, None), 0, labels)
    assert division.stratified
    assert np.bincount(labels[division.test]).tolist() == [12, 6, 2]
    assert np.bincount(labels[division.validation]).tolist() == [6, 3, 1]


def test_no_stratifying_by_default_with_a_rare_class() -> None:
    labels = np.array([0] * 9 + [1])
    assert not split_rows("rows", 10, fractions(0.2, 0.2, None), 0, labels).stratified


def test_no_stratifying_if_nothing_is_split() -> None:
    division = split_rows("rows", 4, fractions(0, 0, None), 0, np.array([0, 1, 0, 1]))
    assert not division.stratified
    assert division.train.tolist() == [0, 1, 2, 3]


def test_rare_class_if_stratifying_is_asked_for() -> None:
    labels = np.array([0] * 9 + [1])
    shares = fractions(0, 0.2, True)
    assert told(lambda: split_rows("rows", 10, shares, 0, labels, ["common", "rare"])) == (
        "data.split.stratify: the class 'rare' has 1 row\n"
        "expected: at least 2 rows of each class, one for each part\n"
        "hint: add rows, leave the class out, or write `stratify: false`"
    )


def test_no_row_left_for_training() -> None:
    assert told(lambda: split_rows("rows", 4, fractions(0.5, 0.5, None), 0, None)) == (
        "rows: no row is left for training\n"
        "expected: fractions of 4 rows that leave some\n"
        "found: 2 for validation, 2 for the test\n"
        "hint: make `data.split.validation` or `data.split.test` smaller"
    )


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=60),
    validation=st.floats(0, 0.6),
    test=st.floats(0, 0.6),
    seed=st.integers(0, 2**32 - 1),
    stratify=st.sampled_from([None, True, False]),
)
def test_every_row_is_in_one_part(
    labels: list[int], validation: float, test: float, seed: int, stratify: bool | None
) -> None:
    shares = fractions(validation, test, stratify)
    try:
        division = split_rows("rows", len(labels), shares, seed, np.array(labels), list("abcde"))
    except DataError:
        return
    parts = (division.train, division.validation, division.test)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert all(part.tolist() == sorted(part.tolist()) for part in parts)
    assert len(division.train) > 0
    if division.stratified:
        assert set(np.array(labels)[division.train]) == set(labels)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_share_below_half_a_row(rows: int) -> None:
    assert told(lambda: split_rows("rows", rows, fractions(0, 0.1, None), 0, None)).startswith(
        "rows: the test part is empty"
    )


@pytest.mark.parametrize("labels", [None, np.arange(53) % 3], ids=["plain", "by class"])
def test_the_folds_share_all_rows_but_those_of_the_test(labels: np.ndarray | None) -> None:
    parts = [
        split_rows("rows", 53, fractions(0, 0.2, None, folds=5, fold=fold), 7, labels)
        for fold in range(1, 6)
    ]
    validated = np.concatenate([part.validation for part in parts])
    assert sorted([*validated, *parts[0].test]) == list(range(53))
    assert {len(part.validation) for part in parts} == {8, 9}
    assert all(np.array_equal(part.test, parts[0].test) for part in parts)


def test_each_fold_keeps_the_shares_of_the_classes() -> None:
    labels = np.repeat([0, 1], [40, 60])
    part = split_rows("rows", 100, fractions(0, 0, None, folds=5, fold=2), 7, labels)
    assert np.bincount(labels[part.validation]).tolist() == [8, 12]


def test_more_folds_than_rows() -> None:
    text = told(lambda: split_rows("rows", 3, fractions(0, 0, False, folds=5), 0, None))
    assert text == (
        "rows: the folds are more than the rows\nexpected: at most 3\nfound: `data.split.folds: 5`"
    )
