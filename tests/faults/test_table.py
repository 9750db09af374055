"""The table of faults in docs/reliability.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.faults import FAULTS

TOP = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = ROW.findall((TOP / "docs/reliability.md").read_text(encoding="utf-8"))


def test_faults_are_numbered() -> None:
    assert len(ROWS) >= 60
    assert [int(number) for number, *_ in ROWS] == list(range(1, len(ROWS) + 1))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_fault_has_its_tests(row: tuple[str, str, str, str]) -> None:
    number, _, code, tests = row
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
    assert named
    for path, name in named:
        assert f"def {name}(" in (TOP / "tests" / path).read_text(encoding="utf-8")
        if name == "test_fault":
            assert {f.code for f in FAULTS if f.number == int(number)} == {int(code)}
