"""A small part of each campaign on what is around `dl`: nodes, streams, variables of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from campaigns import failed_calls, surroundings, variables

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def test_a_lost_node_and_a_killed_sweep_change_nothing() -> None:
    command = [sys.executable, "-m", "campaigns.kill_node", "--size", "2", "--trials", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.splitlines()[-2:] == [
        "2 kills, 8 trainings, 0 of them twice",
        "the leaderboard is the same",
    ]


def test_odd_surroundings_end_no_command_badly(tmp_path: Path) -> None:
    light = [command for command in surroundings.COMMANDS if command[0] in ("list", "show", "lint")]

    codes, failures = surroundings.campaign(4, 8, tmp_path, light)

    assert failures == []
    assert sum(codes.values()) == 8


def test_variables_of_libraries_change_no_bit(tmp_path: Path) -> None:
    assert variables.campaign(2, 1, tmp_path, ["OMP_NUM_THREADS"]) == (0, [])


def test_names_of_variables_are_found_in_a_binary() -> None:
    binary = b"\0TF_SOME_SWITCH\0of\0XLA_FLAGS\0TF_lower\0"
    assert list(variables.names_in(binary)) == ["TF_SOME_SWITCH", "XLA_FLAGS"]


@pytest.mark.skipif(
    "CI" not in os.environ and shutil.which("strace") is None, reason="needs strace"
)
def test_failed_system_calls_lose_nothing(tmp_path: Path) -> None:
    codes, failures = failed_calls.campaign(3, 4, tmp_path, failed_calls.COMMANDS[:2])

    assert failures == []
    assert sum(codes.values()) == 4
