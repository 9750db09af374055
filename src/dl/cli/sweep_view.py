"""How a running sweep looks on stderr: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from dl.cli.display import is_live_terminal, stderr_of_its_own
from dl.text import duration, number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dl.sweep.loop import Progress, Running
    from dl.sweep.results.ranking import Standing

_PLAIN_SECONDS = 5.0
"""Seconds between two plain lines."""
_LIVE_SECONDS = 0.1
_BAR = 20
_MOST_ROWS = 12


class View(Protocol):
    """Shows a sweep."""

    def show(self, progress: Progress) -> None:
        """Is given the progress whenever something has happened."""


class SilentView:
    """Shows nothing."""

    def show(self, progress: Progress) -> None:
        """Ignores it."""


class PlainView:
    """Writes a line now and then, and one for the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said = time.monotonic()
        self._line = ""

    def show(self, progress: Progress) -> None:
        """Writes a line if the last one is old enough."""
        over = progress.done == progress.total
        if not over and time.monotonic() - self._said < _PLAIN_SECONDS:
            return
        best = [_best(progress.best)] if progress.best is not None else []
        line = "  ".join([*_facts(progress), *best])
        if line != self._line:
            self._said, self._line = time.monotonic(), line
            self._stream.write(f"{line}\n")
            self._stream.flush()


class LiveView:
    """Redraws a table: what is running, the best so far, the time left."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=stream, highlight=False, no_color="NO_COLOR" in os.environ)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._drawn = 0.0
        self._live.start()

    def show(self, progress: Progress) -> None:
        """Redraws, but not more often than one can see."""
        now = time.monotonic()
        if now - self._drawn >= _LIVE_SECONDS:
            self._drawn = now
            self._live.update(_picture(progress), refresh=True)

    def close(self) -> None:
        """Takes the table away."""
        self._live.stop()


@contextmanager
def open_view(*, quiet: bool) -> Iterator[View]:
    """Gives the view that fits stderr."""
    if quiet:
        yield SilentView()
    elif is_live_terminal():
        live = LiveView(stderr_of_its_own())
        try:
            yield live
        finally:
            live.close()
    else:
        yield PlainView(stderr_of_its_own())


def _facts(progress: Progress) -> list[str]:
    facts = [f"{progress.done}/{progress.total} trainings"]
    facts += [f"{progress.failed} failed"] if progress.failed else []
    facts += [f"{progress.pruned} pruned"] if progress.pruned else []
    if progress.left is not None and progress.done < progress.total:
        facts.append(f"{duration(progress.left)} left")
    return facts


def _best(best: Standing) -> str:
    from dl.cli.sweep_text import setting_text

    return f"best {number(best.mean)} by trial {best.trial}: {setting_text(best.setting.values)}"


def _picture(progress: Progress) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    done = round(_BAR * progress.done / max(1, progress.total))
    bar = Text("━" * done, style="green").append("━" * (_BAR - done), style="dim")
    head = bar.append("  ".join(["", *_facts(progress)]), style="default")
    rows = [Text(_row(running)) for running in progress.running[:_MOST_ROWS]]
    if progress.best is not None:
        text = _best(progress.best)
        rows.append(Text(text, style="cyan", overflow="ellipsis", no_wrap=True))
    return Group(head, *rows)


def _row(running: Running) -> str:
    task, values = running.task, running.values
    shown = f"epoch {len(values)}, {number(values[-1], padded=True)}" if values else "begins"
    seconds = duration(time.monotonic() - running.since)
    return f"  trial {task.trial}.{task.repeat}  {shown}  {seconds}"
