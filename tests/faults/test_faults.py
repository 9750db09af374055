"""Each fault gives its exit code and its text, creates nothing and changes nothing."""

from __future__ import annotations

import base64
import json
import marshal
import stat
from importlib.metadata import version
from pathlib import Path

import h5py
import pytest

from conftest import Dl
from support.faults import CASES, FAULTS, RUN, Fault, rewritten

pytestmark = pytest.mark.slow

EXPECTED = Path(__file__).with_name("expected")


def contents(folder: Path) -> dict[str, object]:
    """Returns every path below a folder with its bytes, or its kind if it is not a regular file."""
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
    return path.read_text(encoding="utf-8").replace("KERAS", version("keras"))


def _with_lambda(file: h5py.File) -> None:
    code = base64.b64encode(marshal.dumps(compile("open('owned', 'w')", "x", "eval"))).decode()
    settings = json.loads(file.attrs["model_config"])
    function = {"class_name": "__lambda__", "config": {"value": code}}
    lambda_layer = {"class_name": "Lambda", "config": {"name": "dense", "function": function}}
    settings["config"]["layers"][1] = lambda_layer
    file.attrs["model_config"] = json.dumps(settings)


def test_code_in_the_file_of_a_run_is_not_run(folder: Path, dl: Dl) -> None:
    expected = dl("evaluate", "good", "-q")
    rewritten(_with_lambda)(folder / RUN)

    assert dl("evaluate", "good", "-q") == expected
    assert expected.code == 0
    assert not Path("owned").exists()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault(fault: Fault, folder: Path, dl: Dl) -> None:
    arguments = fault.make(folder)
    before = contents(folder)

    outcome = dl(*arguments, *(["-q"] if arguments[0] != "show" else []))

    assert outcome.err.replace(f"{folder}/", "") == expected_text(fault)
    assert outcome.code == fault.code
    assert outcome.out == ""
    assert contents(folder) == before
