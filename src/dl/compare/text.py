"""A comparison as text: tables for the terminal, Markdown, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from dl.browse.select import shown
from dl.compare.compare import Comparison, MetricRow, SettingRow
from dl.compare.significance import Verdict
from dl.report.terminal import table

_NONE = "-"

Table = Callable[[Sequence[Sequence[str]], Sequence[str]], str]
"""Lays out rows of cells below a header."""


def plain_text(comparison: Comparison, everything: bool) -> str:
    """Returns the comparison as aligned tables."""
    return "\n\n".join(_blocks(comparison, everything, table))


def markdown_text(comparison: Comparison, everything: bool) -> str:
    """Returns the comparison as Markdown tables."""
    return "\n\n".join(_blocks(comparison, everything, _markdown))


def csv_text(comparison: Comparison, everything: bool) -> str:
    """Returns one table, a row for each setting and metric and a column for each run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "key", *comparison.runs])
    for setting in _shown_settings(comparison, everything):
        writer.writerow(["setting", setting.path, *map(shown, setting.values)])
    for metric in comparison.metrics:
        writer.writerow(["metric", f"{metric.part}.{metric.name}", *map(_exact, metric.values)])
    return text.getvalue()


def json_text(comparison: Comparison, everything: bool) -> str:
    """Returns the comparison as one JSON object."""
    return json.dumps(
        {
            "runs": comparison.runs,
            "settings": {row.path: row.values for row in _shown_settings(comparison, everything)},
            "metrics": {f"{row.part}.{row.name}": row.values for row in comparison.metrics},
            "seconds": comparison.seconds,
            "epochs": comparison.epochs,
            "verdicts": [asdict(verdict) for verdict in comparison.verdicts],
            "not_compared": comparison.unjudged,
        }
    )


def verdict_text(verdict: Verdict, first: str) -> str:
    """Words what the rows say of a run against the first one."""
    better = (verdict.difference > 0) == (verdict.measure == "accuracy")
    judgement = ("better" if better else "worse") if verdict.real else "not distinguishable"
    interval = (
        f"{verdict.difference:+.4g} ({verdict.level:.1%} interval {verdict.low:+.4g} to "
        f"{verdict.high:+.4g})"
    )
    p = "" if verdict.p is None else f", McNemar's p {verdict.p:.2g}"
    return f"{verdict.run} against {first}: {judgement}; {verdict.measure} {interval}{p}"


def _blocks(comparison: Comparison, everything: bool, laid_out: Table) -> list[str]:
    settings = _shown_settings(comparison, everything)
    rows = [[row.path, *map(_cell, row.values)] for row in settings]
    blocks = [laid_out(rows, ["setting", *comparison.runs]) if rows else "all settings are equal"]
    blocks.append(laid_out(_measured(comparison), ["result", *comparison.runs]))
    return [*blocks, "\n".join(_judgement(comparison))]


def _shown_settings(comparison: Comparison, everything: bool) -> list[SettingRow]:
    return [row for row in comparison.settings if everything or row.differs]


def _measured(comparison: Comparison) -> list[list[str]]:
    rows = [metric_cells(row) for row in comparison.metrics]
    rows.append(["epochs", *map(str, comparison.epochs)])
    rows.append(["seconds", *(f"{seconds:.1f}" for seconds in comparison.seconds)])
    return rows


def metric_cells(row: MetricRow) -> list[str]:
    """Returns the metric's name, then its value in each run with the difference to the first."""
    cells = [
        _NONE if value is None else _with_change(value, change, first=place == 0)
        for place, (value, change) in enumerate(zip(row.values, row.changes, strict=True))
    ]
    return [f"{row.part} {row.name}", *cells]


def _with_change(value: float, change: float | None, *, first: bool) -> str:
    return f"{value:.4f}" if first or change is None else f"{value:.4f} ({change:+.4f})"


def _judgement(comparison: Comparison) -> list[str]:
    first = comparison.runs[0]
    lines = []
    if comparison.verdicts:
        rows = comparison.verdicts[0].rows
        lines.append(f"On the same {rows:,} rows, row by row, at a level of 5% in all:")
        lines += [f"  {verdict_text(verdict, first)}" for verdict in comparison.verdicts]
    reasons = comparison.unjudged.items()
    return lines + [f"{run} is not compared row by row: {why}" for run, why in reasons]


def _cell(value: object) -> str:
    return _NONE if value is None else shown(value)


def _exact(value: float | None) -> str:
    return "" if value is None else repr(value)


def _markdown(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    return "\n".join(map(_markdown_line, [header, ["---"] * len(header), *rows]))


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
