"""The notebook of docs/ as a page of the site, with the outputs that are stored in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat


def notebook_page(path: Path) -> str:
    """Returns the notebook as Markdown; its pictures are in the text."""
    head = f"[Download the notebook]({path.name})\n"
    title, *parts = (
        part for cell in nbformat.read(path, as_version=4).cells for part in _cell(cell)
    )
    return "\n\n".join([title, head, *parts]) + "\n"


def _cell(cell: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "image/png" in data:
            yield f"![the output of the cell](data:image/png;base64,{data['image/png'].strip()})"
        elif "text/plain" in data or "text" in output:
            yield f"```text\n{data.get('text/plain', output.get('text', '')).rstrip()}\n```"
