"""Every block of `docs/python.md` and every cell of the notebook runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parents[2] / "docs"
CONFIGS = DOCS.parent / "configs"

pytestmark = pytest.mark.slow


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the configs that are named, for processes that are not `dl`'s own."""
    for name in ("iris.yaml", "digits.yaml"):
        shutil.copy(CONFIGS / name, tmp_path)
    monkeypatch.delenv("DL_PROCESS", raising=False)
    return tmp_path


def test_every_block_of_the_page_runs(guest: Path) -> None:
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)

    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", "\n".join(blocks)],
        cwd=guest,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(blocks) == 10
    assert "overrides['training.epochs'] None None training.epochs must be" in done.stdout


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / "python.md").read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (DOCS / link).exists()]


def test_every_cell_of_the_notebook_runs(guest: Path) -> None:
    notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    stored = [len(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]

    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(guest)}}).execute()

    found = [len(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    assert found == stored
    assert any("image/png" in str(cell.get("outputs")) for cell in notebook.cells)
