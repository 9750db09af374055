"""`dl validate`: its streams and exit codes; the texts themselves are in tests/cases."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Dl

CASES = Path(__file__).resolve().parents[1] / "cases"


def test_right_config_is_valid(dl: Dl) -> None:
    outcome = dl("validate", CASES / "good" / "minimal.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("minimal.yaml: valid\n")


def test_wrong_config_is_told_on_stderr(dl: Dl) -> None:
    outcome = dl("validate", CASES / "bad" / "unknown-key.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.endswith("hint: did you mean epochs?\n")


def test_right_config_is_valid_as_json(dl: Dl) -> None:
    outcome = dl("validate", CASES / "good" / "minimal.yaml", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out) == {"valid": True, "errors": []}


def test_wrong_config_is_told_as_json_with_the_same_code(dl: Dl) -> None:
    path = CASES / "bad" / "unknown-key.yaml"
    outcome = dl("validate", path, "--json")
    assert (outcome.code, outcome.err) == (2, "")
    assert json.loads(outcome.out)["errors"][0] == {
        "file": str(path),
        "line": 8,
        "column": 3,
        "message": "training.epoch is not known",
        "expected": "loss, optimizer, metrics, batch_size, solver, epochs, phases, time_limit, "
        "shuffle, sampling, class_weight, output_bias, mixing or callbacks",
        "found": None,
        "hint": "did you mean epochs?",
    }
