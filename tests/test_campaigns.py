"""A small part of each campaign on processes, seeded; `campaigns/` runs them at full size."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

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
        ("tail", 2),
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
