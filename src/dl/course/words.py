"""What `dl course` says around the texts of exercises, by language; errors are in English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(files("dl.course").joinpath("words.toml").read_text(encoding="utf-8"))


def words(language: str) -> Mapping[str, str]:
    """Returns what is said, by key, in a language, or in English."""
    return {name: both[language == "fr"] for name, both in _texts()["words"].items()}


def section_title(number: int, language: str) -> str:
    """Returns the title of a section of the course; empty where it has no such section."""
    titles: list[list[str]] = _texts()["sections"]
    return titles[number - 1][language == "fr"] if number <= len(titles) else ""
