from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from dl.config.data import Split
from dl.data.arrays import ArrayFeature
from dl.data.dataset import Preprocessing
from dl.data.features import NumericFeature
from dl.data.target import Target
from dl.data.types import Part
from dl.report.facts import Pictures, pictures_of
from dl.report.mosaic import examples, mistakes
from support.pictures import classified, multilabelled, regressed


def texts(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [text.get_text() for text in figure.texts if text.get_text()]


def shown(figure: Figure | None) -> np.ndarray:
    assert figure is not None
    return np.asarray(figure.images[0].get_array())


def test_examples_are_sorted_by_class() -> None:
    run = replace(classified(2, 6), classes=("no", "yes"))

    assert texts(examples(run)) == [
        "toy/0001: examples",
        "from the test part, with the true answers",
        *["no"] * 3,
        *["yes"] * 3,
    ]


def test_examples_take_the_same_number_of_each_class() -> None:
    labels = texts(examples(classified(3, 400)))[2:]

    assert [labels.count(f"class {index}") for index in range(3)] == [10, 10, 10]


def test_examples_take_some_of_each_of_many_classes() -> None:
    assert len(set(texts(examples(classified(20, 400)))[2:])) == 20


def test_examples_fold_a_row_that_is_a_picture_in_disguise() -> None:
    run = classified(2)
    assert run.pictures is not None
    names = [f"pixel_{row}_{column}" for row in range(4) for column in range(4)]
    rows = 2 * run.pictures.values.reshape(-1, 16) - 1
    part = Part(rows, run.true, np.arange(len(run.true)))
    features = tuple(NumericFeature(name, "minmax", 0.5, 0.5, None) for name in names)
    target = Target("binary", ("y",), "single", ("a", "b"), ("a", "b"))
    fitted = Preprocessing(fingerprint="", split=Split(), features=features, target=target)
    found = pictures_of(part, fitted)
    assert found is not None
    folded = replace(run, pictures=replace(found, pixel_max=1.0))

    assert np.array_equal(shown(examples(folded)), shown(examples(run)))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4), (500, 300, 3)])
def test_examples_take_pictures_of_any_shape(shape: tuple[int, ...]) -> None:
    x = np.full((2, *shape), 255, dtype=np.uint8)
    run = replace(classified(2, 2), pictures=Pictures(x, 255.0))

    figure = examples(run)

    assert (shown(figure) == 255).all()


def test_examples_show_brightness_between_black_and_full() -> None:
    x = np.zeros((1, 2, 2))
    x[0, 0, 0], x[0, 0, 1] = 1.0, np.nan
    run = replace(classified(2, 1), pictures=Pictures(x, 2.0))

    assert set(np.unique(shown(examples(run)))) == {0, 127, 255}


def test_examples_stay_bright_beside_a_value_far_out() -> None:
    x = np.tile([0.0, 1.0], 200).reshape(4, 100)
    x[0, 0] = 50.0
    run = replace(classified(2, 4), pictures=Pictures(x.reshape(4, 10, 10)))

    assert set(np.unique(shown(examples(run)))) == {0, 255}


def test_examples_of_a_regression_show_its_values() -> None:
    true = np.array([[1.5], [-2.0], [3]])
    run = replace(regressed(3), pictures=Pictures(np.zeros((3, 4, 4))), true=true)

    assert texts(examples(run))[2:] == ["1.5", "-2", "3"]


def test_mistakes_show_the_confident_ones_first() -> None:
    run = replace(
        classified(2, 4),
        true=np.array([0, 0, 0, 1]),
        predicted=np.array([1, 0, 1, 1]),
        probabilities=np.array([[0.4, 0.6], [0.9, 0.1], [0.1, 0.9], [0.2, 0.8]]),
        classes=("a", "b"),
    )

    assert texts(mistakes(run)) == [
        "toy/0001: worst mistakes",
        "2 of 2 in the test part, the largest loss first",
        "predicted b (0.90)",
        "true a",
        "predicted b (0.60)",
        "true a",
    ]


@pytest.mark.parametrize(("rows", "name", "count"), [(400, "class", 12), (400, "", 24)])
def test_mistakes_of_a_useless_model_fit_a_screen(rows: int, name: str, count: int) -> None:
    run = replace(classified(3, rows), classes=tuple(f"{name}{index}" for index in range(3)))
    figure = mistakes(run)
    assert figure is not None
    assert texts(figure)[1] == f"{count} of 100 in the test part, the largest loss first"
    assert figure.get_figheight() < 8


def test_sounds_are_wider_than_high() -> None:
    sounds = np.random.default_rng(0).normal(size=(2, 4000, 1))
    pictures = Pictures(sounds, sounds=True)

    assert pictures.pixels([0, 1], 80).shape == (2, 60, 80, 3)
    run = replace(classified(2, 2), pictures=pictures)
    assert texts(examples(run))[1].endswith("; sounds: time across, pitch upwards")


def test_mistakes_without_probabilities_keep_the_order_of_the_rows() -> None:
    assert replace(classified(3), probabilities=None).worst_rows(3).tolist() == [0, 4, 8]


def test_mistakes_of_several_labels_are_those_with_any_wrong_label() -> None:
    run = multilabelled(rows=3)
    assert run.predicted is not None
    run.predicted[1] = run.true[1]  # type: ignore[index]

    assert run.worst_rows(9).tolist() == [0, 2]


def test_mistakes_of_a_regression_are_the_greatest_errors() -> None:
    run = replace(
        regressed(), true=np.array([[1.0], [2], [3]]), predicted=np.array([[1.0], [5], [4]])
    )

    assert run.worst_rows(9).tolist() == [1, 2]


def test_no_mistake_is_no_picture() -> None:
    run = classified(2)

    assert mistakes(replace(run, predicted=run.true)) is None


def test_rows_of_a_table_are_no_pictures() -> None:
    run = replace(classified(2), pictures=None)

    assert examples(run) is None
    assert mistakes(run) is None


def test_volumes_of_scanners_show_their_middle_slice_upright() -> None:
    rows = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    array = ArrayFeature((3, 4, 5), True, "float32", 1.0, "none", (), (), False, 1.0)
    target = Target("binary", ("y",), "single", ("a", "b"), ("a", "b"))
    fitted = Preprocessing(
        fingerprint="", split=Split(), features=(array,), target=target, source="nifti"
    )
    found = pictures_of(Part(rows[..., None], np.zeros(2), np.arange(2)), fitted)
    assert found is not None
    assert found.values[1].tolist() == [[rows[1, x, y, 2] for x in range(3)] for y in (3, 2, 1, 0)]
