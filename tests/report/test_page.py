"""The page of a run, read as text."""

from __future__ import annotations

import base64
import html
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import publish
from support.runs import make_run

pytestmark = pytest.mark.slow

COMMON = ["mistakes", "data", "model", "weights", "settings", "origin"]
SECTIONS = {
    "multiclass": ["learning", "scrubber", "classes", *COMMON],
    "binary": ["learning", "classes", *COMMON],  # of so few rows nothing is followed
    "regression": ["learning", "scrubber", "numbers", *COMMON],
}


class Page(HTMLParser):
    """What a page holds: ids of sections, addresses that it names, unclosed tags."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.sections.append(str(values["id"]))
        self.addresses += [str(values[key]) for key in ("src", "href") if values.get(key)]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def page_of(root: Path, name: str) -> str:
    return RunDirectory(root / name / "0001").report.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SECTIONS)
def test_a_page_has_the_sections_of_its_task(trained: Path, name: str) -> None:
    assert Page(page_of(trained, name)).sections == SECTIONS[name]


@pytest.mark.parametrize("name", SECTIONS)
def test_a_page_is_whole_small_and_loads_nothing(trained: Path, name: str) -> None:
    text = page_of(trained, name)
    page = Page(text)
    assert page.open == []
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert len(text.encode()) < 2_000_000


def test_names_from_the_data_are_never_markup(trained: Path) -> None:
    text = page_of(trained, "binary")
    assert "<i>x" not in text
    assert "<b>y" not in text
    assert html.escape("<i>x") in text
    scripts = Page(text).tags.count("script")
    assert scripts == text.count("<script>") + text.count('class="chart-data"')


def test_the_confusion_matrix_counts_every_row_of_the_test_part(trained: Path) -> None:
    text = page_of(trained, "multiclass")
    counts = re.findall(r"predicted as [^>]*>([\d,]+)</td>", text)
    assert sum(int(count.replace(",", "")) for count in counts) == 359


def test_report_writes_the_same_page_again(dl: Dl, trained: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    outcome = dl("report", "multiclass", "--runs", trained, "-o", target)
    assert (outcome.code, outcome.out, outcome.err) == (0, f"{target}\n", "")
    assert target.read_text(encoding="utf-8") == page_of(trained, "multiclass")


def test_what_was_learned_is_shown_where_it_fits_on_a_picture(
    dl: Dl, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained / "regression", tmp_path / "regression")
    run = RunDirectory(tmp_path / "regression" / "0001")
    (run.plots / "parameter_path.png").write_bytes(b"a picture")
    assert dl("report", run.path).code == 0
    text = run.report.read_text()
    assert f"data:image/png;base64,{base64.b64encode(b'a picture').decode()}" in text
    assert Page(text).sections == ["learning", "scrubber", "learned", "numbers", *COMMON]


def test_a_run_that_kept_little_has_a_page_too(dl: Dl, trained: Path, tmp_path: Path) -> None:
    run, source = make_run(tmp_path), RunDirectory(trained / "regression" / "0001")
    for name in ("resolved.yaml", "preprocess.json", "history.csv"):
        publish(run.path / name, (source.path / name).read_bytes())
    assert dl("report", "digits", "--runs", tmp_path).code == 0
    assert Page(run.report.read_text()).sections == ["learning", "settings", "origin"]


def test_a_damaged_file_is_told(dl: Dl, trained: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.history.write_text("epoch,loss\n1,0.5\n")
    outcome = dl("report", "digits", "--runs", tmp_path)
    assert outcome.code == 4
    assert outcome.err.startswith(f"error: {run.preprocess} is missing")
