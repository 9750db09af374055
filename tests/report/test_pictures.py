from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from dl.report import examples, mistakes
from dl.report.answers import worst_rows
from support.pictures import classified, multilabelled, regressed


def texts(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [text.get_text() for text in figure.texts if text.get_text()]


def shown(figure: Figure | None) -> np.ndarray:
    assert figure is not None
    return np.asarray(figure.images[0].get_array())


def test_examples_are_sorted_by_class() -> None:
    run = replace(classified(2, 6), classes=("no", "yes"))

    assert texts(examples.build(run)) == [
        "toy/0001: examples",
        "from the test part, with the true answers",
        *["no"] * 3,
        *["yes"] * 3,
    ]


def test_examples_take_the_same_number_of_each_class() -> None:
    labels = texts(examples.build(classified(3, 400)))[2:]

    assert [labels.count(f"class {index}") for index in range(3)] == [10, 10, 10]


def test_examples_take_some_of_each_of_many_classes() -> None:
    assert len(set(texts(examples.build(classified(20, 400)))[2:])) == 20


def test_examples_fold_a_row_that_is_a_picture_in_disguise() -> None:
    run = classified(2)
    assert run.x is not None
    folded = replace(run, x=run.x.reshape(-1, 16), image=False, picture_shape=(4, 4))

    assert np.array_equal(shown(examples.build(folded)), shown(examples.build(run)))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4), (500, 300, 3)])
def test_examples_take_pictures_of_any_shape(shape: tuple[int, ...]) -> None:
    x = np.full((2, *shape), 255, dtype=np.uint8)
    run = replace(classified(2, 2), x=x, pixel_max=255.0)

    figure = examples.build(run)

    assert (shown(figure) == 255).all()


def test_examples_show_brightness_between_black_and_full() -> None:
    x = np.zeros((1, 2, 2))
    x[0, 0, 0], x[0, 0, 1] = 1.0, np.nan
    run = replace(classified(2, 1), x=x, pixel_max=2.0)

    assert set(np.unique(shown(examples.build(run)))) == {0, 127, 255}


def test_examples_stay_bright_beside_a_value_far_out() -> None:
    x = np.tile([0.0, 1.0], 200).reshape(4, 100)
    x[0, 0] = 50.0
    run = replace(classified(2, 4), x=x, image=False, picture_shape=(10, 10), pixel_max=None)

    assert set(np.unique(shown(examples.build(run)))) == {0, 255}


def test_examples_of_a_regression_show_its_values() -> None:
    run = replace(regressed(3), x=np.zeros((3, 4, 4)), image=True, y_true=np.array([1.5, -2.0, 3]))

    assert texts(examples.build(run))[2:] == ["1.5", "-2", "3"]


def test_mistakes_show_the_confident_ones_first() -> None:
    run = replace(
        classified(2, 4),
        y_true=np.array([0, 0, 0, 1]),
        predictions=np.array([1, 0, 1, 1]),
        probabilities=np.array([0.6, 0.1, 0.9, 0.8]),
        classes=("a", "b"),
    )

    assert texts(mistakes.build(run)) == [
        "toy/0001: worst mistakes",
        "from the test part, the greatest loss first",
        "predicted b (0.90)",
        "true a",
        "predicted b (0.60)",
        "true a",
    ]


def test_mistakes_without_probabilities_keep_the_order_of_the_rows() -> None:
    assert worst_rows(replace(classified(3), probabilities=None), 3).tolist() == [0, 4, 8]


def test_mistakes_of_several_labels_are_those_with_any_wrong_label() -> None:
    run = multilabelled(rows=3)
    assert run.predictions is not None
    run.predictions[1] = run.y_true[1]  # type: ignore[index]

    assert worst_rows(run, 9).tolist() == [0, 2]


def test_mistakes_of_a_regression_are_the_greatest_errors() -> None:
    run = replace(regressed(), y_true=np.array([1.0, 2, 3]), predictions=np.array([1.0, 5, 4]))

    assert worst_rows(run, 9).tolist() == [1, 2]


def test_no_mistake_is_no_picture() -> None:
    run = classified(2)

    assert mistakes.build(replace(run, predictions=run.y_true)) is None


def test_rows_of_a_table_are_no_pictures() -> None:
    run = replace(classified(2), image=False)

    assert examples.build(run) is None
    assert mistakes.build(run) is None
