"""A comparison of runs as text: for a terminal, as Markdown, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from dl.report.compare import SAME, Comparison
from dl.report.terminal import screen_width, table
from dl.rundir.query import shown
from dl.stats import LEVEL
from dl.sweeps.results import short_names
from dl.text import cut, listing, painted, percent, plural, wrapped

_NONE = "-"
_STYLES = {"better": "bold green", "worse": "bold red", "not distinguishable": "bold", SAME: "bold"}
_GAP = 2
"""Columns between the columns of a table."""
_CHANGE = "change"
"""The last column of a table of two runs."""
_NARROW = 12
"""Characters to which a table may cut a text."""
_LONGEST = 40
"""Characters of a setting: a list of sixty columns says no more than its first ones."""

Table = Callable[[Sequence[Sequence[str]], Sequence[str]], str]
"""Lays out rows of cells below a header."""


def plain_text(comparison: Comparison, everything: bool) -> str:
    """Returns the comparison as aligned tables, the verdicts first."""
    return "\n\n".join(_blocks(comparison, everything, _tables))


def _tables(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Lays out a column for each run, as tables below each other where a screen is too narrow.

    The first run, which the others are held against, is in each of them, with what differs there.
    """
    room = screen_width()
    if room is None or header[-1] == _CHANGE:
        return table(rows, header, spare=[_CHANGE])
    label, *widths = (max(map(len, column)) for column in zip(header, *rows, strict=True))
    first, *others = (_GAP + min(width, _NARROW) for width in widths)
    taken, groups = room, list[list[int]]()
    for place, width in enumerate(others, 2):
        if taken + width > room:
            groups.append([])
            taken = min(label, room // 2) + first
        groups[-1].append(place)
        taken += width
    tables = []
    for group in groups:
        cells = [[row[place] for place in (0, 1, *group)] for row in rows]
        told = [row for row in cells if len(set(row[1:])) > 1] if len(groups) > 1 else cells
        tables.append(table(told or cells, [header[place] for place in (0, 1, *group)]))
    return "\n\n".join(tables)


def markdown_text(comparison: Comparison, everything: bool) -> str:
    """Returns the comparison as Markdown tables."""

    def laid_out(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
        lines = [header, ["---"] * len(header), *rows]
        escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)

    return "\n\n".join(_blocks(comparison, everything, laid_out))


def _blocks(comparison: Comparison, everything: bool, laid_out: Table) -> list[str]:
    differing = comparison.settings if everything else comparison.folded_settings()
    settings = [
        [path, *(_NONE if value is None else cut(shown(value), _LONGEST) for value in values)]
        for path, values in differing.items()
    ]
    two = len(comparison.runs) == 2  # of more, a table of differences too is one too many
    results = [
        *([r.label, *r.shown, *(r.changes[1:] if two else ())] for r in comparison.metrics),
        ["epochs", *(f"{count:,}" for count in comparison.epochs), *([""] if two else [])],
        ["seconds", *(f"{took:,.1f}" for took in comparison.seconds), *([""] if two else [])],
    ]
    header = list(map(_short, comparison.runs))
    names = [row[0] for row in settings]
    if (width := screen_width()) is not None and max(map(len, names), default=0) > width // 3:
        settings = [
            [name, *row[1:]] for name, row in zip(short_names(names), settings, strict=True)
        ]
    return [
        "\n".join(_verdict_lines(comparison)),
        laid_out(results, ["result", *header, *([_CHANGE] if two else [])]),
        laid_out(settings, ["setting", *header]) if settings else "all settings are equal",
    ]


def _short(run: str) -> str:
    """Returns the label of a run as it can be typed: `digits/3`."""
    return re.sub(r"/0+(?=\d)", "/", run)


def _verdict_lines(comparison: Comparison) -> Iterator[str]:
    """Yields how each run compares with the first: first what is to be held of it."""
    width, first = screen_width() or sys.maxsize, _short(comparison.runs[0])
    for verdict in comparison.verdicts:
        head = wrapped(f"{_short(verdict.run)} against {first}: {verdict.judgement}", width)
        yield from (painted(line, _STYLES[verdict.judgement]) for line in head.split("\n"))
        if verdict.numbers:
            yield wrapped(f"  {verdict.numbers}", width)
    if comparison.verdicts:
        rows, level = comparison.verdicts[0].rows, percent(LEVEL)
        how = f"  on the same {plural(rows, 'row')}, row by row, at a level of {level} in all"
        yield wrapped(how, width)
    reasons: dict[str, list[str]] = {}
    for run, why in comparison.not_compared.items():
        reasons.setdefault(why, []).append(_short(run))
    for why, runs in reasons.items():
        be = "is" if len(runs) == 1 else "are"
        yield wrapped(f"{listing(runs, 'and')} {be} not compared row by row: {why}", width)
    for run, said in comparison.baselines.items():
        yield wrapped(f"{_short(run)} among simple models: {said}", width)


def csv_text(comparison: Comparison, everything: bool) -> str:
    """Returns one table, a row for each setting and metric and a column for each run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "key", *comparison.runs])
    for path, values in comparison.shown_settings(everything).items():
        writer.writerow(["setting", path, *map(shown, values)])
    for metric in comparison.metrics:
        exact = ["" if value is None else repr(value) for value in metric.values]
        writer.writerow(["metric", f"{metric.part}.{metric.name}", *exact])
    return text.getvalue()


def json_text(comparison: Comparison, everything: bool) -> str:
    """Returns the comparison as one JSON object."""
    return json.dumps(
        {
            "runs": comparison.runs,
            "settings": comparison.shown_settings(everything),
            "metrics": {f"{row.part}.{row.name}": row.values for row in comparison.metrics},
            "seconds": comparison.seconds,
            "epochs": comparison.epochs,
            "verdicts": [asdict(verdict) for verdict in comparison.verdicts],
            "not_compared": comparison.not_compared,
            "baselines": comparison.baselines,
        }
    )
