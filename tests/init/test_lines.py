from pathlib import Path

import pytest
import yaml

from dl.init.plan import (
    WIDTH,
    commented,
    path_line,
    scalar,
    scalar_list,
    shown,
    shown_list,
)

ODD = ["", " a", "a ", "no", "Yes", "null", "1", "1e3", "-", "a: b", "a #b", "#", "[x]", "é", "a'b"]
ODDER = [
    '"',
    "\t",
    "a\nb",
    "*a",
    "&a",
    "!x",
    "%",
    "@",
    "`",
    "12:30",
    "2024-01-01",
    ".5",
    "~",
    "\x07",
]


@pytest.mark.parametrize(
    "text", [*ODD, *ODDER, "data/train.csv", "../x y.csv", "/a/b.csv"], ids=repr
)
def test_scalar_is_read_back_as_the_same_text(text: str) -> None:
    assert yaml.safe_load(f"[{scalar(text)}]") == [text]


@pytest.mark.parametrize("text", ["species", "sepal length", "p0_1", "data/a.csv", "./a.csv"])
def test_scalar_leaves_plain_words_plain(text: str) -> None:
    assert scalar(text) == text


def test_commented_puts_the_comment_in_its_column() -> None:
    assert commented("  epochs: 3", "few") == "  epochs: 3                       # few"


def test_commented_keeps_two_spaces_behind_a_long_line() -> None:
    assert commented("x" * 50, "why") == "x" * 50 + "  # why"


def test_scalar_list_stays_on_one_line_when_short() -> None:
    assert scalar_list("features", ["a", "b"], indent=2) == ["  features: [a, b]"]


def test_scalar_list_is_broken_when_long() -> None:
    names = [f"column_{i}" for i in range(40)]
    lines = scalar_list("features", names, indent=2)
    assert max(map(len, lines)) <= WIDTH
    assert yaml.safe_load("\n".join(lines)) == {"features": names}


def test_shown_keeps_a_name_on_one_short_line() -> None:
    assert shown("a\nb") == "`a?b`"
    assert len(shown("x" * 100)) == 42


def test_shown_list_counts_what_it_leaves_out() -> None:
    assert shown_list(["a", "b", "c"], most=2) == "`a`, `b` and 1 more"


def test_path_line_says_what_a_relative_path_is_relative_to() -> None:
    assert path_line(Path("a.csv")) == "  path: a.csv                     # relative to this file"
    assert path_line(Path("/data/a.csv")) == "  path: /data/a.csv"
