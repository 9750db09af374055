"""The addresses of a served run: predictions, a form to try them, health, OpenAPI, metrics."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate
from typing import Any

from jinja2 import Environment, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dl import __version__
from dl.config.data import ColumnKind
from dl.errors import BusyError, DlError, first_line
from dl.report.html import document
from dl.report.web import HEADERS
from dl.serve.gather import Gatherer
from dl.serve.service import Answer, Asked, Service, parse_json

MOST_BYTES = 16_000_000
"""Bytes of a request: as much as is parsed without others having to wait for seconds."""
MOST_ROWS = 10_000
"""Rows of a request, for the same reason."""
_SECONDS = 30
"""A body that has not come by then is given up: its connection would be held for ever."""
_JSON, _CSV = "application/json", "text/csv"

Handler = Callable[[Request], Awaitable[Response]]
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: the buckets that Prometheus' own clients have."""
_MOST_CHOICES = 50
"""Categories in a list to choose from; of more, the commonest are suggestions."""


class RefusedError(Exception):
    """A request that is not for these addresses; the status says why, the rest what to do."""

    def __init__(self, status: int, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.status, self.problem, self.hint = status, problem, hint


def server(service: Service, hosts: list[str], token: str | None = None) -> Starlette:
    """Returns the application that answers for a run.

    Args:
        service: The run.
        hosts: Names under which it may be asked; see `allowed_hosts`.
        token: What a request has to know; None where everybody may ask who can.
    """
    answers = _Answers(service, token)
    return Starlette(
        routes=[
            Route("/", answers.handled(answers.form, by_address=True)),
            Route("/predict", answers.handled(answers.predict), methods=["POST"]),
            Route("/health", answers.health),
            Route("/openapi.json", answers.handled(answers.openapi)),
            Route("/metrics", answers.handled(answers.metrics)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        exception_handlers={404: _unknown, 405: _wrong_method},
    )


class _Answers:
    """What each address answers."""

    def __init__(self, service: Service, token: str | None) -> None:
        self._service, self._token = service, token
        self._gatherer = Gatherer(service.predict)
        self._measured = Measured()

    def handled(self, handler: Handler, *, by_address: bool = False) -> Handler:
        """Asks for the token, words errors, counts, and adds the rules for the browser.

        Args:
            handler: Answers a request.
            by_address: Whether the token may stand in the address, as a person opens a page.
        """

        async def handle(request: Request) -> Response:
            begun = time.perf_counter()
            try:
                self._check_token(request, by_address)
                response = await handler(request)
            except RefusedError as refused:
                told = {"problem": refused.problem, "hint": refused.hint}
                response = JSONResponse(told, refused.status)
                if refused.status == 401:
                    response.headers["WWW-Authenticate"] = "Bearer"
            except DlError as error:
                response = _of_error(error)
            except ClientDisconnect:
                response = Response(status_code=499)  # nobody is there any more; it is counted
            except Exception as error:
                response = JSONResponse({"problem": f"a bug of dl: {first_line(error)}"}, 500)
            response.headers.update(HEADERS)
            path = request.scope["route"].path
            self._measured.add(path, response.status_code, time.perf_counter() - begun)
            return response

        return handle

    def _check_token(self, request: Request, by_address: bool) -> None:
        if self._token is None:
            return
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            given = request.query_params.get("token", "") if by_address else ""
        hint = "send the header `Authorization: Bearer TOKEN`, with the token that dl serve printed"
        if not given:
            raise RefusedError(401, "this needs a token", hint)
        if not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            raise RefusedError(403, "the token is another one", hint)

    async def predict(self, request: Request) -> Response:
        """Predictions for the rows in the body."""
        sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent not in (_JSON, _CSV):
            shown = repr(sent[:60]) if sent else "no type"
            raise RefusedError(
                415,
                f"rows cannot be read from {shown}",
                f"send JSON or CSV, with the header `Content-Type: {_JSON}` or `{_CSV}`",
            )
        body = await _body(request)
        asked = Asked(body) if sent == _CSV else parse_json(body)
        if len(asked) > MOST_ROWS + (sent == _CSV):  # its header is a line, too
            raise RefusedError(
                413,
                f"more than {MOST_ROWS:,} rows",
                "send them in several requests, or predict from a file: dl predict RUN FILE",
            )
        answer = await self._gatherer.ask(asked)
        self._measured.rows += len(next(iter(answer.columns.values())))
        return _written(answer, asked, as_csv=_wants_csv(request, sent))

    async def form(self, request: Request) -> Response:
        """A page on which a row can be tried."""
        page = document(
            "serve.html",
            self._service.label,
            assets=["serve.css", "serve.js"],
            fields=fields(self._service),
            target=self._service.target,
            protected=self._token is not None,
        )
        return HTMLResponse(page)

    async def health(self, request: Request) -> Response:
        """Whether it answers; asked without a token, so it tells nothing else."""
        return JSONResponse({"status": "ok"}, headers=HEADERS)

    async def openapi(self, request: Request) -> Response:
        """The description of these addresses for other programs."""
        return JSONResponse(openapi(self._service, MOST_ROWS, protected=self._token is not None))

    async def metrics(self, request: Request) -> Response:
        """What Prometheus asks for."""
        text = self._measured.text(self._gatherer.rows, self._gatherer.batches)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


async def _body(request: Request) -> bytes:
    """Reads the body of a request; no more of it than may be sent."""
    told = request.headers.get("content-length", "")
    size = int(told) if told.isdecimal() and len(told) < 20 else 0
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(_SECONDS):
            if size <= MOST_BYTES:
                size = 0
                async for part in request.stream():
                    size += len(part)
                    if size > MOST_BYTES:
                        break
                    parts.append(part)
    except TimeoutError as error:
        told = f"the rows have not come within {_SECONDS} seconds"
        raise RefusedError(408, told, "send fewer rows in a request") from error
    if size > MOST_BYTES:
        raise RefusedError(
            413, f"more than {MOST_BYTES:,} bytes", "send the rows in several requests"
        )
    return b"".join(parts)


def _wants_csv(request: Request, sent: str) -> bool:
    """Tells whether the answer is to be CSV: as asked for, or else as the rows were sent."""
    accepted = request.headers.get("accept", "")
    if (_CSV in accepted) != (_JSON in accepted):
        return _CSV in accepted
    return sent == _CSV


def _written(answer: Answer, asked: Asked, *, as_csv: bool) -> Response:
    # A header has no line breaks and no letters but those of ASCII: so it is JSON.
    headers = {"DL-Warnings": json.dumps(answer.warnings)} if answer.warnings else {}
    if as_csv:
        return Response(answer.csv(), media_type=f"{_CSV}; charset=utf-8", headers=headers)
    rows = answer.rows()
    content = json.dumps(rows[0] if asked.single else rows, ensure_ascii=False, allow_nan=False)
    return Response(content, media_type=_JSON, headers=headers)


def _of_error(error: DlError) -> Response:
    """Returns what is wrong with the rows, in the words of `dl predict`."""
    problem = error.problems[0]
    told = {"problem": problem.message, "expected": problem.expected, "found": problem.found}
    told = {key: text for key, text in {**told, "hint": problem.hint}.items() if text}
    if isinstance(error, BusyError):
        return JSONResponse(told, 503, {"Retry-After": "1"})
    return JSONResponse(told, 400)


async def _unknown(request: Request, _: Exception) -> Response:
    told = {
        "problem": f"there is nothing at {request.url.path}",
        "hint": "POST /predict; GET /, /health, /openapi.json, /metrics",
    }
    return JSONResponse(told, 404, HEADERS)


async def _wrong_method(request: Request, error: Exception) -> Response:
    allowed = (getattr(error, "headers", None) or {}).get("Allow", "")
    told = {"problem": f"{request.url.path} takes no {request.method}", "hint": f"ask by {allowed}"}
    return JSONResponse(told, 405, {**HEADERS, "Allow": allowed})


class Measured:
    """Counts requests and how long they took.

    Attributes:
        rows: Rows that were predicted.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, path: str, status: int, seconds: float) -> None:
        """Counts a request; how long it took counts where rows were predicted."""
        self._requests[path, status] += 1
        if (path, status) == ("/predict", 200):
            self._buckets[bisect_left(_BOUNDS, seconds)] += 1
            self._seconds += seconds

    def text(self, waiting: int, batches: int) -> str:
        """Returns all of it.

        Args:
            waiting: Rows that wait, or are being predicted.
            batches: How many batches there were.
        """
        name, counts = "dl_predict_seconds", list(accumulate(self._buckets))
        bounds = (*map(str, _BOUNDS), "+Inf")
        lines = [
            "# HELP dl_requests_total Requests, by address and status.",
            "# TYPE dl_requests_total counter",
            *(
                f'dl_requests_total{{path="{path}",status="{status}"}} {count}'
                for (path, status), count in sorted(self._requests.items())
            ),
            *_single("dl_rows_total", "counter", "Rows that were predicted.", self.rows),
            *_single("dl_batches_total", "counter", "Batches that rows were gathered in.", batches),
            *_single("dl_rows_waiting", "gauge", "Rows that wait, or are predicted.", waiting),
            f"# HELP {name} Seconds from a request to its predictions.",
            f"# TYPE {name} histogram",
            *(f'{name}_bucket{{le="{le}"}} {n}' for le, n in zip(bounds, counts, strict=True)),
            f"{name}_sum {self._seconds:.6f}",
            f"{name}_count {counts[-1]}",
        ]
        return "\n".join(lines) + "\n"


def _single(name: str, kind: str, says: str, value: int) -> list[str]:
    return [f"# HELP {name} {says}", f"# TYPE {name} {kind}", f"{name} {value}"]


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
