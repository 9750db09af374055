"""How numbers, durations, names and lists are written."""

from __future__ import annotations

import math

import pytest

from dl import text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.96912, "0.9691"),
        (0.5, "0.5"),
        (123.456, "123.5"),
        (1234.5, "1234"),
        (9999.4, "9999"),
        (9999.6, "10,000"),
        (12345.6, "12,346"),
        (-1234567.8, "-1,234,568"),
        (1.2e-5, "1.2e-05"),
        (-0.25, "-0.25"),
        (2.5e9, "2.5e+09"),
        (0.0, "0"),
        (100.0, "100"),
        (7, "7"),
        (2026, "2026"),
        (10000, "10,000"),
        (-45000000, "-45,000,000"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_number_has_four_significant_digits(value: float, written: str) -> None:
    assert text.number(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (0.91, "0.9100"),
        (1.2e-5, "1.200e-05"),
        (53.2, "53.20"),
        (1e7, "1.000e+07"),
        (-0.5, "-0.5000"),
        (math.nan, "nan"),
    ],
)
def test_number_padded_keeps_its_zeros(value: float, written: str) -> None:
    assert text.number(value, padded=True) == written


def test_number_has_as_many_digits_as_asked_for() -> None:
    assert text.number(0.31234, 3) == "0.312"
    assert text.number(123456.0, 3) == "123,456"


@pytest.mark.parametrize(
    ("fraction", "written"),
    [
        (0, "0%"),
        (0.0004, "<0.1%"),
        (0.004, "0.4%"),
        (0.0096, "1%"),
        (0.38, "38%"),
        (0.997, "99.7%"),
        (0.9996, ">99.9%"),
        (1, "100%"),
    ],
)
def test_percent_is_0_or_100_only_where_it_is_exact(fraction: float, written: str) -> None:
    assert text.percent(fraction) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_duration(seconds: float, written: str) -> None:
    assert text.duration(seconds) == written


def test_short_durations_are_told_apart_where_they_are_what_counts() -> None:
    seconds = (0.0, 0.00234, 0.0471, 0.094, 0.0951, 0.4, 12)
    told = ["0.0 s", "2.3 ms", "47 ms", "94 ms", "0.1 s", "0.4 s", "12 s"]
    assert list(map(text.lapse, seconds)) == told


@pytest.mark.parametrize(
    ("count", "written"), [(12, "12 B"), (345_678, "346 kB"), (1_234_567_890, "1.2 GB")]
)
def test_size(count: int, written: str) -> None:
    assert text.size(count) == written


def test_plural_knows_its_nouns() -> None:
    assert text.plural(1, "row") == "1 row"
    assert text.plural(3000, "row") == "3,000 rows"
    assert text.plural(2, "class") == "2 classes"
    assert text.plural(2, "bias", "biases") == "2 biases"


def test_listing_joins_the_last_word_with_a_conjunction() -> None:
    assert text.listing([]) == ""
    assert text.listing("a") == "a"
    assert text.listing("abc") == "a, b or c"
    assert text.listing("abc", "and") == "a, b and c"
    assert text.listing("abc", "") == "a, b, c"


def test_listing_of_many_words_tells_how_many_are_left_out() -> None:
    assert text.listing("abcde", "", most=2) == "a, b and 3 more"


def test_cut_is_as_long_as_asked_for() -> None:
    assert text.cut("abcdef", 4) == "abc…"
    assert text.cut("abcd", 4) == "abcd"


def test_shortened_keeps_both_ends() -> None:
    assert text.shortened("a very long class name 17", 12) == "a very l…17"


def test_shortened_leaves_a_short_text() -> None:
    assert text.shortened("setosa", 6) == "setosa"


def test_one_line_is_printable() -> None:
    assert text.one_line(" a\n\tb\x00c ") == "a b c"


def test_long_names_of_a_kind_lose_what_all_have_in_common() -> None:
    names = [f"Very long name of the species {n} (Linnaeus)" for n in ("red fox", "red deer")]
    assert text.apart(names, 22) == ["…fox…", "…deer…"]
    assert text.apart(["cat", "dog"], 22) == ["cat", "dog"]
    assert text.apart(["a" * 30 + "b" * 30, "a" * 30 + "c" * 30], 12) == [
        "aaaaaaaa…bbb",
        "aaaaaaaa…ccc",
    ]


def test_names_that_are_equal_when_they_are_cut_are_counted() -> None:
    names = [f"{'x' * 20}{middle}{'y' * 20}" for middle in "ab"]
    assert text.apart(names, 12) == ["xxxxxxxx…yyy", "xxxxx…yy (2)"]
