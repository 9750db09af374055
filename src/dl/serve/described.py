"""The columns of a served run, for people who fill in a form and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dl import __version__
from dl.config.data import ColumnKind
from dl.data.drift import ColumnSummary
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
    return Field(name, kind, usual=_usual(summary), range=ends)


def _usual(summary: ColumnSummary) -> str:
    middle = summary.bounds[len(summary.bounds) // 2]
    return f"{middle:.12g}" if summary.kind == "numeric" else summary.shown(middle)


def openapi(service: Service, most_rows: int, *, protected: bool) -> dict[str, Any]:
    """Returns the description by OpenAPI 3.1.

    Args:
        service: The run.
        most_rows: Rows that a request may have.
        protected: Whether a token is asked for.
    """
    row = {
        "type": "object",
        "required": list(service.kinds),
        "properties": {each.name: _schema(each) for each in fields(service)},
    }
    answer = {"type": "object", "properties": {name: {} for name in service.answers}}
    texts = {"type": "string"}
    problem = {
        "type": "object",
        "required": ["problem"],
        "properties": dict.fromkeys(("problem", "expected", "found", "hint"), texts),
    }

    def both(name: str) -> dict[str, Any]:
        one = {"$ref": f"#/components/schemas/{name}"}
        several = {"type": "array", "items": one, "minItems": 1, "maxItems": most_rows}
        return {
            "application/json": {"schema": {"oneOf": [one, several]}},
            "text/csv": {"schema": texts},
        }

    told = {"description": "Predictions, in the order of the rows.", "content": both("Prediction")}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": service.label, "version": __version__},
        "paths": {
            "/predict": {
                "post": {
                    "operationId": "predict",
                    "requestBody": {"required": True, "content": both("Row")},
                    "responses": {"200": told, **_refusals(protected)},
                }
            },
            "/health": {"get": {"responses": {"200": {"description": "It answers."}}}},
        },
        "components": {"schemas": {"Row": row, "Prediction": answer, "Problem": problem}},
    }
    if protected:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["paths"]["/predict"]["post"]["security"] = [{"token": []}]
    return document


def _refusals(protected: bool) -> dict[str, Any]:
    """Returns the answers to requests that cannot be answered, by status."""
    wrong = {"$ref": "#/components/schemas/Problem"}
    statuses = {
        "400": "A row cannot be used.",
        **({"401": "No token.", "403": "Another token."} if protected else {}),
        "408": "The rows did not come.",
        "413": "Too much at once.",
        "415": "Neither JSON nor CSV.",
        "503": "Too much waits already.",
    }
    return {
        status: {"description": says, "content": {"application/json": {"schema": wrong}}}
        for status, says in statuses.items()
    }


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
