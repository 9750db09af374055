"""The page of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dl.report import charts
from dl.report.facts import png_uri
from dl.report.html import document, filled
from dl.rundir.files import read_regular
from dl.rundir.query import shown
from dl.sweeps.results import METHOD, Results, paths_of
from dl.text import number

_MOST_CURVES = 10
# Pictures of the folder that the page has as charts.
_DRAWN_AS_CHARTS = frozenset({"objective", "learning_curves"})


def sweep_page(results: Results, trainings: Sequence[Mapping[str, Any]] = ()) -> str:
    """Returns the page of a sweep: its leaderboard, charts and pictures.

    Args:
        results: The sweep.
        trainings: Where the board shows it: rows of its trainings, to lead to them.
    """
    values = {
        "board": _leaderboard(results),
        "method": METHOD if results.record.terms.runs > 1 else "",
        "trivial": "" if results.baseline is None else number(results.baseline),
        "torn": results.torn,
    }
    sections = [filled("leaderboard", "Settings", **values)]
    facts = charts.sweep_facts(results)
    if facts.ranked:
        drawn = [charts.objective_chart(facts), charts.curves_chart(facts, _MOST_CURVES)]
        sections.append(filled("learning", "Objective", facts={"charts": drawn}))
    pictures = [
        (path.stem.replace("_", " "), png_uri(read_regular(path)))
        for path in sorted(results.directory.plots.glob("*.png"))
        if path.stem not in _DRAWN_AS_CHARTS and path.is_file()
    ]
    if pictures:
        sections.append(filled("pictures", "Parameters", pictures=pictures))
    if trainings:
        sections.append(filled("trainings", "Trainings", trials=trainings))
    return document("sweep.html", results.directory.label, sections, record=results.record)


def _leaderboard(results: Results) -> dict[str, Any]:
    """Returns the leaderboard: its header, and a row of texts for each setting."""
    paths = paths_of(results.trials)
    rows = []
    for trial in results.trials:
        *cells, verdict = trial.cells(paths, shown)
        rows.append([*cells, trial.error or verdict])
    metric = results.record.terms.goal.metric
    return {"header": ["rank", "trial", metric, "spread", *paths, "verdict"], "rows": rows}
