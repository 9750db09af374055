import math

import pytest

from dl.report.numbers import number, plain, shortened


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.96912, "0.9691"),
        (0.5, "0.5"),
        (123.456, "123.5"),
        (12345.6, "12346"),
        (1.2e-5, "1.2e-05"),
        (-0.25, "-0.25"),
        (2.5e9, "2.5e+09"),
        (0.0, "0"),
        (100.0, "100"),
        (7, "7"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_number_has_four_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_shortened_keeps_both_ends() -> None:
    assert shortened("a very long class name 17", 12) == "a very l…17"


def test_shortened_leaves_a_short_text() -> None:
    assert shortened("setosa", 6) == "setosa"


def test_plain_is_one_printable_line() -> None:
    assert plain(" a\n\tb\x00c ") == "a b c"
