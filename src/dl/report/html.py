"""Pages of HTML that hold everything in one file: how they are made, and that of a run.

A section of a run's page is a template, and where its facts are found; it is left out without them.
"""

from __future__ import annotations

import functools
import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dl.config.load import load_resolved
from dl.config.schema import changed
from dl.report import charts, evaluation
from dl.report.charts import Chart, Line
from dl.report.facts import StoredRun, png_uri, read_stored_run
from dl.report.forecast import forecast_charts
from dl.report.palette import LIGHT, css
from dl.rundir.directory import RunDirectory
from dl.rundir.files import read_regular, write_text
from dl.rundir.manifest import read_checked
from dl.text import number, percent
from dl.vocabulary.labels import column_label

_ASSETS = files("dl.report") / "assets"
_STYLES = ("uPlot.min.css", "page.css")
_SCRIPTS = ("uPlot.iife.min.js", "number.js", "page.js")
# A chart is as wide as a screen has pixels; more only make the file larger.
_MOST_POINTS, _MOST_SCATTERED = 1200, 1000
_MOST_ROWS = 100
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


@dataclass(frozen=True, slots=True)
class Filled:
    """A section with its content: the anchor, the title, and the template's HTML."""

    name: str
    title: str
    html: Markup


def document(
    template: str,
    title: str,
    sections: Sequence[Filled] = (),
    *,
    assets: Sequence[str] = (),
    **values: Any,
) -> str:
    """Returns a whole page; it loads nothing from anywhere.

    Args:
        template: Its template, which extends `base.html`.
        title: What it is called.
        sections: Its sections, in order.
        assets: Styles and scripts that only such a page needs.
        values: What the template shows beside them.
    """
    styles = (*_STYLES, *(name for name in assets if name.endswith(".css")))
    scripts = (*_SCRIPTS, *(name for name in assets if name.endswith(".js")))
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            sections=sections,
            styles=[Markup(css()), *(_asset(name) for name in styles)],
            scripts=[_asset(name) for name in scripts],
            **values,
        )
    )


def filled(name: str, title: str, **values: Any) -> Filled:
    """Returns a section from its template, `<name>.html`, and what that shows."""
    html = _environment().get_template(f"{name}.html").render(**values)
    return Filled(name, title, Markup(html))


def _asset(name: str) -> Markup:
    return Markup((_ASSETS / name).read_text(encoding="utf-8"))


def load_templates() -> None:
    """Compiles the templates of a run's page, before there is a run to show."""
    for name in ("base", "macros", "run", *(name for name, _, _ in SECTIONS)):
        _environment().get_template(f"{name}.html")


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
    own = (chart_data, numbers, script_json, number, percent, shape, shell)
    made.filters |= {function.__name__: function for function in own}
    return made


def script_json(value: Any) -> Markup:
    """Returns data as JSON that nothing inside can end or change into markup."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def shape(sizes: Sequence[int | None]) -> str:
    """Returns a shape as people say it: `28 x 28 x any`."""
    return " x ".join("any" if size is None else str(size) for size in sizes)


def shell(command: Sequence[str]) -> str:
    """Returns a command as a shell takes it."""
    return shlex.join(command)


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
        "colour": line.colour if line.colour < len(LIGHT.series) else -1,
    }


def _apart(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Moves equal values apart by a hair: one position of a chart has one value in a line."""
    room = (float(np.ptp(values)) if len(values) else 0.0) or 1.0
    places = np.arange(len(values)) - np.searchsorted(values, values)
    return np.asarray(values + places * room * 1e-4 / max(1, places.max(initial=1)))


def numbers(data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Returns the table that says the same as the data of a chart, to those who cannot see it.

    It has at most a hundred rows, evenly spread.
    """
    lines = data["lines"]
    positions = sorted({x for line in lines for x in line["x"]})
    step = max(1, math.ceil(len(positions) / _MOST_ROWS))
    values = [dict(zip(line["x"], line["y"], strict=True)) for line in lines]

    def text(value: float | None) -> str:
        return "" if value is None else number(value)

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
    return document("live.html", label, assets=["board.js"], address=address, facts=learning(run))


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
