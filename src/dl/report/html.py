"""Pages of HTML that hold everything in one file: of a run, of a sweep, of several runs.

A section of a page is a function from what is known to the values of the template of its name, or
None where there is nothing to show in it.
"""

from __future__ import annotations

import functools
import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dl.browse.select import shown
from dl.config.load import load_resolved
from dl.config.resolve import changed
from dl.data.glance import Distribution
from dl.report.charts import (
    Chart,
    Line,
    best_epoch,
    compared_charts,
    learning_charts,
    rate_chart,
    series,
    time_chart,
)
from dl.report.compare import Comparison
from dl.report.evaluation import class_charts, confusion_of, residuals_of
from dl.report.facts import StoredRun, Weights, read_stored_run
from dl.report.pictures import png_uri
from dl.report.sweep import curves_chart, objective_chart, sweep_facts
from dl.runs.directory import RunDirectory
from dl.runs.files import read_regular, write_text
from dl.runs.manifest import read_checked
from dl.stats import LEVEL
from dl.sweep.ranking import METHOD, paths_of
from dl.sweep.results import Results
from dl.text import number, percent

_ASSETS = files("dl.report") / "assets"
_STYLES = ("uPlot.min.css", "page.css")
_SCRIPTS = ("uPlot.iife.min.js", "page.js")
_BOARD_SCRIPT = "board.js"
"""Keeps a page of the board up to date; pages that are files do without."""
_MOST_POINTS, _MOST_SCATTERED = 1200, 1000
"""A chart is as wide as a screen has pixels; more only make the file larger."""
_MOST_ROWS = 100
_MOST_CURVES = 10
_OF_THE_DATA = ("data.columns", "data.features", "data.classes")
"""Settings that are inferred from the data, and shown there."""
_DRAWN_AS_CHARTS = frozenset({"objective", "learning_curves"})
"""Pictures of a sweep's folder that its page has as charts."""
_LEARNED = {
    "boundary.png": "What the network says at every point of the plane of its two inputs.",
    "parameter_path.png": "The path of bias and weight over the contours of the loss.",
}

Values = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Filled:
    """A section with its content: the anchor, the title, and the template's HTML."""

    name: str
    title: str
    html: Markup


def document(
    template: str, title: str, sections: Sequence[Filled] = (), *, live: bool = False, **values: Any
) -> str:
    """Returns a whole page; it loads nothing from anywhere.

    Args:
        template: Its template, which extends `base.html`.
        title: What it is called.
        sections: Its sections, in order.
        live: Whether the board serves it and its script keeps it up to date.
        values: What the template shows beside them.
    """
    scripts = (*_SCRIPTS, *([_BOARD_SCRIPT] if live else []))
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            sections=sections,
            styles=[_asset(name) for name in _STYLES],
            scripts=[_asset(name) for name in scripts],
            **values,
        )
    )


def _filled(name: str, title: str, values: Mapping[str, Any]) -> Filled:
    html = _environment().get_template(f"{name}.html").render(**values)
    return Filled(name, title, Markup(html))


def _asset(name: str) -> Markup:
    return Markup((_ASSETS / name).read_text(encoding="utf-8"))


