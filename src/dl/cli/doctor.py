"""`dl doctor`: whether `dl` works on this machine, and what a bug report needs to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl import __version__
from dl.cli.options import print_json, usual_options
from dl.cli.process import open_reporter
from dl.text import WIDTH, listing, painted, wrapped

if TYPE_CHECKING:
    from dl.app.doctor import Check

_SIGNS = {True: "✓", False: "✗", None: "\N{EN DASH}"}
_PART = 9
_PASTE = (
    "For a bug report: all of this text, the config, the command, and all that it wrote. "
    "A run's own record is shown by dl show -v RUN."
)


@click.command()
@usual_options
def doctor(runs: Path, quiet: bool, as_json: bool) -> None:
    """Try whether all works on this machine, in some seconds.

    Versions, memory, the disk and the locks of the folder where runs go, the terminal, variables
    that act on results, accelerators or why there is none, and a small training, twice. Nothing is
    left behind. The text is what to paste into a bug report.

    The exit code is 0 where nothing is broken, else 4 for versions or what cannot be loaded, 7 for
    the folder, 6 for other numbers than there should be.
    """
    from dl.app.doctor import examine

    with open_reporter(quiet=quiet) as reporter:
        checks = examine(runs, reporter)
    broken = [check for check in checks if check.good is False]
    if as_json:
        print_json({"good": not broken, "checks": checks})
    else:
        from dl.report.terminal import screen_width

        click.echo(doctor_text(checks, min(screen_width() or WIDTH, WIDTH)))
    if broken:
        raise click.exceptions.Exit(broken[0].code)


def doctor_text(checks: Sequence[Check], width: int = WIDTH) -> str:
    """Returns the answer in a line, and below it a line or more for each check."""
    from dl.report.verdict import STYLES

    broken = listing(dict.fromkeys(c.part for c in checks if c.good is False), "and")
    answer = f"does not work here: {broken}" if broken else "works here"
    answer = f"{_SIGNS[not broken]} dl {__version__} {answer}"
    lines = [painted(wrapped(answer, width), f"bold {STYLES[not broken]}"), ""]
    indent = " " * (_PART + 3)
    part = ""
    for check in checks:
        label = painted(f"{check.part if check.part != part else '':{_PART}}", "dim")
        sign = painted(_SIGNS[check.good], STYLES[check.good] or "dim")
        first, *rest = wrapped(check.text, width - len(indent), "").split("\n")
        lines += [f"{label} {sign} {first}", *(indent + line for line in rest)]
        if check.hint:
            hint = wrapped(f"hint: {check.hint}", width - len(indent), "").split("\n")
            hint[0] = hint[0].replace("hint:", painted("hint:", "bold cyan"), 1)
            lines += [indent + line for line in hint]
        part = check.part
    return "\n".join([*lines, "", wrapped(_PASTE, width, "")])
