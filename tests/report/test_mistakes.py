"""Mistakes on a terminal."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import numpy as np
import pytest

from dl.report.facts import Pictures, RunFacts
from dl.report.mistakes import mistakes_text

ROWS = RunFacts(
    name="toy/1",
    history=[],
    task="multiclass",
    classes=("cat", "dog", "a horse of another colour"),
    true=np.array([0, 0, 0, 1, 1, 2]),
    predicted=np.array([0, 0, 2, 1, 1, 1]),
    probabilities=np.array(
        [[1, 0, 0], [1, 0, 0], [0.4, 0, 0.6], [0, 1, 0], [0, 1, 0], [0, 0.9, 0.1]]
    ),
    pictures=Pictures(np.linspace(0, 255, 6 * 4).reshape(6, 2, 2), 255.0),
)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_matrix_has_a_row_for_each_true_class() -> None:
    assert mistakes_text(ROWS, 80) == (
        "test part, 6 rows: true classes by row, predicted ones by column\n"
        "             cat  dog  a ho…r\n"
        "cat            2            1\n"
        "dog                 2\n"
        "a horse…our         1"
    )


def test_of_many_classes_and_of_numbers_nothing_is_shown() -> None:
    many = replace(ROWS, classes=tuple(map(str, range(11))))
    assert not mistakes_text(many, 80)
    numbers = np.zeros((6, 1))
    assert not mistakes_text(replace(ROWS, task="regression", true=numbers, predicted=numbers), 80)


def test_a_terminal_with_colours_gets_the_surest_mistakes_as_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", Screen())
    title, names, *lines = mistakes_text(ROWS, 40).split("\n\n")[1].split("\n")
    assert (title, names) == ("the surest mistakes", "a horse of…s dog   cat as a h…olour")
    assert len(lines) == 8
    assert [line.count("▀") for line in lines] == [32] * 8
    assert lines[0].startswith("\x1b[38;2;")
