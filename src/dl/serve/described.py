"""The columns of a served run, for people who fill in a form and for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from dl import __version__
from dl.config.data import ColumnKind
from dl.serve.service import Service

_MOST_CHOICES = 50
"""Categories in a list to choose from; of more, the commonest are suggestions."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column, as a form asks for it.

    Attributes:
        name: The column.
        kind: How its values are read.
        choices: Its categories, the commonest first.
        listed: Whether these are all that a value can be chosen from.
        usual: A value in the middle of those of the training part; empty if that is not known.
        range: Words for its least and greatest value; empty if they are not known.
    """

    name: str
    kind: ColumnKind
    choices: tuple[str, ...] = ()
    listed: bool = False
    usual: str = ""
    range: str = ""


def fields(service: Service) -> list[Field]:
    """Returns the columns, in the order in which the network takes them."""
    return [_field(service, name, kind) for name, kind in service.kinds.items()]


def _field(service: Service, name: str, kind: ColumnKind) -> Field:
    summary = service.summaries.get(name)
    if kind == "categorical":
        known = summary.categories if summary else ()
        choices = tuple(dict.fromkeys((*known, *service.categories.get(name, ()))))
        return Field(
            name, kind, choices, len(choices) <= _MOST_CHOICES, choices[0] if choices else ""
        )
    if summary is None or summary.low is None or summary.high is None:
        return Field(name, kind)
    ends = f"{summary.shown(summary.low)} to {summary.shown(summary.high)}"
    if kind == "text":
        return Field(name, kind, range=f"{ends} characters")
    middle = summary.bounds[len(summary.bounds) // 2]
    usual = f"{middle:.12g}" if kind == "numeric" else summary.shown(middle)
    return Field(name, kind, usual=usual, range=ends)


def openapi(service: Service, most_rows: int, *, protected: bool) -> dict[str, Any]:
    """Returns the description by OpenAPI 3.1.

    Args:
        service: The run.
        most_rows: Rows that a request may have.
        protected: Whether a token is asked for.
    """
    template = Environment(undefined=StrictUndefined).from_string(
        files("dl.serve").joinpath("openapi.jinja").read_text(encoding="utf-8")
    )
    template.environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    text = template.render(
        title=service.label,
        version=__version__,
        columns={each.name: _schema(each) for each in fields(service)},
        answers={name: {} for name in service.answers},
        most_rows=most_rows,
        protected=protected,
    )
    document: dict[str, Any] = json.loads(text)
    return document


def _schema(field: Field) -> dict[str, Any]:
    types = {"numeric": ["number", "string", "null"], "date": ["string", "null"]}
    schema: dict[str, Any] = {
        "type": types.get(field.kind, ["string", "number", "boolean", "null"])
    }
    if field.range:
        schema["description"] = f"{field.kind}; in the training rows {field.range}"
    elif field.choices:
        shown = ", ".join(field.choices[:_MOST_CHOICES])
        schema["description"] = f"{field.kind}; in the training rows {shown}"
    if field.usual:
        schema["examples"] = [float(field.usual) if field.kind == "numeric" else field.usual]
    return schema
