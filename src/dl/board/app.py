"""The board's addresses: pages, and the data that they ask for while they are open."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dl.board.tables import front_page, trial_table
from dl.browse.entries import read_entry
from dl.errors import DlError, RunError
from dl.pages.comparison import comparison_page
from dl.pages.context import read_context
from dl.pages.document import document
from dl.pages.page import run_page
from dl.pages.sections.learning import build as learning
from dl.pages.sweep_page import sweep_page
from dl.report.compare import compare
from dl.runs.directory import RunDirectory
from dl.runs.find import find_run, find_sweep
from dl.sweep.results import read_results

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MOST_COMPARED = 20
_PART = re.compile(r"[^/.\\\\][^/\\\\]*")
"""A part of an address: a name that is neither hidden nor leads upwards."""

Answer = Callable[[Request], Response]


def board(root: Path, hosts: list[str]) -> Starlette:
    """Returns the application over the runs below `root`.

    Args:
        root: The folder of all runs.
        hosts: Names under which it may be asked; a request for another is refused, so that a page
            from elsewhere cannot read the runs by way of a name that leads here.
    """
    answers = _Answers(root)
    routes = [
        Route("/", _handled(answers.front)),
        Route("/api/runs", _handled(answers.runs)),
        Route("/api/curves/{run:path}", _handled(answers.curves)),
        Route("/run/{run:path}", _handled(answers.run)),
        Route("/sweep/{sweep:path}", _handled(answers.sweep)),
        Route("/compare", _handled(answers.compare)),
    ]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    return Starlette(routes=routes, middleware=[trusted])


def _handled(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Runs an answer in a thread, words its errors, and adds the rules for the browser."""

    async def handle(request: Request) -> Response:
        try:
            response = await run_in_threadpool(answer, request)
        except DlError as error:
            response = PlainTextResponse(_text(error), status_code=404)
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    return handle


def _text(error: DlError) -> str:
    problem = error.problems[0]
    return "; ".join(filter(None, [problem.message, problem.hint]))


class _Answers:
    """What each address answers."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def front(self, request: Request) -> Response:
        """The list of all runs, which asks for its rows itself."""
        root = str(self._root.resolve())
        return HTMLResponse(document("board.html", "Runs", live=True, root=root))

    def runs(self, request: Request) -> Response:
        """The rows of that list, the sweeps, and what cannot be read."""
        given = request.query_params.get("filter", "").split(";")
        conditions = [text for text in given if text.strip()]
        sort = request.query_params.get("sort") or "-started"
        return JSONResponse(front_page(self._root, conditions, sort))

    def curves(self, request: Request) -> Response:
        """The learning curves of a run as they are now."""
        context = read_context(self._run(request.path_params["run"]))
        values = learning(context) or {"charts": []}
        return JSONResponse(
            {
                "status": context.entry.record.status,
                "epochs": len(context.history),
                "charts": [chart.document() for chart in values["charts"]],
            }
        )

    def run(self, request: Request) -> Response:
        """The page of a run: its report, or while it trains its growing curves."""
        address = request.path_params["run"]
        context = read_context(self._run(address))
        if context.entry.record.status != "running":
            return HTMLResponse(run_page(context))
        values = learning(context) or {"charts": []}
        return HTMLResponse(
            document("live.html", context.entry.run.label, live=True, address=address, **values)
        )

    def sweep(self, request: Request) -> Response:
        """The leaderboard of a sweep and its trainings."""
        sweep = find_sweep(str(self._place(request.path_params["sweep"])), self._root)
        trials = trial_table(sweep, self._root)
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
