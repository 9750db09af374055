"""Where a run comes from: time, and the git commit of its config."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path


def now() -> str:
    """Returns the local time as ISO 8601 with the offset from UTC, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def git_commit(folder: Path) -> str | None:
    """Returns the commit that is checked out around `folder`; None outside a repository."""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
