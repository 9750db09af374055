"""The addresses of the page: itself, its pictures, what it asks for, and what it gives away."""

from __future__ import annotations

import hmac
import json
import math
import struct
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dl.errors import DlError, UsageError, first_line
from dl.play.session import Picture, Session
from dl.play.settings import (
    LAYERS,
    MOST_BYTES,
    MOST_CLASSES,
    MOST_LAYERS,
    MOST_POINTS,
    MOST_UNITS,
    PRESETS,
    TABLE,
)
from dl.report import html
from dl.report.web import HEADERS

_WAITS = 1.0
"""Seconds that a question for the next picture waits, so that Ctrl-C is not kept waiting."""

Work = Callable[[Request, bytes], Response]


def texts(language: str) -> dict[str, str]:
    """Returns the texts of the page in a language, `en` or `fr`."""
    content = files("dl.play").joinpath("texts.toml").read_text(encoding="utf-8")
    table = tomllib.loads(content)
    table |= {f"finding {name}": both for name, both in table.pop("findings").items()}
    return {name: both[language == "fr"] for name, both in table.items()}


def server(session: Session, hosts: list[str], language: str, token: str) -> Starlette:
    """Returns the application of one page.

    Args:
        session: What it plays with.
        hosts: Names under which it may be asked: those of this machine alone.
        language: The language of its texts, `en` or `fr`.
        token: What every address begins with, which no other user and no other site knows.
    """
    answers = _Answers(session, texts(language), language)
    gives = {
        "": answers.page,
        "api/picture": answers.picture,
        "api/play.yaml": answers.text,
        f"api/{TABLE}": answers.table,
    }
    takes = {"api/change": answers.change, "api/act": answers.act}
    return Starlette(
        routes=[
            *(Route("/{token}/" + path, _handled(w, token)) for path, w in gives.items()),
            *(
                Route("/{token}/" + path, _handled(w, token), methods=["POST"])
                for path, w in takes.items()
            ),
            Route("/{rest:path}", _handled(answers.page, token)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )


def _handled(work: Work, token: str) -> Callable[[Request], Any]:
    """Answers who knows the token: in a thread, errors worded, with the rules for the browser."""

    async def handle(request: Request) -> Response:
        given = request.path_params.get("token", "")
        if not hmac.compare_digest(given.encode(), token.encode()):
            said = {
                "problem": "the page is elsewhere",
                "hint": "open the address that dl play printed",
            }
            return JSONResponse(said, 403, HEADERS)
        size = request.headers.get("content-length", "0")
        try:
            if not (size.isdecimal() and len(size) < 12 and int(size) <= MOST_BYTES):
                raise UsageError(f"more than {MOST_BYTES:,} bytes", hint="take a smaller table")
            body = await request.body() if request.method == "POST" and size != "0" else b""
            response = await run_in_threadpool(work, request, body)
        except DlError as error:
            told = error.problems[0]
            said = {"problem": told.message, "hint": told.hint or told.expected or ""}
            response = JSONResponse(said, 422)
        except Exception as error:
            response = JSONResponse({"problem": f"a bug of dl: {first_line(error)}"}, 500)
        response.headers.update(HEADERS)
        return response

    return handle


class _Answers:
    """What each address answers."""

    def __init__(self, session: Session, words: Mapping[str, str], language: str) -> None:
        self._session, self._words, self._language = session, words, language

    def page(self, request: Request, body: bytes) -> Response:
        """The page, which asks for all else itself."""
        limits = {"points": MOST_POINTS, "layers": MOST_LAYERS, "units": MOST_UNITS}
        known = {
            "words": dict(self._words),
            "limits": {**limits, "classes": MOST_CLASSES, "bytes": MOST_BYTES},
            "kinds": LAYERS,
        }
        page = html.document(
            "play.html",
            "dl play",
            assets=["play.css", "play-draw.js", "play.js"],
            lang=self._language,
            say=self._words,
            presets=list(PRESETS),
            known=known,
        )
        return HTMLResponse(page)

    def picture(self, request: Request, body: bytes) -> Response:
        """The next picture; nothing where none has come for a while."""
        asked = [
            request.query_params.get(name, "") for name in ("after", "version", "course", "rows")
        ]
        after, version, course, rows = (
            int(t) if t.isdecimal() and len(t) < 10 else 0 for t in asked
        )
        picture = self._session.picture(after, _WAITS)
        if picture is None:
            return Response(status_code=204)
        begin = rows if picture.header.get("course") == course else 0
        return Response(_packed(picture, version, begin), media_type="application/octet-stream")

    def change(self, request: Request, body: bytes) -> Response:
        """Has something else trained."""
        self._session.change(_read(body))
        return JSONResponse({})

    def act(self, request: Request, body: bytes) -> Response:
        """Trains, waits, begins anew."""
        asked = _read(body)
        tempo = asked.get("tempo")
        self._session.act(
            str(asked.get("action", "")), tempo if isinstance(tempo, int | float) else None
        )
        return JSONResponse({})

    def text(self, request: Request, body: bytes) -> Response:
        """The config that trains to what is seen."""
        return Response(self._session.text(), media_type="application/yaml; charset=utf-8")

    def table(self, request: Request, body: bytes) -> Response:
        """The points of the page, which that config reads; nothing where they are not its own."""
        table = self._session.setting.table
        return Response(table, 200 if table else 404, media_type="text/csv; charset=utf-8")


def _read(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError("the request is no JSON") from error
    if not isinstance(asked, dict):
        raise UsageError("the request is no object of JSON")
    return asked


def _packed(picture: Picture, version: int, begin: int) -> bytes:
    """Returns a picture as the length of its header, the header as JSON, and then the arrays.

    Args:
        picture: The picture.
        version: The scene that the page has: it is not told again.
        begin: The rows of the history that it has.
    """
    places, content, at = [], [], 0
    for name, array in picture.arrays:
        at += -at % 4
        places.append({"name": name, "shape": array.shape, "bytes": array.itemsize, "at": at})
        content.append((at, array.tobytes()))
        at += array.nbytes
    header = {
        **picture.header,
        "number": picture.number,
        "begin": begin,
        "history": [
            {name: value if math.isfinite(value) else None for name, value in row.items()}
            for row in picture.history[begin:]
        ],
        "arrays": places,
    }
    if picture.header.get("version") != version:
        header["scene"] = picture.scene
    told = json.dumps(header, ensure_ascii=False).encode()
    told += b" " * (-len(told) % 4)
    packed = bytearray(4 + len(told) + at)
    packed[:4] = struct.pack("<I", len(told))
    packed[4 : 4 + len(told)] = told
    for place, raw in content:
        start = 4 + len(told) + place
        packed[start : start + len(raw)] = raw
    return bytes(packed)
