"""Each fault gives its exit code and its text, creates nothing and changes nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from conftest import Dl
from faults.faults import CASES, FAULTS, Fault

pytestmark = pytest.mark.slow

EXPECTED = Path(__file__).with_name("expected")


def contents(folder: Path) -> dict[str, object]:
    """Returns every path below a folder with its bytes, or its kind if it is no regular file."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if stat.S_ISREG(path.lstat().st_mode)
        else stat.S_IFMT(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.name != ".lock"
    }


def expected_text(fault: Fault) -> str:
    """Returns the whole text of a fault; one of a config stands beside the config."""
    beside = CASES / f"{fault.name}.txt"
    path = beside if fault.code == 2 and beside.exists() else EXPECTED / f"{fault.id}.txt"
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault(fault: Fault, folder: Path, dl: Dl) -> None:
    arguments = fault.make(folder)
    before = contents(folder)

    outcome = dl(*arguments, *(["-q"] if arguments[0] != "show" else []))

    assert outcome.err.replace(f"{folder}/", "") == expected_text(fault)
    assert outcome.code == fault.code
    assert outcome.out == ""
    assert contents(folder) == before
