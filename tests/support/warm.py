"""Warm processes of tests: started, asked, looked at."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def serve(
    variables: dict[str, str], idle: float = 300, how: str = "fresh"
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "support.warm_server", str(idle), how]
    settled = {**variables, "PYTHONSAFEPATH": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settled, cwd="/")
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    process.stdout.close()
    return process


def standing_by(variables: dict[str, str]) -> int:
    """Waits until a copy stands by; returns its number."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if pid := status(variables)["standby"]:
            return int(pid)
        time.sleep(0.02)
    raise AssertionError("no copy stands by")


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    return found


def status(variables: dict[str, str]) -> Any:
    script = "import json; from dl.warm.client import ask; print(json.dumps(ask(None)))"
    settled = {**variables, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=settled, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    return answer and answer[1]


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def assert_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids):
            return
        time.sleep(0.01)
    raise AssertionError("a process is left")
