"""What the pages for developers name exists: files, folders, modules, and names in files."""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
PAGES = [TOP / "CONTRIBUTING.md", *sorted((TOP / "docs/design").glob("*.md"))]
WHERE = (TOP, TOP / "src/dl", TOP / "src", TOP / "tests")
FILE = re.compile(r"[\w.-]+(?:/[\w.*-]+)*\.(?:py|md|json|toml|csv|yaml|html|lock|txt)")
FOLDER = re.compile(r"[\w.-]+(?:/[\w.-]+)*/")
MODULE = re.compile(r"dl\.[a-z_]+(?:\.\w+)*")
OF_A_RUN = {
    "columns.json",
    "config.yaml",
    "facts.json",
    "history.csv",
    "journal.jsonl",
    "manifest.json",
    "metrics.json",
    "mlflow.json",
    "model.tflite.json",
    "preprocess.json",
    "resolved.yaml",
    "run.json",
}
"""Files of a run or a sweep, which are not in the repository."""
OF_A_BUILD = {"build/", "site/"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = [name.split("::")[0] for name in re.findall(r"`([^`\s]+)`", text)]
    paths = {n for n in names if FILE.fullmatch(n) or FOLDER.fullmatch(n)} - OF_A_RUN - OF_A_BUILD
    assert not [path for path in sorted(paths) if not _exists(path, page)]
    assert not [name for name in names if MODULE.fullmatch(name) and not _is_in_dl(name)]


def test_every_picture_of_the_docs_is_drawn_by_the_build() -> None:
    # By benchmarks/growth.py, on a machine without other work; by benchmarks/play.py, in a browser.
    measured = {"growth.png", "play.png"}
    images = TOP / "docs" / "images"
    there = {str(path.relative_to(images)) for path in images.rglob("*.[pg][ni][gf]")}
    script = (TOP / "scripts" / "draw_images.py").read_text()
    assert there - measured == set(re.findall(r'"([\w/-]+\.(?:png|gif))"', script))


def test_a_name_is_in_the_file_that_is_named_behind_it() -> None:
    text = " ".join(PAGES[0].read_text(encoding="utf-8").split())
    pairs = re.findall(r"`(\w+)` \(`([\w/]+\.(?:py|json|toml))`\)", text)
    assert len(pairs) > 10
    wrong = [(name, file) for name, file in pairs if not _names(TOP / "src/dl" / file, name)]
    assert not wrong


def test_each_file_of_the_reading_list_is_used_by_one_before_it() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    files = re.findall(r"^\| \d+ \| `([\w/]+\.py)` \|", text, re.MULTILINE)
    assert 8 <= len(files) <= 12
    known = _imports(files[0])
    for file in files[1:]:
        module = "dl." + file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        assert module in known, file
        known |= _imports(file)


def _exists(path: str, page: Path) -> bool:
    return any(any(folder.glob(path.rstrip("/"))) for folder in (*WHERE, page.parent))


def _is_in_dl(name: str) -> bool:
    """Returns whether it is a module, or a name in the text of one."""
    package, _, last = name.rpartition(".")
    with suppress(ModuleNotFoundError):  # where `package` is a module, nothing is below it
        if find_spec(name) is not None:
            return True
    spec = find_spec(package)
    return spec is not None and spec.origin is not None and _names(Path(spec.origin), last)


def _names(file: Path, name: str) -> bool:
    return re.search(rf"\b{name}\b", file.read_text(encoding="utf-8")) is not None


def _imports(file: str) -> set[str]:
    """Returns the modules that a file imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse((TOP / "src/dl" / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
