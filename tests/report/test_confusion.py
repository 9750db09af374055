from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from dl.report.facts import RunFacts
from dl.report.plots import confusion_matrix, label_matrices
from support.pictures import classified, multilabelled, regressed


def built(run: RunFacts) -> Figure:
    figure = confusion_matrix(run)
    assert figure is not None
    return figure


def ticks(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_xticklabels()]


def cell_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_two_classes_show_counts_row_fractions_and_recall() -> None:
    run = replace(
        classified(2),
        true=np.array([0, 0, 0, 1]),
        predicted=np.array([0, 0, 1, 1]),
        classes=("no", "yes"),
    )

    figure = built(run)

    assert cell_texts(figure) == ["2\n67%", "1\n33%", "1\n100%"]
    assert [text.get_text() for text in figure.axes[1].texts] == ["0.667", "1.000"]
    assert figure.texts[1].get_text() == "test part, 4 rows, accuracy 0.7500"
    assert ticks(figure) == ["no", "yes"]


def test_the_axes_are_named() -> None:
    left, right = built(classified(3)).axes

    assert (left.get_xlabel(), left.get_ylabel()) == ("predicted class", "true class")
    assert right.get_title(loc="left") == "recall"


def test_a_class_without_rows_has_no_recall() -> None:
    run = replace(classified(3), true=np.array([0, 1]), predicted=np.array([0, 1]))

    assert [text.get_text() for text in built(run).axes[1].texts] == ["1.000", "1.000", "no rows"]


def test_many_classes_show_counts_alone() -> None:
    assert not any("%" in text for text in cell_texts(built(classified(30, 120))))


def test_too_many_classes_show_those_with_most_mistakes() -> None:
    run = classified(40, 400)
    true = np.arange(400) % 40
    figure = built(replace(run, true=true, predicted=np.where(true < 2, 39, true)))

    shown = ticks(figure)
    assert len(shown) == 31
    assert {"class 0", "class 1", "class 39", "(others)"} <= set(shown)
    assert "Shown are the 30 classes with most mistakes of 40." in figure.texts[
        2
    ].get_text().replace("\n", " ")


def test_a_prediction_outside_the_named_classes_is_counted() -> None:
    run = replace(classified(2), true=np.array([0, 1]), predicted=np.array([0, 2]))

    assert ticks(built(run)) == ["class 0", "class 1", "2"]


def test_other_tasks_have_no_confusion_matrix() -> None:
    assert confusion_matrix(regressed()) is None
    assert confusion_matrix(multilabelled()) is None
    assert label_matrices(classified(2)) is None


def test_several_labels_have_a_panel_each() -> None:
    figure = label_matrices(multilabelled())

    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["label 0", "label 1", "label 2"]
    first = [text.get_text() for text in figure.axes[0].texts]
    assert first == ["0\n0%", "10\n100%", "10\n100%", "0\n0%"]


def test_too_many_labels_show_those_with_most_mistakes() -> None:
    figure = label_matrices(multilabelled(labels=34))

    assert figure is not None
    assert len(figure.axes) == 30
    assert figure.texts[1].get_text() == (
        "test part, 20 rows, the 30 of 34 labels with most mistakes"
    )
