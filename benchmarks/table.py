"""The table of docs/performance.md: what was measured is kept there, line by line."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from pathlib import Path

from measure import HEAD, Row, cells

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- written by `make bench`: begin -->\n", "<!-- written by `make bench`: end -->\n"
_KEY = 2
"""The cells that tell a line from the others: the job, and against whom."""


def keep(row: Row, document: Path = DOCUMENT) -> None:
    """Writes a row in the place of that of the same job and other side, or below all others."""
    before, between, after = _parts(document)
    lines = {_key(line): line for line in between.splitlines(keepends=True) if line[:2] == "| "}
    lines.pop(_key(HEAD), None)
    line = cells(row)
    lines[_key(line)] = line
    told = f"The latest lines are of {time.strftime('%Y-%m-%d')}: {machine()}.\n\n"
    document.write_text(f"{before}{BEGIN}{told}{HEAD}{''.join(lines.values())}{END}{after}")


def _parts(document: Path) -> tuple[str, str, str]:
    before, begin, rest = document.read_text().partition(BEGIN)
    between, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{document} has not the lines between which the table stands")
    return before, between, after


def _key(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|")[:_KEY])


def machine() -> str:
    """Words the processor and the versions."""
    names = ("tensorflow", "keras", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{_processor()}; Python {platform.python_version()}, {versions}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}"
