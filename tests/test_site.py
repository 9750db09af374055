"""The site of the docs: its order, its links, and what the check of links finds."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from selenium import webdriver

if not os.environ.get("CI"):
    pytest.importorskip("mkdocs")

from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind
from scripts import check_links, site_hooks
from scripts.site_commands import command_pages
from scripts.site_layers import FAMILIES
from support.browser import needs_axe, needs_chromium, violations

TOP = Path(__file__).resolve().parents[1]
SITE = TOP / "site"
DOCS = {
    path.relative_to(TOP / "docs").as_posix(): path.read_text(encoding="utf-8")
    for path in (TOP / "docs").rglob("*.md")
}


def _sections() -> dict[str, list[str]]:
    text = (TOP / "mkdocs.yml").read_text(encoding="utf-8").split("markdown_extensions:")[0]
    sections: dict[str, list[str]] = yaml.safe_load(text)["extra"]["sections"]
    return sections


def test_every_page_stands_once_in_the_order() -> None:
    pages = [*DOCS, *site_hooks.made_pages(DOCS), "new.md"]
    found = site_hooks.navigation(pages, _sections())
    assert sorted(site_hooks.flat(found)) == sorted(pages)
    assert "new.md" in site_hooks.flat(found[-1]["More"])


def test_every_name_in_the_order_is_a_page() -> None:
    made = {*DOCS, *site_hooks.made_pages(DOCS), "notebook.md", "layers/index.md"}
    there = {path.removesuffix(".md") for path in made} | {path.split("/")[0] for path in made}
    assert {name for names in _sections().values() for name in names} <= there


def test_a_command_has_a_page_of_its_options_and_where_it_is_told() -> None:
    page = command_pages(DOCS)["commands/lr.md"]
    assert page.startswith(
        "# dl lr\n\nFind a learning rate for CONFIG by a short training.\n\n```text"
    )
    assert "| `--set KEY=VALUE` | Override a value" in page
    assert "[Training](../training.md)" in page
    assert "## `dl sweep best`" in command_pages(DOCS)["commands/sweep.md"]


def test_links_to_the_repository_become_links_in_the_site() -> None:
    pages = ("index.md", "sweeps.md", "configs/iris.md", "design/index.md", "course/README.md")
    titles = {page: f"title of {page}" for page in pages}
    text = "[docs/sweeps.md](docs/sweeps.md#x) [b](configs/iris.yaml) [c](docs/design)"
    assert site_hooks.relinked(f"{text} [d](src/dl/system.py)", "index.md", titles) == (
        "[title of sweeps.md](sweeps.md#x) [b](configs/iris.md) [c](design/index.md) d"
    )
    back = site_hooks.relinked("[a](../../configs/iris.yaml)", "course/README.md", titles)
    assert back == "[a](../configs/iris.md)"


def test_every_link_of_the_docs_leads_somewhere() -> None:
    assert not list(check_links.in_markdown([*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")]))


def test_a_link_of_markdown_that_leads_nowhere_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_links, "TOP", tmp_path)
    page = tmp_path / "a.md"
    page.write_text(
        "# One `two`: 3\n\n[x](#one-two-3) [x](#one) [x](b.md) `[x](c.md)` [x](http://a.org)\n"
        "```text\n# Four\n[x](d.md)\n```\n"
        "[x](https://a.org/#b) [x](https://nowhere) [x](a.md#four)\n",
        encoding="utf-8",
    )
    assert list(check_links.in_markdown([page])) == [
        "a.md: #one: the file has no such heading",
        "a.md: b.md: is not there",
        "a.md: http://a.org: must begin with https",
        "a.md: https://nowhere: names no host",
        "a.md: a.md#four: the file has no such heading",
    ]


def test_what_is_wrong_in_a_site_is_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(
        "<h1 id='a'>A</h1><a href='#a'></a><a href='#b'></a><a href='c.html'></a>"
        "<script src='https://a.org/x.js'></script><a href='https://a.org'></a>",
        encoding="utf-8",
    )
    assert list(check_links.in_site(site)) == [
        "site/index.html: #b: the page has no such anchor",
        "site/index.html: c.html: is not there",
        "site/index.html: https://a.org/x.js: is loaded from elsewhere",
    ]


def test_every_layer_is_of_a_kind() -> None:
    kinds = "|".join(start for _, start in FAMILIES)
    assert not [name for name in entries(Kind.LAYER) if not re.match(kinds, name)]


@pytest.mark.slow
@needs_chromium
@needs_axe
@pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="needs the site: make site FAST=1")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_for_everyone(browser: webdriver.Chrome, scheme: str) -> None:
    dark = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})
    found = []
    for page in ("index", "coming-from", "commands/train", "layers/pictures"):
        browser.get((SITE / f"{page}.html").as_uri())
        browser.execute_script("localStorage.clear()")
        browser.refresh()
        found += [f"{page}: {violation}" for violation in violations(browser)]
        width = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
        found += [f"{page}: is wider than the window"] if width > 0 else []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert not found
