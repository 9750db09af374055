"""A local page over all runs, live while they train: its addresses, and the data behind them."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dl.errors import DiskError, DlError, RunError, UsageError
from dl.report import html, run_page
from dl.report.axes import axis_of, text_of
from dl.report.catalog import Catalog
from dl.report.charts import LOG_SPAN
from dl.report.compare import alike, compare
from dl.report.comparison_page import comparison_page
from dl.report.stored import read_stored_run
from dl.report.sweep_page import summary, sweep_page
from dl.report.web import HEADERS, LOOPBACK
from dl.rundir.directory import (
    RunDirectory,
    SweepDirectory,
    all_sweeps,
    find_run,
    find_sweep,
    trials_of,
)
from dl.rundir.notes import MOST_OF_NOTE, write_note
from dl.rundir.query import Entry, Row, entries_of, parse_condition, read_entry, select, utc_now
from dl.rundir.settings import require_keys, rows_of
from dl.sweeps.results import Results, read_results
from dl.text import measured
from dl.vocabulary.labels import column_label

_MOST_COMPARED = 20
# Rows of a first page: more are a click away.
_ROWS = 25
# Runs of a name that are tested against the best of it: a test takes some milliseconds.
_MOST_TESTED = 20
# A part of an address: a name that is neither hidden nor leads upwards.
_PART = re.compile(r"[^/.\\\\][^/\\\\]*")

Answer = Callable[[Request], Response]
Plain = dict[str, Any]


def board(root: Path, hosts: list[str]) -> Starlette:
    """Returns the application over the runs below `root`.

    Args:
        root: The folder of all runs.
        hosts: Names under which it may be asked; a request for another is refused, so that a page
            from elsewhere cannot read the runs by way of a name that leads here. Where any is
            allowed, others than this machine may ask, and nothing can be written.
    """
    answers = _Answers(root, None if "*" in hosts else secrets.token_urlsafe())
    routes = {
        "/": answers.front,
        "/api/runs": answers.runs,
        "/api/cards": answers.cards,
        "/api/keys": answers.keys,
        "/api/scatter": answers.scatter,
        "/api/alike/{name}": answers.alike,
        "/api/histories": answers.histories,
        "/api/curves/{run:path}": answers.curves,
        "/api/ended/{sweep:path}": answers.ended,
        "/run/{run:path}": answers.run,
        "/sweep/{sweep:path}": answers.sweep,
        "/compare": answers.compare,
    }
    return Starlette(
        routes=[
            *(Route(address, _handled(answer)) for address, answer in routes.items()),
            Route("/api/note/{run:path}", answers.note, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        exception_handlers={404: _unknown},
    )


def _handled(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Runs an answer in a thread, words its errors, and adds the rules for the browser."""

    async def handle(request: Request) -> Response:
        try:
            response = await run_in_threadpool(answer, request)
        except DlError as error:
            problem = error.problems[0]
            response = _refused(request, problem.message, problem.hint or "")
        response.headers.update(HEADERS)
        return response

    return handle


async def _unknown(request: Request, _: Exception) -> Response:
    return _refused(request, f"there is no page {request.url.path}", "")


