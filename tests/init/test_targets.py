import numpy as np
import pytest
from scipy.stats import skew

from dl.data.target_values import TargetValues
from dl.errors import DataError
from dl.init.columns import judge_target
from dl.init.plan import Target


def numbers(values: object, *names: str) -> TargetValues:
    array = np.array(values, dtype=np.float64)
    return TargetValues(names or ("y",), array.reshape(len(array), -1), None, "a.csv", str)


def words(values: list[str]) -> TargetValues:
    names = sorted(set(values))
    positions = np.array([names.index(value) for value in values], dtype=np.int32)
    return TargetValues(("y",), positions, tuple(names), "a.csv", str)


def test_two_words_are_binary() -> None:
    expected = Target(("y",), "binary", ("no", "yes"), rarest=1, second=2)
    assert judge_target(words(["yes", "no", "yes"])) == expected


def test_several_words_are_classes() -> None:
    assert judge_target(words(["a", "b", "c"] * 3)).task == "multiclass"


def test_zero_and_one_are_binary() -> None:
    expected = Target(("y",), "binary", ("0", "1"), rarest=1, second=2)
    assert judge_target(numbers([0, 1, 1])) == expected


def test_whole_numbers_that_repeat_are_classes() -> None:
    expected = Target(("y",), "multiclass", ("1", "2", "3"), rarest=10)
    assert judge_target(numbers([1, 2, 3] * 10)) == expected


@pytest.mark.parametrize(
    "values",
    [[0.5, 1.5, 2.0] * 10, list(range(30)) * 10, [1, 2, 3, 4]],
    ids=["fractions", "many", "few"],
)
def test_other_numbers_are_regression(values: list[float]) -> None:
    target = judge_target(numbers(values))
    assert target.task == "regression"
    assert target.span == (min(values), max(values))


def test_the_skewness_of_a_single_number_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).lognormal(size=200)
    assert judge_target(numbers(values)).skewness == pytest.approx(float(skew(values)))


def test_flags_with_a_single_one_are_classes() -> None:
    target = judge_target(numbers([[1, 0, 0], [0, 1, 0], [0, 0, 1]], "a", "b", "c"))
    assert target == Target(("a", "b", "c"), "multiclass", ("a", "b", "c"), rarest=1)


def test_other_flags_are_labels() -> None:
    target = judge_target(numbers([[1, 1], [0, 1]], "a", "b"))
    assert target == Target(("a", "b"), "multilabel", ("a", "b"), rarest=1)


def test_several_numbers_are_regression() -> None:
    assert judge_target(numbers([[1.5, 1], [0, 7]], "a", "b")).task == "regression"


def test_a_constant_target_is_refused() -> None:
    with pytest.raises(DataError, match="the target `y` is the same in every row"):
        judge_target(numbers([3, 3]))


def test_free_text_as_target_is_refused() -> None:
    with pytest.raises(DataError, match="has nearly as many values as rows"):
        judge_target(words([f"text {i}" for i in range(30)]))


@pytest.mark.parametrize("words_of_steps", [None, ("a", "b")])
def test_several_axes_are_refused(words_of_steps: tuple[str, ...] | None) -> None:
    steps = np.zeros((6, 4) if words_of_steps else (6, 4, 3), np.int32)
    with pytest.raises(DataError) as raised:
        judge_target(TargetValues(("target",), steps, words_of_steps, "a.npz", str))
    (problem,) = raised.value.problems
    assert problem.message == (
        "a.npz: the target has several axes, as for the steps of a sequence or a mask"
    )
    assert problem.found == f"{'4' if words_of_steps else '4 x 3'} values for each row"
