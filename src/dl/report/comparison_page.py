"""The page that holds several runs beside each other: what is better, what they reached, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dl.report import charts
from dl.report.charts import Chart
from dl.report.compare import Comparison
from dl.report.html import document, filled
from dl.rundir.query import shown
from dl.stats import LEVEL
from dl.text import cut, duration, percent

# As many as colours that stay apart.
_MOST_CURVES = 7
# Where a training is longer than another by more, the shorter is a vertical line over epochs.
_MOST_UNEQUAL = 3


def comparison_page(comparison: Comparison, addresses: Sequence[str] = ()) -> str:
    """Returns the page that compares runs: verdicts, results, settings that differ, curves.

    Args:
        comparison: The runs, the reference first.
        addresses: Where the board shows it: those of the runs there, in the same order.
    """
    runs = comparison.runs
    places = addresses or [""] * len(runs)
    values = {
        "runs": list(zip(runs, places, strict=True)),
        "verdicts": comparison.verdicts,
        "level": percent(LEVEL),
        "not_compared": comparison.not_compared,
        "baselines": comparison.baselines,
        "metrics": [(row.label, row.cells[1:]) for row in comparison.metrics],
        "took": [
            ("epochs", [f"{count:,}" for count in comparison.epochs]),
            ("time", list(map(duration, comparison.seconds))),
        ],
        "settings": [
            (path, [(cut(shown(value)), shown(value)) for value in row])
            for path, row in comparison.folded_settings().items()
        ],
    }
    sections = [
        filled("verdicts", "Verdict", **values),
        filled("results", "Results", **values),
        filled("differences", "Settings that differ", **values),
    ]
    histories = comparison.histories[:_MOST_CURVES]
    compared = charts.compared_charts(dict(zip(runs, histories, strict=False)))
    if compared:
        lengths = [len(history) for history in histories if history]
        unequal = max(lengths) > _MOST_UNEQUAL * min(lengths)
        shared = list(map(_over_share, compared)) if unequal else []
        sections.append(filled("overlaid", "Curves", charts=compared, shared=shared))
    title = f"{runs[0]} and {runs[1]}" if len(runs) == 2 else f"{runs[0]} and {len(runs) - 1} more"
    return document("compare.html", title, sections, assets=["board.css"], runs=values["runs"])


def _over_share(chart: Chart) -> Chart:
    """Returns a chart over the share of each training: its last epoch is at 1."""
    lines = tuple(replace(line, x=[x / line.x[-1] for x in line.x]) for line in chart.lines)
    return replace(chart, lines=lines, x_label="share of the training")
