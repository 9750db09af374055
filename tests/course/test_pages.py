"""The pages of the course: nothing is missing, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.course import CONFIGS

DOCS = CONFIGS.parents[1] / "docs"
PAGES = sorted((DOCS / "course").glob("*.md"))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


@pytest.mark.parametrize("name", [path.stem for path in sorted(CONFIGS.glob("*.yaml"))])
def test_every_config_has_its_page(name: str) -> None:
    assert f"{name}.yaml" in TEXT or f"`{name}`" in TEXT


def test_every_named_config_exists() -> None:
    named = set(re.findall(r"\b(\d\d[a-g]?-[a-z-]+)\.yaml", TEXT))
    assert named <= {path.stem for path in CONFIGS.glob("*.yaml")}


def test_every_table_of_the_course_is_named() -> None:
    assert not [path.name for path in CONFIGS.glob("*.csv") if path.name not in TEXT]


def test_pictures_are_there_and_shown() -> None:
    shown = re.findall(r"\(\.\./images/course/([\w-]+\.png)\)", TEXT)
    kept = {path.name for path in (DOCS / "images" / "course").glob("*.png")}
    assert set(shown) == kept


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([\w-]+\.md)\)", TEXT)
    assert {*links} <= {page.name for page in PAGES}
    assert len(PAGES) == 11


FRENCH = {page.name: page for page in (DOCS / "cours").glob("*.md")}


def facts(page: Path) -> dict[str, list[str]]:
    """What an edition has in common with the other: all but its words."""
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```|\]\([^)]*\)", "", text, flags=re.MULTILINE | re.DOTALL)
    return {
        "sections": re.findall(r"^#+", text, re.MULTILINE),
        "code": [re.sub(r" +# .*", "", block) for block in code],
        "pictures": re.findall(r"!\[.*?\]\((.*?)\)", text),
        "configs": sorted(re.findall(r"`(\d\d[a-g]?(?:-[a-z-]+)?)`", text)),
        "rows of tables": re.findall(r"^\|", text, re.MULTILINE),
        "exercises": re.findall(r"`([^`]+)`", text[text.find("\n**Exerci") :])
        if "\n**Exerci" in text
        else [],
        "numbers": sorted(re.findall(r"\d+(?:[.,]\d+)*(?:e-?\d+)?", prose)),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_both_editions_say_the_same_in_numbers_and_commands(page: Path) -> None:
    assert facts(FRENCH[page.name]) == facts(page)
    assert FRENCH.keys() == {each.name for each in PAGES}
