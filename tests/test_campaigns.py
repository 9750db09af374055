"""A small part of each campaign, seeded; `campaigns/` runs them at full size."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from campaigns import hostile_h5, mutated_configs, mutated_csv

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_mutated_configs_are_valid_or_refused(tmp_path: Path) -> None:
    mutated_configs.copy_sources(tmp_path)

    codes, failures = mutated_configs.campaign(7, 300, tmp_path)

    assert failures == []
    assert set(codes) == {0, 2}


def test_mutated_csv_files_are_read_or_refused(tmp_path: Path) -> None:
    codes, failures = mutated_csv.campaign(7, 60, tmp_path)

    assert failures == []
    assert {0, 3} <= set(codes)


def test_hostile_files_run_and_open_nothing(tmp_path: Path) -> None:
    names = random.Random(7).sample(sorted(hostile_h5.ATTACKS), 30)
    hostile_h5.prepare(tmp_path, names)

    assert hostile_h5.campaign(names, tmp_path) == []


def test_there_are_fifty_hostile_files() -> None:
    assert len(hostile_h5.ATTACKS) >= 50
