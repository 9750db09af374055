import math

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dl.report.charts import History
from dl.report.facts import RunFacts
from dl.report.plots import learning_curves
from support.pictures import history


def built(rows: History, loss: str = "") -> Figure:
    figure = learning_curves(RunFacts(name="toy/1", history=rows, task="binary", loss=loss))
    assert figure is not None
    return figure


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts if text.get_text()]


def labels(axes: Axes) -> list[str]:
    return [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]


def test_a_panel_for_the_loss_and_each_metric() -> None:
    figure = built(history(3, "binary_accuracy"), "binary_crossentropy")

    assert titles(figure) == ["loss", "binary accuracy"]
    # The second axis would say what its title says.
    assert [axes.get_ylabel() for axes in figure.axes] == ["binary cross-entropy", ""]
    assert {axes.get_xlabel() for axes in figure.axes} == {"epoch"}
    assert labels(figure.axes[0]) == ["training", "validation"]


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("", ""),
        ("SparseCategoricalCrossentropy", "sparse categorical\ncross-entropy"),
        ("mean_squared_error", "mean squared error"),
        ("MeanSquaredError", "mean squared error"),
        ("KLDivergence", "KL divergence"),
        ("Poisson", "Poisson"),
    ],
)
def test_the_axis_of_the_loss_says_which_it_is(loss: str, words: str) -> None:
    assert built(history(2), loss).axes[0].get_ylabel() == words


def test_a_title_is_cut_only_where_it_has_no_room() -> None:
    longest = ["mean_absolute_percentage_error", "a" * 90]
    rows = [{**row, **dict.fromkeys(longest, row["loss"])} for row in history(2)]

    shown = titles(built(rows))

    assert shown[2] == "mean absolute percentage error"
    assert (shown[3][:20], "…" in shown[3], shown[3][-9:]) == ("a" * 20, True, "a" * 9)


def test_an_axis_of_epochs_has_no_tick_before_the_first() -> None:
    [axes] = built([{"epoch": float(epoch), "loss": 1.0} for epoch in range(1, 101)]).axes

    assert axes.get_xticks().tolist() == [20, 40, 60, 80, 100]


def test_numbers_of_axes_are_in_full() -> None:
    [axes] = built([{"epoch": 1.0, "loss": 250_000.0}, {"epoch": 2.0, "loss": 125_000.0}]).axes

    shown = axes.yaxis.get_major_formatter().format_ticks([2e-5, 2000, 120_000, 2e8])
    assert shown == ["2e-05", "2000", "120,000", "2e+08"]


def test_where_a_phase_begins_stands_beside_its_line() -> None:
    rows = [{"epoch": float(epoch), "loss": 1.0, "phase": 1.0 + epoch // 3} for epoch in (1, 2, 3)]

    assert [text.get_text() for text in built(rows).axes[0].texts] == [" phase 2"]


def test_a_lone_epoch_has_its_values_beside_its_dots() -> None:
    [axes] = built([{"epoch": 1.0, "loss": 1.5, "val_loss": 2.25}]).axes

    assert [text.get_text() for text in axes.texts] == ["1.5", "2.25"]


@pytest.mark.parametrize(("name", "scale"), [("accuracy", "linear"), ("mae", "log")])
def test_what_is_better_when_it_is_more_is_not_logarithmic(name: str, scale: str) -> None:
    rows = [{"epoch": 1.0, "loss": 1.0, name: 0.05}, {"epoch": 2.0, "loss": 1.0, name: 0.9}]

    assert built(rows).axes[1].get_yscale() == scale


def test_the_learning_rate_is_shown_if_it_changes() -> None:
    rows = [{**row, "learning_rate": 1 / row["epoch"]} for row in history(3)]

    assert titles(built(rows)) == ["loss", "accuracy", "learning rate"]


def test_the_best_epoch_is_told() -> None:
    rows = history(5)
    rows[4]["val_loss"] = 9.0

    assert texts(built(rows)) == [
        "toy/1: learning curves",
        "Dotted line, open markers: epoch 4, with the lowest validation loss: 0.275",
    ]


@pytest.mark.parametrize(("least", "scale"), [(0.5, "linear"), (0.01, "log")])
def test_the_loss_is_logarithmic_from_a_decade_on(least: float, scale: str) -> None:
    rows = [{"epoch": 1.0, "loss": 1.0}, {"epoch": 2.0, "loss": least}]

    assert built(rows).axes[0].get_yscale() == scale


def test_one_epoch_is_shown_by_markers() -> None:
    axes = built(history(1)).axes[0]

    assert [line.get_marker() for line in axes.lines] == ["o", "s"]
    assert list(axes.get_xticks()) == [1]


def test_a_thousand_epochs_have_no_markers() -> None:
    long = [line for line in built(history(1000)).axes[0].lines if len(line.get_xdata()) == 1000]

    assert [line.get_marker() for line in long] == ["", ""]


def test_parts_differ_without_colour() -> None:
    training, validation = (
        line for line in built(history(3)).axes[0].lines if not line.get_label().startswith("_")
    )

    assert training.get_linestyle() != validation.get_linestyle()
    assert training.get_marker() != validation.get_marker()


def test_values_that_are_no_number_are_told() -> None:
    rows = history(4)
    rows[2]["loss"] = math.nan
    rows[3]["val_loss"] = math.inf

    assert built(rows).axes[0].get_title(loc="right") == (
        "\N{MULTIPLICATION SIGN} no finite value: epoch 3 and 1 more"
    )


def test_a_history_without_any_number_is_drawn() -> None:
    assert titles(built([{"epoch": 1.0, "loss": math.nan}])) == ["loss"]


def test_many_metrics_make_a_grid() -> None:
    rows = [{"epoch": 1.0, "loss": 1.0, **{f"m{i}": 1.0 for i in range(6)}}]

    assert len(built(rows).axes) == 7


def test_no_history_is_no_picture() -> None:
    assert learning_curves(RunFacts(name="a", history=[], task="binary")) is None
