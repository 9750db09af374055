"""The page of a run.

A section is a template, and where its facts are found; it is left out without them.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

from dl.config.load import load_resolved
from dl.config.schema import changed
from dl.report import charts, evaluation
from dl.report.facts import png_uri
from dl.report.forecast import forecast_charts
from dl.report.html import document, filled
from dl.report.stored import StoredRun, read_stored_run
from dl.rundir.directory import RunDirectory
from dl.rundir.files import read_regular, write_text
from dl.rundir.manifest import read_checked
from dl.text import number
from dl.vocabulary.labels import column_label

_MOST_COLUMNS = 30  # what one looks through; the others are folded
# Settings that are inferred from the data, and shown there.
_OF_THE_DATA = ("data.columns", "data.features", "data.classes")
_LEARNED = {
    "boundary.png": "The decision surface: what the network predicts for every pair of inputs.",
    "parameter_path.png": "The path of bias and weight over the contours of the loss.",
    "masks.png": "Pictures beside their true and predicted masks, the worst first.",
    "iou.png": "The intersection over union of each class, the worst first.",
    "steps.png": "True and predicted classes at the steps of rows, the worst first.",
    "reconstructions.png": "Inputs, and below them what came back.",
    "errors.png": "How far rows came back from what they were, and where unusual ones begin.",
}


def write_page(run: RunDirectory, target: Path) -> None:
    """Writes the page of a run.

    Raises:
        RunError: A file of the run is damaged.
        DiskError: The page cannot be written.
    """
    write_text(target, run_page(read_stored_run(run)))


def run_page(run: StoredRun) -> str:
    """Returns the page; it loads nothing from anywhere and works from a disk."""
    sections = [
        filled(name, title, run=run, facts=found)
        for name, title, build in SECTIONS
        if (found := build(run))
    ]
    part, metrics = run.entry.judged or ("", {})
    trivial = run.entry.record.trivial
    beside = trivial.beside(part) if trivial else []
    return document(
        "run.html",
        run.entry.run.label,
        sections,
        record=run.entry.record,
        tiles=[
            {
                "label": column_label(f"{part}.{name}"),
                "value": number(value, padded=True),
                "beside": [
                    (words, number(own[name], padded=True)) for words, own in beside if name in own
                ],
            }
            for name, value in metrics.items()
        ],
        warning=f"The model {run.one_answer}." if run.one_answer else "",
    )


def live_page(run: StoredRun, address: str) -> str:
    """Returns the page of a run that trains, which the board keeps up to date."""
    label = run.entry.run.label
    return document("live.html", label, assets=["live.js"], address=address, facts=learning(run))


def learning(run: StoredRun) -> dict[str, Any]:
    """Returns the learning curves; empty where no epoch ended."""
    history = run.facts.history
    if not history:
        return {}
    extra = (charts.rate_chart(history), charts.time_chart(history))
    rates = set(charts.series(history, "learning_rate").y)
    return {
        "charts": [*charts.learning_charts(history, run.facts.loss), *filter(None, extra)],
        "rate": number(rates.pop()) if len(rates) == 1 else None,
    }


def _learned(run: StoredRun) -> list[dict[str, str]]:
    """Returns the pictures of what was learned; none for a network of more inputs."""
    plots = run.entry.run.plots
    return [
        {"address": png_uri(read_regular(plots / name)), "says": says}
        for name, says in _LEARNED.items()
        if (plots / name).is_file()
    ]


def _classes(run: StoredRun) -> dict[str, Any]:
    """Returns confusion matrix and charts; empty for other tasks and without predictions."""
    if run.facts.predicted is None or run.facts.task == "regression":
        return {}
    matrix = evaluation.confusion_of(run.facts)
    return {"matrix": matrix, "charts": evaluation.class_charts(run.facts)}


def _forecasts(run: StoredRun) -> list[charts.Chart]:
    return forecast_charts(run.facts)


def _errors(run: StoredRun) -> list[evaluation.Residuals]:
    return evaluation.residuals_of(run.facts)


def _data(run: StoredRun) -> dict[str, Any]:
    """Returns the parts, the columns, and the distributions of what is no column of the table."""
    glance, shown = run.training.glance, {column.name for column in run.columns}
    if glance is None and not shown:
        return {}
    others = [] if glance is None else [one for one in glance.columns if one.name not in shown]
    more = 0 if glance is None or shown else glance.more_columns
    tables = run.columns[:_MOST_COLUMNS], run.columns[_MOST_COLUMNS:]
    return {"glance": glance, "tables": tables, "others": others, "more_columns": more}


def _settings(run: StoredRun) -> dict[str, Any]:
    """Returns the settings; raises `RunError` where the resolved config is damaged."""
    path = run.entry.run.resolved
    resolved = read_checked(path)
    differing = changed(load_resolved(path, resolved).config)
    kept = {path: value for path, value in differing.items() if path not in _OF_THE_DATA}
    return {"changed": kept, "resolved": resolved.decode()}


SECTIONS: tuple[tuple[str, str, Callable[[StoredRun], Any]], ...] = (
    ("learning", "Learning curves", learning),
    ("learned", "What it learned", _learned),
    ("classes", "Right and wrong", _classes),
    ("forecasts", "Forecasts", _forecasts),
    ("numbers", "Errors", _errors),
    ("mistakes", "Worst mistakes", attrgetter("training.mistakes")),
    ("baselines", "Simple models", attrgetter("ranking")),
    ("data", "Data", _data),
    ("leaks", "Where the data leak", attrgetter("audit")),
    ("model", "Model", attrgetter("training.layers")),
    ("weights", "Weights", attrgetter("training.weights")),
    ("settings", "Settings", _settings),
    ("origin", "How it was made", attrgetter("entry.record")),
)
"""The sections of a run's page: anchor and template, title, and the facts that it shows."""
