"""The page of a run.

A section is a template, and where its facts are found; it is left out without them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import Any

from dl.config.load import load_resolved
from dl.config.nodes import yaml_text
from dl.data.profile import Distribution
from dl.inspect.diagnose import diagnose
from dl.inspect.evidence import Evidence
from dl.report import charts
from dl.report.evaluation import class_charts, confusion_of, residuals_of
from dl.report.facts import png_uri
from dl.report.forecast import forecast_charts
from dl.report.html import document, filled
from dl.report.scrubber import WORST
from dl.report.stored import StoredRun, read_stored_run
from dl.report.verdict import verdict
from dl.rundir.directory import RunDirectory
from dl.rundir.files import read_regular, write_text
from dl.rundir.manifest import read_checked
from dl.text import apart, measured, number
from dl.vocabulary.labels import PARTS

_MOST_COLUMNS = 30  # what one looks through; the others are folded
_MOST_HISTOGRAMS = 12
_SCRIPTS = ("rows.js", "scrubber.js")
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
    record = run.entry.record
    findings = _findings(run)
    return document(
        "run.html",
        run.entry.run.label,
        sections,
        assets=_SCRIPTS,
        record=record,
        verdict=verdict(run.entry),
        results=_results(run),
        findings=findings,
        healthy=record.status == "completed" and bool(run.facts.history),
        next_step=_next_step(run, bool(findings)),
        warning=f"The model {run.one_answer}." if run.one_answer else "",
    )


@dataclass(frozen=True, slots=True)
class _ResultRow:
    """A part with its metrics, or an answer that learns nothing: `judged`, `other`, `simple`."""

    kind: str
    label: str
    values: Sequence[str]


def _results(run: StoredRun) -> dict[str, Any]:
    """Returns the metrics of each part, and of what looks at no input, below each other."""
    judged, _ = run.entry.judged or ("", {})
    names = list(dict.fromkeys(name for part in run.entry.metrics.values() for name in part))

    def row(kind: str, label: str, values: Mapping[str, float]) -> _ResultRow:
        cells = [measured(values.get(n)) for n in names]
        return _ResultRow(kind, label, cells)

    rows = [
        row("judged" if part == judged else "other", PARTS.get(part, part), values)
        for part, values in run.entry.metrics.items()
    ]
    trivial = run.entry.record.trivial
    for words, values in trivial.beside(judged) if trivial else ():
        rows.append(row("simple", f"{words} ({PARTS.get(judged, judged)})", values))
    return {"names": names, "rows": rows}


def _findings(run: StoredRun) -> list[tuple[str, Any, str]]:
    """Returns what went wrong in the training: id, diagnosis, and its change as YAML."""
    path = run.entry.run.resolved
    config = load_resolved(path, read_checked(path)).config
    history = [{k: v for k, v in row.items() if v is not None} for row in run.facts.history]
    known = run.training.signals, run.one_answer
    case = Evidence.of_run(config, run.entry.record, history, *known)
    return [
        (name, one, yaml_text(one.change).rstrip() if one.change else "")
        for name, one in diagnose(case)
    ]


def _next_step(run: StoredRun, known: bool) -> tuple[str, str] | None:
    """Returns what to do after a training that did not end well: words and a command."""
    status, place = run.entry.record.status, run.entry.run
    if status == "interrupted":
        return "To go on where it stopped", place.command_to_resume
    if status == "failed":
        what = "What may have gone wrong" if not known else "The whole diagnosis"
        return what, f"dl diagnose {place.path}"
    return None


def live_page(run: StoredRun, address: str) -> str:
    """Returns the page of a run that trains, which the board keeps up to date."""
    label = run.entry.run.label
    return document("live.html", label, assets=["live.js"], address=address, facts=learning(run))


def learning(run: StoredRun) -> dict[str, Any]:
    """Returns the learning curves; empty where no epoch ended."""
    history = run.facts.history
    if not history:
        return {}
    drawn = [*charts.learning_charts(history, run.facts.loss), charts.rate_chart(history)]
    shown, took = list(filter(None, drawn)), charts.time_chart(history)
    if took is not None and len(shown) % 2:  # else it would stand alone in the last line
        shown.append(took)
    seconds = charts.series(history, "seconds").finite
    rates = set(charts.series(history, "learning_rate").y)
    return {
        "charts": shown,
        "took": [] if took in shown or not seconds else [median(seconds), max(seconds)],
        "rate": number(rates.pop()) if len(rates) == 1 else None,
    }


def _scrubber(run: StoredRun) -> dict[str, Any]:
    """Returns what the slider over the epochs moves; empty where nothing was recorded."""
    kept = run.training.scrubber
    if kept is None:
        return {}
    classes = [run.facts.class_name(place) for place in range(len(run.facts.classes))]
    data = {**asdict(kept), "classes": apart(classes, 18), "worst": WORST}
    ending, epochs = run.entry.record.ending, [frame.epoch for frame in kept.recording.frames]
    last = (ending and ending.kept) or epochs[-1]  # it stands where the weights of the model are
    start = sum(epoch <= last for epoch in epochs) - 1
    return {"kept": kept, "classes": classes, "data": data, "start": start}


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
    return {"matrix": confusion_of(run.facts), "charts": class_charts(run.facts)}


def _data(run: StoredRun) -> dict[str, Any]:
    """Returns the parts, the columns, and the distributions of what is no column of the table.

    Pixels are seen in pictures: their columns are folded.
    """
    glance, shown = run.training.glance, {column.name for column in run.columns}
    if glance is None and not shown:
        return {}
    others = [] if glance is None else [one for one in glance.columns if one.name not in shown]
    most = 0 if run.training.examples else _MOST_COLUMNS
    varied = sorted(others, key=_evenness, reverse=True)
    return {
        "glance": glance,
        "tables": (run.columns[:most], run.columns[most:]),
        "others": (varied[:_MOST_HISTOGRAMS], varied[_MOST_HISTOGRAMS:]),
        "more_columns": 0 if glance is None or shown else glance.more_columns,
    }


def _evenness(column: Distribution) -> float:
    """Returns the entropy of the bars of a column: 0 for one that is always the same."""
    shares = [count / sum(column.counts) for count in column.counts if count]
    return -sum(share * math.log(share) for share in shares)


def _settings(run: StoredRun) -> dict[str, Any]:
    """Returns the config as it was written, and resolved; raises `RunError` where damaged."""
    place = run.entry.run
    beside = place.path / "overrides.txt"
    return {
        "written": read_checked(place.config).decode() if place.config.is_file() else "",
        "overrides": read_regular(beside).decode().splitlines() if beside.is_file() else [],
        "resolved": read_checked(place.resolved).decode(),
    }


SECTIONS: tuple[tuple[str, str, Callable[[StoredRun], Any]], ...] = (
    ("learning", "Learning curves", learning),
    ("scrubber", "Epoch by epoch", _scrubber),
    ("learned", "What it learned", _learned),
    ("classes", "Right and wrong", _classes),
    ("forecasts", "Forecasts", lambda run: forecast_charts(run.facts)),
    ("numbers", "Errors", lambda run: [] if run.comes_back else residuals_of(run.facts)),
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
