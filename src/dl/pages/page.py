"""The page of a run: every section that has something to show, in one file of HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dl.pages.context import Context, read_context
from dl.pages.sections import SECTIONS, Section
from dl.report.numbers import number
from dl.runs.directory import RunDirectory
from dl.runs.files import write_text

_ASSETS = files("dl.pages") / "assets"
_STYLES = ("uPlot.min.css", "page.css")
_SCRIPTS = ("uPlot.iife.min.js", "page.js")


def write_page(run: RunDirectory, target: Path) -> None:
    """Writes the page of a run.

    Raises:
        RunError: A file of the run is damaged.
        DiskError: The page cannot be written.
    """
    write_text(target, run_page(read_context(run)))


def run_page(context: Context) -> str:
    """Returns the page; it loads nothing from anywhere and works from a disk."""
    environment = _environment()
    shown = [
        {"name": section.name, "title": section.title, "html": _html(environment, section, values)}
        for section in SECTIONS
        if (values := section.build(context)) is not None
    ]
    return environment.get_template("page.html").render(
        title=context.entry.run.label,
        record=context.entry.record,
        tiles=_tiles(context),
        sections=shown,
        styles=[_asset(name) for name in _STYLES],
        scripts=[_asset(name) for name in _SCRIPTS],
    )


def _html(environment: Environment, section: Section, values: Mapping[str, Any]) -> Markup:
    return Markup(environment.get_template(f"{section.name}.html").render(**values))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dl.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = _script_json
    return environment


def _script_json(value: Any) -> Markup:
    """Returns data as JSON that nothing inside can end or change into markup."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _asset(name: str) -> Markup:
    return Markup((_ASSETS / name).read_text(encoding="utf-8"))


def _tiles(context: Context) -> list[dict[str, str]]:
    """Returns the metrics of the part that tells most, large at the top of the page."""
    judged = context.entry.judged
    if judged is None:
        return []
    part, metrics = judged
    return [
        {"label": f"{part} {name.replace('_', ' ')}", "value": number(value)}
        for name, value in metrics.items()
    ]
