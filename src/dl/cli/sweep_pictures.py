"""The pictures of a sweep, in the folder `plots` of its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dl.report.sweep_input import SweepInput
    from dl.sweep.definition.load import Sweep
    from dl.sweep.results.reading import Results

PLOTS_MODULE = "dl.report.sweep_plots"
"""What takes time to import; it can be had ready while the trials run."""


def draw_pictures(sweep: Sweep, results: Results) -> None:
    """Draws all pictures anew; raises `DiskError`."""
    from dl.report.sweep_plots import draw_sweep

    plots = results.directory.plots
    plots.mkdir(exist_ok=True)
    draw_sweep(plots, _input(sweep, results))


def _input(sweep: Sweep, results: Results) -> SweepInput:
    from dl.report.sweep_input import SweepInput, Trial
    from dl.sweep.search.importance import importance

    shown = [
        line.standing
        for line in results.lines
        if line.standing.scores and line.standing.status in ("completed", "pruned")
    ]
    trials = [
        Trial(
            number=standing.trial,
            values=standing.setting.values,
            score=standing.mean,
            pruned=standing.status == "pruned",
            curve=results.journal.of_trial(standing.trial)[0].values,
        )
        for standing in sorted(shown, key=lambda standing: standing.trial)
    ]
    ranged = [item for item in sweep.parameters if item.range is not None and item.range.log]
    return SweepInput(
        name=results.directory.label,
        metric=sweep.goal.metric,
        maximize=sweep.goal.maximize,
        trials=tuple(trials),
        logarithmic=frozenset(".".join(item.paths[0]) for item in ranged),
        importance=importance(shown, sweep.parameters, sweep.goal.maximize),
    )
