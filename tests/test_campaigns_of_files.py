"""A small part of each campaign on files and names, seeded; `campaigns/` runs them at full size."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from campaigns import (
    bit_flips,
    forged_runs,
    hostile_files,
    hostile_names,
    mutated_configs,
    mutated_csv,
    mutated_data,
    mutating,
    odd_files,
)
from campaigns.tracing import is_wrong, traced
from campaigns.watching import Allowed

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
    codes, failures = mutating.campaign(mutated_csv.KINDS, 7, 60, tmp_path, mutated_csv.USE_EVERY)

    assert failures == []
    assert {0, 3} <= set(codes)


def test_mutated_data_files_are_read_or_refused(tmp_path: Path) -> None:
    codes, failures = mutating.campaign(mutated_data.KINDS, 3, 40, tmp_path, mutated_data.USE_EVERY)

    assert failures == []
    assert {0, 3} <= set(codes)


def test_hostile_files_run_and_open_nothing(tmp_path: Path) -> None:
    names = random.Random(7).sample(sorted(hostile_files.ATTACKS), 30)
    hostile_files.prepare(tmp_path, names)

    assert hostile_files.campaign(names, tmp_path) == []


@pytest.mark.skipif(
    "CI" not in os.environ and shutil.which("strace") is None, reason="needs strace"
)
def test_hostile_files_open_nothing_under_strace(tmp_path: Path) -> None:
    names = ["external-link-to-array", "external-storage", "virtual-set", "lambda", "download"]
    hostile_files.prepare(tmp_path, names)

    assert traced(names, tmp_path) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('7 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3', True),
        ('7 openat(AT_FDCWD, "/here/outside/secret.h5", O_RDONLY) = 3', True),
        ('7 openat(AT_FDCWD, "/here/good.h5", O_RDONLY) = 3', False),
        ("7 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 4", True),
        ('7 execve("/bin/sh", ["sh"], 0x7ff) = 0', True),
    ],
)
def test_a_wrong_system_call_is_seen(line: str, wrong: bool) -> None:
    assert is_wrong(line, Allowed(Path("/here"))) is wrong


def test_there_are_fifty_hostile_files() -> None:
    assert len(hostile_files.ATTACKS) >= 50


def test_damaged_files_of_a_run_are_found(tmp_path: Path) -> None:
    found, failures = bit_flips.campaign(7, 26, 1, tmp_path)

    assert failures == []
    assert found["refused"] > 20


def test_forged_runs_are_refused_by_name(tmp_path: Path) -> None:
    forged_runs.prepare(tmp_path, ["moons"])

    found, failures = forged_runs.campaign(7, 40, tmp_path)

    assert failures == []
    assert sum(count for answer, count in found.items() if answer.endswith((" 4", " 404"))) > 10


def test_hostile_names_are_refused(tmp_path: Path) -> None:
    codes, failures = hostile_names.campaign(7, 60, tmp_path)

    assert failures == []
    assert codes[2] + codes[4] > 20


def test_odd_files_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    codes, failures = odd_files.campaign(7, 30, tmp_path)

    assert failures == []
    assert sum(codes.values()) == 30
