"""The page that holds several runs beside each other."""

from __future__ import annotations

from dl.report import charts
from dl.report.compare import Comparison
from dl.report.html import document, filled
from dl.rundir.query import shown
from dl.stats import LEVEL
from dl.text import percent

_MOST_CURVES = 10


def comparison_page(comparison: Comparison) -> str:
    """Returns the page that compares runs: settings that differ, metrics, verdicts, curves."""
    runs = comparison.runs
    values = {
        "runs": runs,
        "settings": [
            (path, list(map(shown, values))) for path, values in comparison.shown_settings().items()
        ],
        "metrics": [row.cells for row in comparison.metrics],
        "verdicts": [verdict.sentence(runs[0]) for verdict in comparison.verdicts],
        "level": percent(LEVEL),
        "not_compared": comparison.not_compared,
        "baselines": comparison.baselines,
    }
    sections = [filled("compared", "Settings and results", **values)]
    some = list(zip(runs, comparison.histories, strict=True))[:_MOST_CURVES]
    if compared := charts.compared_charts(dict(some)):
        sections.append(filled("learning", "Learning curves", facts={"charts": compared}))
    return document("compare.html", " and ".join(runs[:3]), sections)
