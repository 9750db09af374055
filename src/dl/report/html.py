"""How a page of HTML that holds everything in one file is made: templates, scripts, charts."""

from __future__ import annotations

import functools
import json
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dl.report.charts import Chart, Line, wants_log
from dl.report.palette import LIGHT, css
from dl.text import duration, lapse, measured, number, percent, plural, shape, signed
from dl.vocabulary.labels import metric_label

_ASSETS = files("dl.report") / "assets"
_STYLES = ("uPlot.min.css", "page.css")
_SCRIPTS = ("uPlot.iife.min.js", "number.js", "colours.js", "page.js")
# A chart is as wide as a screen has pixels; more only make the file larger.
_MOST_POINTS, _MOST_SCATTERED = 1200, 1000
_MOST_ROWS = 100


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


def load_templates(sections: Iterable[str]) -> None:
    """Compiles the templates of a page of these sections, before there is anything to show."""
    for name in ("base", "macros", "run", *sections):
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
    own = (chart_data, numbers, script_json)
    texts = (duration, lapse, measured, number, percent, plural, shape, signed, metric_label)
    made.filters |= {function.__name__: function for function in (*own, *texts)}
    made.filters["shell"] = shlex.join
    return made


def script_json(value: Any) -> Markup:
    """Returns data as JSON that nothing inside can end or change into markup."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def chart_data(chart: Chart) -> dict[str, Any]:
    """Returns a chart as plain data for the script: five digits, a gap where nothing is finite."""
    return {
        **asdict(chart),
        "lines": [_line_data(line) for line in chart.lines],
        "wants_log": wants_log(chart.finite),
        "rest": _rest(chart),
    }


def _rest(chart: Chart) -> float | None:
    """Returns the position whose values stand in the legend while nothing is pointed at."""
    ends = [float(line.x[-1]) for line in chart.lines if len(line.x)]
    if chart.x_label != "epoch" or not ends:
        return None
    best = [mark.x for mark in chart.marks if mark.x in chart.lines[0].x]
    return best[0] if best else max(ends)


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
        "shade": line.shade,
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
