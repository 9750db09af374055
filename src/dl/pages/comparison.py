"""The page that compares runs: settings that differ, metrics, verdicts, curves over each other."""

from __future__ import annotations

from collections.abc import Iterator

from dl.browse.select import shown
from dl.pages.charts import Chart, Line, line
from dl.pages.document import document, filled
from dl.report.compare import Comparison
from dl.report.history import VALIDATION, measures, series
from dl.stats import LEVEL
from dl.text import percent

_MOST_CURVES = 10


def comparison_page(comparison: Comparison) -> str:
    """Returns the page."""
    values = {
        "runs": comparison.runs,
        "settings": [
            (row.path, [shown(value) for value in row.values])
            for row in comparison.shown_settings()
        ],
        "metrics": [row.cells for row in comparison.metrics],
        "verdicts": [verdict.sentence(comparison.runs[0]) for verdict in comparison.verdicts],
        "not_compared": comparison.not_compared,
        "level": percent(LEVEL),
    }
    sections = [filled("compared", "Settings and results", values)]
    charts = list(_charts(comparison))
    if charts:
        sections.append(filled("learning", "Learning curves", {"charts": charts}))
    return document("compare.html", " and ".join(comparison.runs[:3]), sections)


def _charts(comparison: Comparison) -> Iterator[Chart]:
    names = dict.fromkeys(name for rows in comparison.histories for name in measures(rows))
    for name in names:
        lines = list(_lines(comparison, name))
        positive = all(value > 0 for part in lines for value in part.y if value is not None)
        note = "Dashed: validation." if any(part.dashed for part in lines) else ""
        yield Chart(name, "epoch", name, tuple(lines), log=positive, note=note)


def _lines(comparison: Comparison, name: str) -> Iterator[Line]:
    """Yields the lines of each run in a colour of its own."""
    runs = list(zip(comparison.runs, comparison.histories, strict=True))[:_MOST_CURVES]
    for colour, (label, history) in enumerate(runs):
        for column, dashed in ((name, False), (VALIDATION + name, True)):
            values = series(history, column)
            if values.epochs:
                told = f"{label} validation" if dashed else label
                yield line(told, values.epochs, values.values, dashed=dashed, colour=colour)