def _refused(request: Request, message: str, hint: str) -> Response:
    """Returns what is wrong: to a script as JSON, to a person as a page like the others."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"problem": message, "hint": hint}, 404, HEADERS)
    page = html.document("missing.html", "Not found", message=message, hint=hint)
    return HTMLResponse(page, 404, HEADERS)


def _news(request: Request, content: object) -> Response:
    """Returns JSON, or nothing where the page has just that already: then nothing is redrawn."""
    body = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


class _Answers:
    """What each address answers."""

    def __init__(self, root: Path, token: str | None) -> None:
        self._root = root
        self._token = token
        self._catalog = Catalog(root)

    def front(self, request: Request) -> Response:
        """The list of all runs, which asks for its rows itself."""
        page = html.document(
            "board.html",
            "Runs",
            assets=["board.css", "board.js", "overlay.js"],
            root=str(self._root.resolve()),
            most=MOST_OF_NOTE,
            known={"token": self._token or "", "logSpan": LOG_SPAN},
        )
        return HTMLResponse(page)

    def runs(self, request: Request) -> Response:
        """The first rows of that list, the sweeps, and what is wrong with those unread."""
        query = request.query_params
        columns = [key for key in query.get("columns", "").split(",") if key]
        chosen, damaged = self._chosen(request, columns)
        self._catalog.read_ahead()
        sweeps, damaged_sweeps = self._sweeps()
        return _news(
            request,
            {
                "runs": [
                    self._catalog.row(entry)
                    | {"columns": [text_of(row.get(key, "")) for key in columns]}
                    for entry, row in chosen[: _count(query.get("limit"))]
                ],
                "count": len(chosen),
                "sweeps": sweeps,
                "damaged": [*damaged, *damaged_sweeps],
            },
        )

    def cards(self, request: Request) -> Response:
        """The same runs by their names: those that are best, that train, and how results went."""
        chosen, _ = self._chosen(request, [])
        by_name: dict[str, list[Entry]] = {}
        for entry, _row in chosen:
            by_name.setdefault(entry.run.path.parent.name, []).append(entry)
        return _news(request, {"cards": [self._catalog.card(some) for some in by_name.values()]})

    def keys(self, request: Request) -> Response:
        """What can be a column, an order, a condition or an axis."""
        memory, now = self._catalog.memory, utc_now()
        keys = {
            key: None
            for entry in self._catalog.entries().readable
            for key in (*entry.facts(now), *memory.of(entry.run))
        }
        memory.save()
        return _news(request, {"keys": list(keys)})

    def scatter(self, request: Request) -> Response:
        """Two values of each run, as places on two axes."""
        names = [request.query_params.get(axis, "").strip() for axis in ("x", "y")]
        if not all(names):
            hint = "?x=training.batch_size&y=accuracy"
            raise UsageError("a scatter needs two values of runs: x and y", hint=hint)
        chosen, _ = self._chosen(request, names)
        known = [
            (entry, [row.get(key) for key in names])
            for entry, row in chosen
            if all(row.get(key) is not None for key in names)
        ]
        axes = [axis_of(key, [values[at] for _, values in known]) for at, key in enumerate(names)]
        points = [
            {
                "run": entry.run.label,
                "address": entry.run.path.relative_to(self._root).as_posix(),
                "x": axes[0].places[place],
                "y": axes[1].places[place],
                "says": list(map(text_of, values)),
            }
            for place, (entry, values) in enumerate(known)
            if axes[0].places[place] is not None and axes[1].places[place] is not None
        ]
        plain = [{"title": axis.title, "ticks": axis.ticks} for axis in axes]
        return _news(request, {"axes": plain, "points": points})

    def alike(self, request: Request) -> Response:
        """The best run of a name, and those that cannot be told apart from it on the same rows."""
        name = request.path_params["name"]
        return _news(request, self._catalog.alike(name, _MOST_TESTED, alike))

    def histories(self, request: Request) -> Response:
        """The learning curves of several runs, to be laid over each other."""
        chosen = request.query_params.getlist("run")[:_MOST_COMPARED]
        return _news(request, {"runs": [self._catalog.curves(self._run(run)) for run in chosen]})

    def curves(self, request: Request) -> Response:
        """The learning curves of a run that trains, as they are now."""
        run = read_stored_run(self._run(request.path_params["run"]))
        row = self._catalog.row(run.entry)
        return _news(
            request,
            {
                **{key: row[key] for key in ("status", "epochs", "planned", "started")},
                "charts": list(map(html.chart_data, run_page.learning(run).get("charts", []))),
            },
        )

    def run(self, request: Request) -> Response:
        """The page of a run: its report, or while it trains its growing curves."""
        address = request.path_params["run"]
        run = read_stored_run(self._run(address))
        running = run.entry.record.status == "running"
        return HTMLResponse(run_page.live_page(run, address) if running else run_page.run_page(run))

    def sweep(self, request: Request) -> Response:
        """The leaderboard of a sweep and its trainings."""
        sweep = self._sweep(request)
        trials = [self._catalog.row(entry) for entry in entries_of(trials_of(sweep)).readable]
        return HTMLResponse(sweep_page(read_results(sweep), trials))

    def ended(self, request: Request) -> Response:
        """How many trainings of a sweep have ended: whether its page has news."""
        results = read_results(self._sweep(request))
        return _news(request, {"ended": len(results.journal.ended)})

    def _sweep(self, request: Request) -> SweepDirectory:
        return find_sweep(str(self._place(request.path_params["sweep"])), self._root)

    def compare(self, request: Request) -> Response:
        """The comparison of the runs that were ticked, with the one that was chosen first."""
        chosen = list(dict.fromkeys(request.query_params.getlist("run")))[:_MOST_COMPARED]
        if len(chosen) < 2:
            raise UsageError("a comparison needs two runs or more", hint="tick them in the list: /")
        reference = request.query_params.get("reference")
        if reference in chosen:
            chosen = [reference, *(run for run in chosen if run != reference)]
        entries = [read_entry(self._run(address)) for address in chosen]
        return HTMLResponse(comparison_page(compare(entries), chosen))

    async def note(self, request: Request) -> Response:
        """Replaces the note of a run: asked by the board's own page on this machine alone.

        Who sends it must know the token that stands in that page, in a header of its own, which no
        form can send and no other page may; so nothing is written on the word of another site.
        """
        given = request.headers.get("x-board-token", "")
        here = request.client is not None and request.client.host in LOOPBACK
        token = self._token or ""
        known = bool(token) and hmac.compare_digest(given.encode(), token.encode())
        size = request.headers.get("content-length", "")
        if not (here and known and size.isdecimal() and int(size) <= 4 * MOST_OF_NOTE):
            told = {"problem": "notes are written on the board's own page: open it again"}
            return JSONResponse(told, 403, HEADERS)
        text = (await request.body()).decode(errors="replace")

        def write(request: Request) -> Response:
            run = self._run(request.path_params["run"])
            write_note(run, text)
            return JSONResponse(self._catalog.row(read_entry(run)))

        return await _handled(write)(request)

    def _chosen(
        self, request: Request, keys: Sequence[str]
    ) -> tuple[list[tuple[Entry, Row]], list[str]]:
        """Returns the runs that fulfil the conditions, in the order asked for, and the damaged.

        Raises:
            UsageError: A condition cannot be read, or no run has a key.
        """
        given = request.query_params.get("filter", "").split(";")
        parsed = [parse_condition(text) for text in given if text.strip()]
        sort = request.query_params.get("sort") or "-started"
        entries = self._catalog.entries()
        wanted = [*(condition.key for condition in parsed), sort.removeprefix("-"), *keys]
        rows = rows_of(entries.readable, self._catalog.memory, wanted)
        if rows:
            require_keys("no such value:", wanted, rows)
        return select(entries.readable, rows, parsed, sort), entries.damaged

    def _run(self, address: str) -> RunDirectory:
        return find_run(str(self._place(address)), self._root)

    def _place(self, address: str) -> Path:
        """Returns the folder at an address, which lies below the folder of all runs.

        Raises:
            RunError: There is no such folder, or the address leads elsewhere.
        """
        parts = address.split("/")
        place = self._root.joinpath(*parts)
        if "\0" in address or not all(map(_PART.fullmatch, parts)) or not place.is_dir():
            raise RunError(f"there is no run at {address}", hint="see them all: /")
        return place

    def _sweeps(self) -> tuple[list[Plain], list[str]]:
        """Returns a row for each sweep, and what is wrong with those that cannot be read."""
        rows: list[Plain] = []
        damaged: list[str] = []
        for sweep in all_sweeps(self._root):
            try:
                rows.append(_sweep_row(read_results(sweep), self._root))
            except (RunError, DiskError) as error:
                damaged.append(error.problems[0].message)
        return rows, damaged


def _sweep_row(results: Results, root: Path) -> Plain:
    best = results.best
    return {
        "sweep": results.directory.label,
        "address": results.directory.path.relative_to(root).as_posix(),
        "status": results.record.status,
        "trials": results.record.trials,
        "ended": sum(trial.status != "unfinished" for trial in results.trials),
        "metric": column_label(results.record.terms.goal.metric),
        "best": "" if best is None else measured(best.mean),
        "verdict": summary(results),
    }


def _count(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else _ROWS
