"""Draws the pictures and writes the page in a process of its own: nobody waits for its libraries.

The process is started before the training and imports what it needs while the training runs. Run
as a module it is that process: it reads from its parent's pipe what to draw, and then, when all
files of the run are there, of which run to write the page.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dl.imports import uncollected
from dl.warm.children import start

if TYPE_CHECKING:
    from dl.report.facts import RunFacts
    from dl.rundir.directory import RunDirectory


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
    from dl.errors import DlError

    with uncollected():
        from dl.report.html import load_templates
        from dl.report.plots import draw
        from dl.report.run_page import SECTIONS, write_page

        load_templates(name for name, _, _ in SECTIONS)
    try:
        folder, facts = pickle.load(sys.stdin.buffer)
        draw(folder, facts)
        run = pickle.load(sys.stdin.buffer)
        write_page(run, run.report)
    except EOFError:  # the training failed
        return
    except DlError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
