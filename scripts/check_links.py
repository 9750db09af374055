"""Check the links of docs/, and of the site if it is built: files, anchors, nothing from elsewhere.

Nothing is fetched: of a link to another site only its form is looked at.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOP = Path(__file__).resolve().parents[1]
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("link", "href"), ("source", "src")}
_CODE = re.compile(r"^(`{3,}).*?^\1`*$|(`+)(?!`).+?(?<!`)\2(?!`)", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)")


def in_markdown(pages: Iterable[Path]) -> Iterator[str]:
    """Yields what is wrong with the links of Markdown files, as GitHub shows them."""
    for page in pages:
        for target in _TARGET.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
            wrong = _external(target) if ":" in target else _lost(page, target)
            if wrong:
                yield f"{page.relative_to(TOP)}: {target}: {wrong}"


def _external(target: str) -> str:
    """Returns what is wrong with the form of a link to another site; empty if nothing is."""
    parts = urlsplit(target)
    if parts.scheme == "mailto":
        return ""
    if parts.scheme != "https":
        return "must begin with https"
    return "" if re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc) else "names no host"


def _lost(page: Path, target: str) -> str:
    path, _, anchor = target.partition("#")
    file = page.parent / unquote(path) if path else page
    if not file.exists():
        return "is not there"
    if anchor and file.suffix == ".md" and anchor not in _anchors(file):
        return "the file has no such heading"
    return ""


def _anchors(page: Path) -> set[str]:
    """Returns the anchors that GitHub gives the headings of a file."""
    text = re.sub(r"^(`{3,}).*?^\1`*$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\]\([^)]*\)", "", heading).lower().strip()
        name, more = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"), 0
        while (f"{name}-{more}" if more else name) in found:
            more += 1
        found.add(f"{name}-{more}" if more else name)
    return found


class _Page(HTMLParser):
    """What a page of HTML links to, what it loads, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        self.loads |= {given[name] for each, name in LOADED if each == tag and name in given}


def in_site(site: Path) -> Iterator[str]:
    """Yields what is wrong in a built site: what leads nowhere, and what is not its own."""
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for target in sorted(page.links | page.loads):
            wrong = _lost_in_site(target, path, pages, loaded=target in page.loads)
            if wrong and path.name != "404.html":  # which is served from any folder
                yield f"{path.relative_to(site.parent)}: {target[:80]}: {wrong}"


def _lost_in_site(target: str, path: Path, pages: dict[Path, _Page], *, loaded: bool) -> str:
    parts = urlsplit(target)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        return "is loaded from elsewhere" if loaded else _external(target)
    file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    file = file / "index.html" if file.is_dir() else file
    if not file.is_file():
        return "is not there"
    if parts.fragment and file in pages and unquote(parts.fragment) not in pages[file].anchors:
        return "the page has no such anchor"
    return ""


def main() -> int:
    """Prints what is wrong; returns 1 if anything is."""
    pages = [*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")]
    found = list(in_markdown(sorted(pages)))
    site = TOP / "site"
    if site.is_dir():
        found += in_site(site.resolve())
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
