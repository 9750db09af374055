"""The pictures of a sweep: which are drawn, and what they stand on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from dl.report.charts import SweepFacts, curves_chart, objective_chart
from dl.report.sweep import SWEEP_PLOTS, draw
from dl.sweeps.parameters import Setting
from dl.sweeps.results import TrialSummary

RATE, KIND = "training.optimizer.learning_rate", "training.optimizer.type"


def _trial(number: int, pruned: bool = False, **values: object) -> TrialSummary:
    setting = {RATE: 10.0**-number, KIND: "adam", **values}
    score = 0.5 + number / 20
    status = "pruned" if pruned else "completed"
    return TrialSummary(number, Setting(setting, {}), status, (score,), (2,), (0.4, score))


SWEEP = SweepFacts(
    name="search/0001",
    metric="val_accuracy",
    maximize=True,
    trials=(_trial(1), _trial(2, momentum=0.5), _trial(3, pruned=True), _trial(4)),
    scales={RATE: "log"},
    importance={RATE: 0.8, KIND: 0.2},
)
ALL = {"objective.png", "learning_curves.png", "importance.png", "parallel_coordinates.png"}


def _drawn(folder: Path, sweep: SweepFacts) -> set[str]:
    draw(folder, sweep)
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_a_sweep_has_four_pictures(tmp_path: Path) -> None:
    assert _drawn(tmp_path, SWEEP) == ALL


@pytest.mark.slow
def test_many_values_have_an_axis_of_numbers(tmp_path: Path) -> None:
    many = tuple(_trial(number, units=number * 8) for number in range(1, 20))
    assert _drawn(tmp_path, replace(SWEEP, trials=many)) == ALL


def test_bars_of_the_importance_have_the_names_of_the_parameters() -> None:
    figure = dict(SWEEP_PLOTS)["importance.png"](SWEEP)
    assert isinstance(figure, Figure)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [KIND, RATE]


@pytest.mark.slow
def test_importance_needs_two_parameters(tmp_path: Path) -> None:
    assert _drawn(tmp_path, replace(SWEEP, importance={RATE: 1.0})) == ALL - {"importance.png"}


def test_a_sweep_without_a_result_has_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "objective.png").touch()
    assert _drawn(tmp_path, replace(SWEEP, trials=(_trial(1, pruned=True),))) == set()


def test_the_best_trial_is_the_least_where_less_is_better() -> None:
    assert replace(SWEEP, maximize=False).ranked[0].trial == 1


def test_the_chart_of_the_objective_has_pruned_trials_apart() -> None:
    trials, pruned, best = objective_chart(SWEEP).lines
    assert (list(trials.x), list(pruned.x)) == ([1, 2, 4], [3])
    assert list(best.y) == [0.55, 0.6, 0.7]
    assert (best.kind, best.dashed) == ("steps", True)


def test_the_chart_of_curves_has_the_best_trials_first() -> None:
    chart = curves_chart(SWEEP, 2)
    assert [line.label for line in chart.lines] == ["trial 4", "trial 2"]
    assert chart.note.endswith("These are the best 2 of 3.")
