"""`dl board`: a local page over all runs."""

from __future__ import annotations

from pathlib import Path

import click

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.argument(
    "folder",
    default=Path("runs"),
    type=click.Path(path_type=Path, file_okay=False),
    metavar="[DIR]",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True)
@click.option(
    "--host",
    default=_LOOPBACK[0],
    show_default=True,
    help="Another address makes the runs readable from other machines.",
)
def board(folder: Path, port: int, host: str) -> None:
    """Show all runs of DIR (default: runs) on a local page, live while they train; Ctrl-C ends it.

    The address is printed on stdout. Only this machine can open it, unless --host says otherwise.
    """
    import socket

    import uvicorn

    from dl.errors import UsageError
    from dl.report.board import board as application

    if host not in _LOOPBACK:
        click.echo(f"warning: the runs in {folder} can be read from other machines", err=True)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"the address {host}:{port} cannot be used: {error.strerror}",
            hint="choose another port: dl board --port 8101",
        ) from error
    with listening:
        name = f"[{host}]" if ":" in host else host
        click.echo(f"http://{name}:{listening.getsockname()[1]}/")
        hosts = ["localhost", "127.0.0.1", "[::1]", host] if host in _LOOPBACK else ["*"]
        settings = uvicorn.Config(
            application(folder, hosts),
            log_level="error",
            access_log=False,
            lifespan="off",  # else a signal that uvicorn does not know leaves a trace
        )
        uvicorn.Server(settings).run(sockets=[listening])
