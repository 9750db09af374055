"""Errors as text, compared in full."""

from __future__ import annotations

from dl.errors import ConfigError, DlError, Mark, Problem, error_text


def _mark(line: int, column: int, length: int, text: str) -> Mark:
    return Mark("mnist.yaml", line, column, length, text)


def test_an_error_shows_place_line_and_what_to_do() -> None:
    error = ConfigError(
        "model.layers.2.rate must be a number from 0 to 1",
        mark=_mark(14, 11, 3, "    rate: 1.5"),
        expected="a number from 0 to 1",
        found="1.5",
        hint="it is the share of inputs to drop; 0.5 is a common choice",
    )
    assert error_text(error) == (
        "error: mnist.yaml:14:11: model.layers.2.rate must be a number from 0 to 1\n"
        "   14 |     rate: 1.5\n"
        "      |           ^^^\n"
        "hint: it is the share of inputs to drop; 0.5 is a common choice"
    )


def test_an_error_tells_what_its_line_does_not_show() -> None:
    error = ConfigError(
        "training.loss does not fit the output",
        mark=_mark(6, 9, 3, "  loss: mse"),
        expected="probabilities",
        found="mse with 3 outputs",
    )
    assert error_text(error) == (
        "error: mnist.yaml:6:9: training.loss does not fit the output\n"
        "    6 |   loss: mse\n"
        "      |         ^^^\n"
        "expected: probabilities\n"
        "found: mse with 3 outputs"
    )


def test_an_error_without_a_place_is_one_line() -> None:
    assert error_text(DlError("no such thing")) == "error: no such thing"


def test_errors_come_in_the_order_of_their_lines() -> None:
    error = ConfigError.of(
        [Problem("second", _mark(9, 1, 1, "b: 2")), Problem("first", _mark(2, 1, 1, "a: 1"))]
    )
    assert error_text(error).index("first") < error_text(error).index("second")
    assert error_text(error).endswith("\n\n2 errors in mnist.yaml")


def test_the_twenty_first_error_is_counted() -> None:
    problems = [Problem(f"problem {number}") for number in range(23)]
    assert error_text(ConfigError.of(problems)).endswith(
        "error: problem 19\n\n23 errors, of which 20 are shown"
    )


def test_a_long_line_is_cut_around_the_place() -> None:
    text = "x" * 300 + "HERE" + "y" * 300
    lines = error_text(DlError("wrong", mark=_mark(1, 301, 4, text))).splitlines()
    start = lines[2].index("^")
    assert lines[1][start : start + 4] == "HERE"
    assert lines[2].count("^") == 4
    assert len(lines[1]) < 120


def test_tabs_do_not_move_the_carets() -> None:
    lines = error_text(DlError("wrong", mark=_mark(1, 3, 1, "\ta: 1"))).splitlines()
    assert lines[2].index("^") == lines[1].index(":")
