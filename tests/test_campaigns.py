"""A small part of each campaign, seeded; `campaigns/` runs them at full size."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from campaigns import (
    bit_flips,
    forged_runs,
    hostile_files,
    hostile_names,
    mutated_configs,
    mutated_csv,
    odd_files,
    surroundings,
    variables,
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
    codes, failures = mutated_csv.campaign(7, 60, tmp_path)

    assert failures == []
    assert {0, 3} <= set(codes)


def test_mutated_data_files_are_read_or_refused() -> None:
    assert re.search(": 0 failures$", _campaign("mutated_data", 40))


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


def test_there_are_fifty_hostile_files() -> None:
    assert len(hostile_files.ATTACKS) >= 50


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("crash_at_every_write", 2),
        ("kill9", 1),
        ("signals", 1),
        ("repeats", 1),
        ("concurrent_runs", 2),
        ("kill_commands", 12),
        ("concurrent_trainings", 1),
        ("every_entry", 6),
    ],
)
def test_a_disturbed_run_loses_nothing(name: str, size: int) -> None:
    assert re.search(": 0 failures$", _campaign(name, size))


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a disk of its own")
def test_a_full_disk_exits_with_7_and_loses_nothing() -> None:
    if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount")
    assert re.fullmatch("full_disk: 1 full disks of .*: 0 failures", _campaign("full_disk", 1))


def _campaign(name: str, size: int) -> str:
    """Runs a campaign in a process of its own: it forks, which this one must not."""
    command = [sys.executable, "-m", f"campaigns.{name}", "--seed", "3", "--size", str(size)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    return ended.stdout.strip() or ended.stderr


def test_a_lost_node_and_a_killed_sweep_change_nothing() -> None:
    command = [sys.executable, "-m", "campaigns.kill_node", "--size", "2", "--trials", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.splitlines()[-2:] == [
        "2 kills, 8 trainings, 0 of them twice",
        "the leaderboard is the same",
    ]


def test_odd_files_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    codes, failures = odd_files.campaign(7, 60, tmp_path)

    assert failures == []
    assert sum(codes.values()) == 60


def test_odd_surroundings_end_no_command_badly(tmp_path: Path) -> None:
    codes, failures = surroundings.campaign(4, 8, tmp_path)

    assert failures == []
    assert sum(codes.values()) == 8


def test_variables_of_libraries_change_no_bit(tmp_path: Path) -> None:
    assert variables.campaign(2, 2, tmp_path)[1] == []
    assert len(variables.names()) > 200
