"""The page of a run: every section that has something to show."""

from __future__ import annotations

from pathlib import Path

from dl.pages.context import Context, read_context
from dl.pages.document import document, filled
from dl.pages.sections import SECTIONS
from dl.runs.directory import RunDirectory
from dl.runs.files import write_text
from dl.text import number


def write_page(run: RunDirectory, target: Path) -> None:
    """Writes the page of a run.

    Raises:
        RunError: A file of the run is damaged.
        DiskError: The page cannot be written.
    """
    write_text(target, run_page(read_context(run)))


def run_page(context: Context) -> str:
    """Returns the page; it loads nothing from anywhere and works from a disk."""
    shown = [
        filled(section.name, section.title, values)
        for section in SECTIONS
        if (values := section.build(context)) is not None
    ]
    record = context.entry.record
    label = context.entry.run.label
    warning = f"The model {context.one_answer}." if context.one_answer else ""
    return document("run.html", label, shown, record=record, tiles=_tiles(context), warning=warning)


def _tiles(context: Context) -> list[dict[str, str]]:
    """Returns the metrics of the part that tells most, large at the top of the page."""
    judged = context.entry.judged
    if judged is None:
        return []
    part, metrics = judged
    return [
        {"label": f"{part} {name.replace('_', ' ')}", "value": number(value)}
        for name, value in metrics.items()
    ]
