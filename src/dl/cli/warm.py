"""`dl warm`: a process that has everything loaded, for the commands that come.

Run as a module it is that process, and the process of each command that is handed over to it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

import click

from dl.cli.options import json_option, print_json, quiet_option
from dl.cli.process import end_at_once, open_reporter, open_streams
from dl.errors import DiskError, RunError, UsageError
from dl.text import duration
from dl.variables import environment_of_child, import_nothing_from_here

_LOADED = b"loaded\n"
_PATIENCE = 5.0
"""Seconds that a process without commands may take to end."""


@click.command()
@click.option("--stop", is_flag=True, help="End the warm process, after its commands.")
@click.option("--status", is_flag=True, help="Say whether there is one, and what it does.")
@click.option(
    "--idle",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="MINUTES",
    help="How long it stays without a command.",
)
@quiet_option
@json_option
def warm(stop: bool, status: bool, idle: float, quiet: bool, as_json: bool) -> None:
    """Keep everything loaded, so that commands begin at once.

    Starts a process of yours in the background that has TensorFlow and the rest loaded. train, lr,
    sweep, reproduce, evaluate, trace, summary, diagnose, baseline and report are done by copies of
    it, with the same results; where that cannot be, they start as ever. It ends after ten minutes
    without a command, with --stop, and when dl or a package changes. DL_WARM=0 before a command
    keeps it cold.
    """
    from dl.warm import SUPPORTED

    if stop and status:
        raise UsageError("--stop and --status exclude each other", hint="leave one of them out")
    if not SUPPORTED:
        raise UsageError(
            "dl warm needs Linux: elsewhere a process that has TensorFlow cannot be copied",
            hint="leave it out: commands start as ever",
        )
    found = found_warm()
    if stop:
        text = "there was none" if found is None else _stopped(found)
    elif status or found is not None:
        text = "not warm: commands load all they need; dl warm" if found is None else _told(found)
    else:
        with open_reporter(quiet=quiet) as reporter, reporter.stage("Loading Keras and the rest"):
            found = _started(idle)
        text = _told(found)
    if as_json:
        print_json({"warm": found is not None and not stop}, found or {})
    else:
        click.echo(text)


def found_warm() -> dict[str, Any] | None:
    """Returns what the warm process says of itself; None if there is none."""
    from dl.warm.client import ask

    answer = ask(None)
    return None if answer is None else answer[1]


def _told(found: dict[str, Any]) -> str:
    done = f"{found['commands']} done" + (f", {found['running']} running" * bool(found["running"]))
    ends = found["ends"]
    end = f"ends in {duration(ends)}" if ends is not None else "ends after them"
    lines = [
        f"warm: process {found['pid']}, {duration(found['age'])} old, {found['memory']:.0f} MB",
        f"commands: {done}; {end}, or with dl warm --stop",
    ]
    if found["cold"]:
        lines.append(f"not for commands from here: {found['cold']} is another")
    return "\n".join(lines)


def _check_place() -> None:
    """Looks whether there can be such a process.

    Raises:
        DiskError: There is no place for its socket.
        UsageError: The system is too old.
    """
    from dl.warm import open_folder

    try:
        os.close(open_folder(make=True))
    except OSError as error:
        place = error.filename
        own = os.path.isdir(place) and os.lstat(place).st_uid == os.geteuid()
        hint = "for all commands, set XDG_RUNTIME_DIR to a folder of yours"
        if own and not os.path.islink(place):
            hint = f"make it one of yours alone: chmod 700 {place}"
        raise DiskError(f"{error.filename}: {error.strerror}", hint=hint) from error
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        raise UsageError(
            "dl warm needs Linux 5.3 or newer: this one has no pidfd_open",
            hint="leave it out: commands start as ever",
        ) from error


def _started(idle: float) -> dict[str, Any]:
    """Starts the process and waits until all is loaded; returns what it says of itself.

    Raises:
        DlError: There is no place for it, it ended, or it does not answer.
    """
    import subprocess

    _check_place()
    told, tell = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "dl.cli.warm", str(tell), str(60 * idle)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        pass_fds=[tell],
        start_new_session=True,
        env=environment_of_child(),
    )
    os.close(tell)
    try:
        with os.fdopen(told, "rb") as stream:
            said = stream.read()
    except BaseException:
        process.kill()
        raise
    if said != _LOADED:
        raise RunError(f"the warm process ended with exit code {process.wait()}", hint="dl doctor")
    for _ in range(2):  # the machine may have been held up for longer than a command waits
        if (found := found_warm()) is not None:
            process.returncode = 0  # it stays: it is nobody's child to wait for
            return found
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            why = "dl or a package has changed while it loaded, or --idle is too short"
            raise RunError("the warm process has ended at once", hint=f"{why}; dl warm again")
    process.returncode = 0
    raise RunError("the warm process does not answer", hint="dl warm --status, in a while")


def _stopped(found: dict[str, Any]) -> str:
    import select
    import signal

    process = int(found["pid"])
    with suppress(ProcessLookupError):  # it has ended meanwhile
        watched = os.pidfd_open(process)
        signal.pidfd_send_signal(watched, signal.SIGTERM)
        if found["running"]:
            return f"takes no more commands, and ends after those that run: {found['running']}"
        if not select.select([watched], [], [], _PATIENCE)[0]:
            signal.pidfd_send_signal(watched, signal.SIGKILL)
    return "stopped"


def _load_templates() -> None:
    from dl.report.html import load_templates
    from dl.report.run_page import SECTIONS

    load_templates(name for name, _, _ in SECTIONS)


def _main() -> None:
    """Loads, serves, and is a command in each copy."""
    from dl.app.rehearsal import rehearse
    from dl.warm.server import WarmProcess, load

    tell, idle = int(sys.argv[1]), float(sys.argv[2])
    open_streams()
    process = WarmProcess(idle, rehearse)
    load(_load_templates)
    process.listen()
    os.write(tell, _LOADED)
    os.close(tell)
    handed = process.serve()
    if handed is None:
        return
    from dl.cli.main import main

    end_at_once()
    handed.begin()
    import_nothing_from_here()
    main(handed.end)


if __name__ == "__main__":
    _main()
