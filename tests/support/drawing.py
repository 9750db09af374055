"""Who draws what the trainings of the tests leave: nobody, this process, or one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dl.report import process

if TYPE_CHECKING:
    from dl.report.facts import RunFacts
    from dl.rundir.directory import RunDirectory

ReportProcess = process.ReportProcess


class Nobody:
    """Draws nothing, in the place of `ReportProcess`: that takes most of a small training."""

    def __enter__(self) -> Nobody:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, folder: Path, run: RunFacts) -> None:
        pass

    def write_page(self, run: RunDirectory) -> None:
        pass

    def end(self) -> None:
        pass


class Here(Nobody):
    """Draws pictures and writes pages in this process."""

    def begin(self, folder: Path, run: RunFacts) -> None:
        from dl.report.plots import draw

        draw(folder, run)

    def write_page(self, run: RunDirectory) -> None:
        from dl.report.run_page import write_page

        write_page(run, run.report)


@contextmanager
def drawn_by(who: type[Nobody] | type[ReportProcess]) -> Iterator[None]:
    """Has what is trained meanwhile drawn by this class."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "ReportProcess", who)
        yield
