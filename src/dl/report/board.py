"""A local page over all runs, live while they train: its addresses, and the data behind them."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dl.errors import DiskError, DlError, RunError
from dl.report import html, run_page
from dl.report.compare import compare
from dl.report.comparison_page import comparison_page
from dl.report.stored import read_stored_run
from dl.report.sweep_page import sweep_page
from dl.rundir.directory import RunDirectory, all_sweeps, find_run, find_sweep, trials_of
from dl.rundir.query import (
    Entry,
    Row,
    entries_of,
    parse_condition,
    read_entries,
    read_entry,
    select,
)
from dl.rundir.settings import require_keys, rows_of
from dl.sweeps.results import Results, read_results

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_MOST_COMPARED = 20
# A part of an address: a name that is neither hidden nor leads upwards.
_PART = re.compile(r"[^/.\\\\][^/\\\\]*")

Answer = Callable[[Request], Response]
Plain = dict[str, Any]


def board(root: Path, hosts: list[str]) -> Starlette:
    """Returns the application over the runs below `root`.

    Args:
        root: The folder of all runs.
        hosts: Names under which it may be asked; a request for another is refused, so that a page
            from elsewhere cannot read the runs by way of a name that leads here.
    """
    answers = _Answers(root)
    routes = {
        "/": answers.front,
        "/api/runs": answers.runs,
        "/api/curves/{run:path}": answers.curves,
        "/run/{run:path}": answers.run,
        "/sweep/{sweep:path}": answers.sweep,
        "/compare": answers.compare,
    }
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    return Starlette(
        routes=[Route(address, _handled(answer)) for address, answer in routes.items()],
        middleware=[trusted],
    )


def _handled(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Runs an answer in a thread, words its errors, and adds the rules for the browser."""

    async def handle(request: Request) -> Response:
        try:
            response = await run_in_threadpool(answer, request)
        except DlError as error:
            problem = error.problems[0]
            text = "; ".join(filter(None, [problem.message, problem.hint]))
            response = PlainTextResponse(text, status_code=404)
        response.headers.update(_HEADERS)
        return response

    return handle


class _Answers:
    """What each address answers."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def front(self, request: Request) -> Response:
        """The list of all runs, which asks for its rows itself."""
        root = str(self._root.resolve())
        return HTMLResponse(html.document("board.html", "Runs", assets=["board.js"], root=root))

    def runs(self, request: Request) -> Response:
        """The rows of that list, the sweeps, and what is wrong with those that cannot be read."""
        given = request.query_params.get("filter", "").split(";")
        conditions = [text for text in given if text.strip()]
        sort = request.query_params.get("sort") or "-started"
        entries = read_entries(self._root)
        sweeps, damaged = self._sweeps()
        return JSONResponse(
            {
                "runs": _table(entries.readable, self._root, conditions, sort),
                "sweeps": sweeps,
                "damaged": [*entries.damaged, *damaged],
            }
        )

    def curves(self, request: Request) -> Response:
        """The learning curves of a run as they are now."""
        run = read_stored_run(self._run(request.path_params["run"]))
        return JSONResponse(
            {
                "status": run.entry.record.status,
                "epochs": len(run.facts.history),
                "charts": list(map(html.chart_data, run_page.learning(run).get("charts", []))),
            }
        )

    def run(self, request: Request) -> Response:
        """The page of a run: its report, or while it trains its growing curves."""
        address = request.path_params["run"]
        run = read_stored_run(self._run(address))
        running = run.entry.record.status == "running"
        return HTMLResponse(run_page.live_page(run, address) if running else run_page.run_page(run))

    def sweep(self, request: Request) -> Response:
        """The leaderboard of a sweep and its trainings."""
        sweep = find_sweep(str(self._place(request.path_params["sweep"])), self._root)
        trials = _table(entries_of(trials_of(sweep)).readable, self._root, [], "started")
        return HTMLResponse(sweep_page(read_results(sweep), trials))

    def compare(self, request: Request) -> Response:
        """The comparison of the runs that were ticked."""
        chosen = request.query_params.getlist("run")[:_MOST_COMPARED]
        if len(chosen) < 2:
            return PlainTextResponse("tick two or more runs", status_code=404)
        entries = [read_entry(self._run(address)) for address in chosen]
        return HTMLResponse(comparison_page(compare(entries)))

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


def _table(entries: list[Entry], root: Path, conditions: list[str], sort: str) -> list[Plain]:
    """Returns a row for each run that fulfils the conditions, in this order.

    Raises:
        UsageError: A condition cannot be read, or no run has a key.
    """
    parsed = [parse_condition(text) for text in conditions]
    keys = [*(condition.key for condition in parsed), sort.removeprefix("-")]
    rows = rows_of(entries, root, keys)
    if rows:
        require_keys("filter or order:", keys, rows)
    return [_run_row(entry, row, root) for entry, row in select(entries, rows, parsed, sort)]


def _run_row(entry: Entry, row: Row, root: Path) -> Plain:
    part, metrics = entry.judged or ("", {})
    names = list(metrics)
    name = names[min(1, len(names) - 1)] if names else ""
    trivial = entry.record.trivial
    beside = {} if trivial is None else trivial.metrics.get(part, {})
    return {
        "run": entry.run.label,
        "address": entry.run.path.relative_to(root).as_posix(),
        "status": entry.record.status,
        "age": row["age"],
        "seconds": entry.record.seconds,
        "epochs": entry.record.epochs,
        "metric": f"{part} {name}".strip(),
        "value": _finite(metrics.get(name)),
        "trivial": _finite(beside.get(name)),
        "tags": list(entry.tags),
    }


def _sweep_row(results: Results, root: Path) -> Plain:
    best = results.best
    return {
        "sweep": results.directory.label,
        "address": results.directory.path.relative_to(root).as_posix(),
        "status": results.record.status,
        "trials": results.record.trials,
        "ended": sum(trial.status != "unfinished" for trial in results.trials),
        "metric": results.record.terms.goal.metric,
        "best": None if best is None else _finite(best.mean),
    }


def _finite(value: float | None) -> float | None:
    """Returns a number as JSON can say it."""
    return value if value is not None and math.isfinite(value) else None
