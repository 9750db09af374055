"""What may change between two sessions of a sweep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dl.sweeps.results import changes
from support.sweeps import make_sweep

GRID = "parameters: {training.epochs: [1, 2]}"


def test_tracking_and_advice_may_change_and_the_training_may_not(tmp_path: Path) -> None:
    before = make_sweep(tmp_path, GRID).first_record(())
    told = {**before.base, "tracking": {"mlflow": None}, "lint": {"off": ["scale"]}}
    other = {**before.base, "seed": 7, "training": {}}

    assert changes(before, replace(before, base=told)) == []
    assert changes(before, replace(before, base=other)) == ["base: seed", "base: training"]


def test_keys_that_an_earlier_version_did_not_know_are_no_change(tmp_path: Path) -> None:
    after = make_sweep(tmp_path, GRID).first_record(())
    base = {key: value for key, value in after.base.items() if key != "evaluation"}

    assert changes(replace(after, base=base), after) == []


def test_more_trials_are_no_change(tmp_path: Path) -> None:
    before = make_sweep(tmp_path, f"trials: 1\n{GRID}").first_record(())
    after = make_sweep(tmp_path, f"trials: 2\n{GRID}").first_record(())

    assert changes(before, after) == []
