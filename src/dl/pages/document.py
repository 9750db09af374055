"""How a page becomes one file of HTML: templates, the look, and the script of the charts."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_ASSETS = files("dl.pages") / "assets"
STYLES = ("uPlot.min.css", "page.css")
SCRIPTS = ("uPlot.iife.min.js", "page.js")
BOARD_SCRIPT = "board.js"
"""Keeps a page of the board up to date; pages that are files do without."""


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
    return (
        environment()
        .get_template(template)
        .render(
            title=title,
            sections=sections,
            styles=[asset(name) for name in STYLES],
            scripts=[asset(name) for name in (*SCRIPTS, *([BOARD_SCRIPT] if live else []))],
            **values,
        )
    )


def filled(name: str, title: str, values: Mapping[str, Any]) -> Filled:
    """Returns a section made with the template of its name."""
    html = environment().get_template(f"{name}.html").render(**values)
    return Filled(name, title, Markup(html))


def asset(name: str) -> Markup:
    """Returns a style sheet or a script, to stand in the page."""
    return Markup((_ASSETS / name).read_text(encoding="utf-8"))


@functools.cache
def environment() -> Environment:
    """Returns the templates; what they show is escaped, and a value they lack is an error."""
    made = Environment(
        loader=PackageLoader("dl.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["script_json"] = script_json
    return made


def script_json(value: Any) -> Markup:
    """Returns data as JSON that nothing inside can end or change into markup."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
