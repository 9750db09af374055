"""A small part of each campaign on processes, seeded; `campaigns/` runs them at full size."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from campaigns import surroundings, variables

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


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


def test_odd_surroundings_end_no_command_badly(tmp_path: Path) -> None:
    codes, failures = surroundings.campaign(4, 8, tmp_path)

    assert failures == []
    assert sum(codes.values()) == 8


def test_variables_of_libraries_change_no_bit(tmp_path: Path) -> None:
    assert variables.campaign(2, 2, tmp_path)[1] == []
    assert len(variables.names()) > 200