@functools.cache
def _environment() -> Environment:
    """Returns the templates; what they show is escaped, and a value they lack is an error."""
    made = Environment(
        loader=PackageLoader("dl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"script_json": _script_json, "chart_data": chart_data}
    made.filters |= {"numbers": _numbers, "percent": percent}
    return made


def _script_json(value: Any) -> Markup:
    """Returns data as JSON that nothing inside can end or change into markup."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def chart_data(chart: Chart) -> dict[str, Any]:
    """Returns a chart as plain data for the script: five digits, a gap where nothing is finite."""
    return {**asdict(chart), "lines": [_line_data(line) for line in chart.lines]}


def _line_data(line: Line) -> dict[str, Any]:
    x, y = np.asarray(line.x, np.float64), np.asarray(line.y, np.float64)
    if line.kind == "points":
        step = max(1, len(x) // _MOST_SCATTERED)
        order = np.argsort(x[::step], kind="stable")
        x, y = _apart(x[::step][order]), y[::step][order]
    else:
        step = max(1, math.ceil(len(x) / _MOST_POINTS))
        x, y = x[::step], y[::step]
    return {
        "label": line.label,
        "x": [float(f"{value:.5g}") for value in x],
        "y": [float(f"{value:.5g}") if math.isfinite(value) else None for value in y],
        "dashed": line.dashed,
        "kind": line.kind,
        "colour": 9 if line.colour < 0 else line.colour,
    }


def _apart(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Moves equal values apart by a hair: one position of a chart has one value in a line."""
    room = (float(np.ptp(values)) if len(values) else 0.0) or 1.0
    places = np.arange(len(values)) - np.searchsorted(values, values)
    return np.asarray(values + places * room * 1e-4 / max(1, places.max(initial=1)))


def _numbers(data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Returns the table that says the same as the data of a chart, to those who cannot see it.

    It has at most a hundred rows, evenly spread.
    """
    lines = data["lines"]
    positions = sorted({x for line in lines for x in line["x"]})
    step = max(1, math.ceil(len(positions) / _MOST_ROWS))
    values = [dict(zip(line["x"], line["y"], strict=True)) for line in lines]

    def text(value: float | None) -> str:
        return "" if value is None else f"{value:.5g}"

    return {
        "header": [data["x_label"], *(line["label"] for line in lines)],
        "rows": [[text(x), *(text(line.get(x)) for line in values)] for x in positions[::step]],
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
        _filled(name, title, values)
        for name, title, build in SECTIONS
        if (values := build(run)) is not None
    ]
    part, metrics = run.entry.judged or ("", {})
    return document(
        "run.html",
        run.entry.run.label,
        sections,
        record=run.entry.record,
        tiles=[
            {"label": f"{part} {name.replace('_', ' ')}", "value": number(value)}
            for name, value in metrics.items()
        ],
        warning=f"The model {run.one_answer}." if run.one_answer else "",
    )


def live_page(run: StoredRun, address: str) -> str:
    """Returns the page of a run that trains, which the board keeps up to date."""
    values = learning(run) or {"charts": []}
    return document("live.html", run.entry.run.label, live=True, address=address, **values)


def learning(run: StoredRun) -> Values:
    """Returns the learning curves; None where no epoch ended."""
    history = run.facts.history
    if not history:
        return None
    extra = [chart for chart in (rate_chart(history), time_chart(history)) if chart is not None]
    rates = set(series(history, "learning_rate").y)
    return {
        "charts": [*learning_charts(history, run.facts.loss), *extra],
        "best": best_epoch(history),
        "rate": number(rates.pop()) if len(rates) == 1 else None,
    }


def _learned(run: StoredRun) -> Values:
    """Returns the pictures of what was learned; None for a network of more inputs."""
    plots = run.entry.run.plots
    found = [
        {"address": png_uri(read_regular(plots / name)), "says": says}
        for name, says in _LEARNED.items()
        if (plots / name).is_file()
    ]
    return {"pictures": found} if found else None


def _classes(run: StoredRun) -> Values:
    """Returns confusion matrix and charts; None for other tasks and without predictions."""
    facts = run.facts
    if facts.predicted is None or facts.task == "regression":
        return None
    matrix = confusion_of(facts)
    return {"about": facts.about, "matrix": matrix, "charts": class_charts(facts)}


def _errors(run: StoredRun) -> Values:
    """Returns figures and charts of each target; None for other tasks and without predictions."""
    targets = residuals_of(run.facts)
    if not targets:
        return None
    return {
        "about": run.facts.about,
        "figures": [{"target": target.name, **target.figures} for target in targets],
        "charts": [
            chart
            for target in targets
            for chart in (target.predicted_true(), target.distribution(), target.error_by_range())
        ],
    }


def _mistakes(run: StoredRun) -> Values:
    mistakes = run.training.mistakes
    return {"mistakes": mistakes, "columns": list(mistakes[0].inputs)} if mistakes else None


def _data(run: StoredRun) -> Values:
    """Returns what the training saw of the data; None where it kept nothing."""
    glance = run.training.glance
    if glance is None:
        return None
    classes = glance.classes
    return {
        "rows": glance.rows,
        "classes": classes,
        "class_names": list(next(iter(classes.values()))) if classes else [],
        "targets": [_distribution(target) for target in glance.targets],
        "columns": [_distribution(column) for column in glance.columns],
        "more_columns": glance.more_columns,
        "examples": run.training.examples,
    }


def _distribution(column: Distribution) -> Mapping[str, Any]:
    """Returns a distribution as heights from 0 to 1, with words for its ends."""
    labels, numbers = column.labels, column.kind == "numbers"
    return {
        "name": column.name,
        "numbers": numbers,
        "heights": _heights(column.counts),
        "bars": list(zip(labels, column.counts, strict=False)),
        "low": number(float(labels[0])) if numbers else "",
        "high": number(float(labels[-1])) if numbers else "",
        "mean": None if column.mean is None else number(column.mean),
    }


def _heights(counts: Sequence[int]) -> list[float]:
    most = max(counts, default=0) or 1
    return [count / most for count in counts]


def _model(run: StoredRun) -> Values:
    """Returns the layers from input to output; None where the training kept nothing."""
    layers = run.training.layers
    if not layers:
        return None
    return {
        "input": _shape(run.input_shape),
        "layers": [{**asdict(layer), "shape": _shape(layer.output_shape)} for layer in layers],
        "most": max(layer.parameters for layer in layers) or 1,
        "total": sum(layer.parameters for layer in layers),
        "trainable": sum(layer.trainable for layer in layers),
    }


def _shape(sizes: Sequence[int | None]) -> str:
    return " x ".join("any" if size is None else str(size) for size in sizes)


def _weights(run: StoredRun) -> Values:
    """Returns a row for each array of weights; None where the training kept nothing."""
    if not run.training.weights:
        return None
    signals = run.training.signals
    return {
        "weights": [_weight_row(weights) for weights in run.training.weights],
        "rows": 0 if signals is None else signals.rows,
        "signals": [
            {
                "layer": layer.name,
                "activation": layer.activation,
                "weights": number(layer.weights),
                "gradient": number(layer.gradient),
                "dead": "" if layer.dead is None else percent(layer.dead),
                "saturated": "" if layer.saturated is None else percent(layer.saturated),
            }
            for layer in (() if signals is None else signals.layers)
        ],
    }


def _weight_row(weights: Weights) -> Mapping[str, Any]:
    numbers = ("mean", "deviation", "least", "greatest", "norm")
    return {
        "layer": weights.layer,
        "name": weights.name,
        **{name: number(getattr(weights, name)) for name in numbers},
        "shape": _shape(weights.shape),
        "zeros": percent(weights.zeros),
        "heights": _heights(weights.counts),
    }


def _settings(run: StoredRun) -> Values:
    """Returns the settings; raises `RunError` where the resolved config is damaged."""
    path = run.entry.run.resolved
    resolved = read_checked(path)
    differing = changed(load_resolved(path, resolved).config)
    kept = {path: value for path, value in differing.items() if path not in _OF_THE_DATA}
    return {"changed": kept, "resolved": resolved.decode()}


def _origin(run: StoredRun) -> Values:
    """Returns how the run was made, as pairs of words."""
    record = run.entry.record
    engine, machine, steps = record.engine, record.machine, None
    if engine:
        compiled = "compiled with XLA" if engine.get("compiled") else "not compiled"
        steps = f"{compiled}: {engine.get('reason')}; {engine.get('steps_per_call')} in a call"
    known = {
        "started": record.started,
        "finished": record.finished,
        "command": shlex.join(record.command),
        "seed": record.seed,
        "git commit": record.git_commit,
        "data, SHA-256": record.fingerprint,
        "steps": steps,
        "threads": machine.get("threads"),
        "processor": machine.get("processor"),
        "GPUs": ", ".join(machine.get("gpus", [])),
    }
    return {
        "facts": {name: value for name, value in known.items() if value not in (None, "")},
        "versions": record.versions,
        "again": f"dl train {shlex.quote(str(run.entry.run.resolved))}",
    }


SECTIONS: tuple[tuple[str, str, Callable[[StoredRun], Values]], ...] = (
    ("learning", "Learning curves", learning),
    ("learned", "What it learned", _learned),
    ("classes", "Right and wrong", _classes),
    ("numbers", "Errors", _errors),
    ("mistakes", "Worst mistakes", _mistakes),
    ("data", "Data", _data),
    ("model", "Model", _model),
    ("weights", "Weights", _weights),
    ("settings", "Settings", _settings),
    ("origin", "How it was made", _origin),
)
"""The sections of a run's page: anchor and template, title, values."""


def comparison_page(comparison: Comparison) -> str:
    """Returns the page that compares runs: settings that differ, metrics, verdicts, curves."""
    runs = comparison.runs
    values = {
        "runs": runs,
        "settings": [
            (row.path, list(map(shown, row.values))) for row in comparison.shown_settings()
        ],
        "metrics": [row.cells for row in comparison.metrics],
        "verdicts": [verdict.sentence(runs[0]) for verdict in comparison.verdicts],
        "level": percent(LEVEL),
        "not_compared": comparison.not_compared,
    }
    sections = [_filled("compared", "Settings and results", values)]
    some = list(zip(runs, comparison.histories, strict=True))[:_MOST_CURVES]
    if charts := compared_charts(dict(some)):
        sections.append(_filled("learning", "Learning curves", {"charts": charts}))
    return document("compare.html", " and ".join(runs[:3]), sections)


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
    sections = [_filled("leaderboard", "Settings", values)]
    facts = sweep_facts(results)
    if facts.ranked:
        charts = [objective_chart(facts), curves_chart(facts, _MOST_CURVES)]
        sections.append(_filled("learning", "Objective", {"charts": charts}))
    pictures = [
        (path.stem.replace("_", " "), png_uri(read_regular(path)))
        for path in sorted(results.directory.plots.glob("*.png"))
        if path.stem not in _DRAWN_AS_CHARTS and path.is_file()
    ]
    if pictures:
        sections.append(_filled("pictures", "Parameters", {"pictures": pictures}))
    if trainings:
        sections.append(_filled("trainings", "Trainings", {"trials": trainings}))
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
