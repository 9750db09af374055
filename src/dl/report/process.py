"""Draws the pictures and writes the page in a process of its own: nobody waits for its libraries.

The process is started before the training and imports what it needs while the training runs. Run
as a module it is that process: it reads from its parent's pipe what to draw, and then, when all
files of the run are there, of which run to write the page.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dl.errors import DlError
from dl.imports import uncollected
from dl.system import FORKS
from dl.warm.children import start

if TYPE_CHECKING:
    from dl.report.facts import RunFacts
    from dl.report.plots import Plots
    from dl.rundir.directory import RunDirectory


_NICE = 10
"""How far the copy stands back: the training, which shows its result meanwhile, comes first."""


class ReportProcess:
    """The process that draws; as a context manager it is waited for at the end."""

    def __init__(self) -> None:
        # A Ctrl-C is for the training; this process ends when its pipe does.
        self._process = start("dl.report.process", piped=True, session=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate()

    def begin(self, folder: Path, run: RunFacts) -> None:
        """Hands a run over and returns at once; the pictures appear in `folder`."""
        self._send((folder, run))

    def write_page(self, run: RunDirectory) -> None:
        """Has the page of the run written when the pictures are drawn, and returns at once."""
        self._send(run)

    def end(self) -> str | None:
        """Waits for all that was handed over; returns what went wrong, if anything did."""
        _, output = self._process.communicate()
        if self._process.returncode == 0:
            return None
        lines = output.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"

    def _send(self, message: object) -> None:
        stream = self._process.stdin
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):  # `end` tells why it died
                pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
                stream.flush()


def main() -> None:
    """Is the process that draws."""
    with uncollected():
        import multiprocessing.process  # noqa: F401 - of use once there is something to draw

        import dl.report.plots  # noqa: F401 - the same
        from dl.report.html import load_templates
        from dl.report.run_page import SECTIONS, write_page

        load_templates(name for name, _, _ in SECTIONS)
    try:
        _draw(*pickle.load(sys.stdin.buffer))
        run = pickle.load(sys.stdin.buffer)
        write_page(run, run.report)
    except EOFError:  # the training failed
        return
    except DlError as error:
        sys.exit(str(error))


def _draw(folder: Path, run: RunFacts) -> None:
    """Draws the pictures, half of them in a copy of this process where it may have one."""
    from multiprocessing import get_context

    from dl.report.plots import PLOTS

    if not FORKS:
        _draw_these(folder, run, PLOTS)
        return
    files = list(dict.fromkeys(file for file, _ in PLOTS))
    mine, others = ([plot for plot in PLOTS if plot[0] in files[n::2]] for n in (0, 1))
    copy = get_context("fork").Process(target=_draw_these, args=(folder, run, others, _NICE))
    copy.start()
    _draw_these(folder, run, mine)
    copy.join()
    if copy.exitcode:  # it has told why
        sys.exit(copy.exitcode)


def _draw_these(folder: Path, run: RunFacts, plots: Plots, nice: int = 0) -> None:
    from dl.report.plots import draw

    if nice:
        os.nice(nice)
    try:
        draw(folder, run, plots)
    except DlError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
    os._exit(0)  # Matplotlib would be taken apart
