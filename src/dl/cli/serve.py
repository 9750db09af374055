"""`dl board`, `play` and `serve`: pages and answers for a browser, until a signal ends them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    Command,
    quiet_option,
    run_argument,
    runs_option,
    set_option,
    threshold_option,
)
from dl.cli.process import open_reporter
from dl.errors import UsageError
from dl.rundir.directory import find_run
from dl.text import painted, printable

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

_HERE = "127.0.0.1"
_SHORTEST_TOKEN = 16
"""Characters; a shorter one is found by trying."""
_LAST_SECONDS = 10
"""So long a client may take for its last answer once the end is asked for."""


def _port_option(usual: int) -> Callable[[Command], Command]:
    return click.option("--port", type=click.IntRange(0, 65535), default=usual, show_default=True)


def _host_option(text: str) -> Callable[[Command], Command]:
    return click.option("--host", default=_HERE, show_default=True, help=text)


@click.command()
@click.argument(
    "folder",
    default=Path("runs"),
    type=click.Path(path_type=Path, file_okay=False),
    metavar="[DIR]",
)
@_port_option(8100)
@_host_option("Another address makes the runs readable from other machines.")
def board(folder: Path, port: int, host: str) -> None:
    """Show all runs of DIR on a page, live while they train.

    DIR is `runs` where none is given; Ctrl-C ends it. The address is printed on stdout. Only this
    machine can open it, unless --host says otherwise.
    """
    from dl.report.board import board as application
    from dl.report.web import LOOPBACK, allowed_hosts

    if host not in LOOPBACK:
        click.echo(f"warning: the runs in {folder} can be read from other machines", err=True)
    if not folder.is_dir():
        click.echo(f"warning: there is no folder {folder} yet; dl train makes it", err=True)
    with _listening("board", host, port) as (listening, address):
        _tell(f"the runs in {folder}, live while they train; Ctrl-C ends it")
        click.echo(address)
        _answer(application(folder, allowed_hosts(host)), listening)


@click.command()
@run_argument
@_port_option(8101)
@_host_option("Another address lets other machines ask, who have to know a token.")
@click.option(
    "--token",
    envvar="DL_SERVE_TOKEN",
    metavar="TEXT",
    help="What each request has to know.  [default: none on this machine; else one is made]",
)
@threshold_option
@runs_option
@quiet_option
def serve(
    run: str,
    port: int,
    host: str,
    token: str | None,
    threshold: float | None,
    runs: Path,
    quiet: bool,
) -> None:
    """Answer with the predictions of RUN over HTTP.

    POST /predict takes rows as JSON (an object, or a list of them) or CSV, and answers as dl
    predict does. GET / is a form to try a row. The address is printed on stdout. Ctrl-C ends it,
    when what was asked is answered. Only this machine can ask, unless --host says otherwise.

    \b
    dl serve titanic
    dl serve titanic --host 0.0.0.0 --port 80
    """
    import secrets

    from dl import app
    from dl.report.web import LOOPBACK, allowed_hosts
    from dl.serve.server import server

    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise UsageError("--token must be letters, digits and signs of ASCII, without blanks")
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise UsageError(
            f"--token is too short: {len(token)} characters",
            expected=f"at least {_SHORTEST_TOKEN}",
            hint="leave it out with --host: then one is made",
        )
    if token is None and host not in LOOPBACK:
        token = secrets.token_urlsafe()
    directory = find_run(run, runs)
    with open_reporter(quiet=quiet) as reporter:
        service = app.service(directory, threshold, reporter)
    with _listening("serve", host, port) as (listening, address):
        _tell(f"predictions of {service.label}; Ctrl-C ends it")
        if token is not None:
            _tell(f"each request needs the header  Authorization: Bearer {token}")
            address += f"?token={token}"
        click.echo(address)
        _answer(server(service, allowed_hosts(host), token), listening, ends_well=True)


@click.command()
@click.argument("subject", required=False, metavar="[CONFIG|FILE]", type=click.Path(path_type=Path))
@click.option("--target", default="", metavar="COLUMN", help="The column of a table to predict.")
@set_option
@click.option(
    "--lang",
    "language",
    type=click.Choice(["en", "fr"]),
    help="The language of the page.  [default: French where LANG says so, else English]",
)
@_port_option(8102)
@quiet_option
def play(
    subject: Path | None,
    target: str,
    overrides: tuple[str, ...],
    language: str | None,
    port: int,
    quiet: bool,
) -> None:
    """Train a small network on a page, with your own hands.

    Points are painted, or come from FILE, a table; layers, units and rates are changed while it
    trains, and the page shows what each unit sees. What came of it can be copied as YAML. Nothing
    is written. The address is printed on stdout; only who knows it can open the page, on this
    machine. Ctrl-C ends it.

    \b
    dl play
    dl play configs/course/04c-xor-hidden.yaml
    dl play flowers.csv --target species --lang fr
    """
    import secrets
    import tempfile

    from dl import app
    from dl.course.exercise import language_of
    from dl.report.web import allowed_hosts

    with tempfile.TemporaryDirectory(prefix="dl-play-") as scratch:
        with open_reporter(quiet=quiet) as reporter:
            session = app.play(subject, target, overrides, Path(scratch), reporter)
        with _listening("play", _HERE, port) as (listening, address):
            from dl.play.server import server as application

            language = "fr" if language_of(language) == "fr" else "en"
            _tell("a network to play with; Ctrl-C ends it")
            token = secrets.token_urlsafe()
            click.echo(f"{address}{token}/")
            made = application(session, allowed_hosts(_HERE), language, token)
            _answer(made, listening, ends_well=True)


def _tell(text: str) -> None:
    click.echo(painted(printable(text), "dim", sys.stderr), err=True)


@contextmanager
def _listening(command: str, host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """Gives a socket that listens, and the address to open; raises `UsageError`."""
    import socket

    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        # Asyncio sets it only where the protocol is named. Else the body of an answer waits some
        # 40 ms for the receipt of its head; what is accepted takes the option from here.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise UsageError(
            f"the address {host}:{port} cannot be used: {error.strerror}",
            hint=f"choose another port: dl {command} --port {min(port + 1, 65535)}",
        ) from error
    with listening:
        name = f"[{host}]" if ":" in host else host
        yield listening, f"http://{name}:{listening.getsockname()[1]}/"


def _answer(application: Starlette, listening: socket.socket, *, ends_well: bool = False) -> None:
    """Answers until a signal asks for the end; with `ends_well`, that is no interruption."""
    import uvicorn

    settings = uvicorn.Config(
        application,
        log_level="error",
        access_log=False,
        lifespan="off",  # else a signal that uvicorn does not know leaves a trace
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    made = uvicorn.Server(settings)
    try:
        made.run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn hands the signal on once all is answered
        if not (ends_well and made.should_exit):
            raise
