"""Runs the campaign of hostile files under strace: HDF5 opens files without Python.

`python -m campaigns.tracing FOLDER NAME...` is the process that is traced.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from campaigns.hostile_files import BEGINS, campaign
from campaigns.watching import Allowed

_CALLS = "open,openat,openat2,creat,socket,connect,execve,write"


def traced(names: Sequence[str], folder: Path) -> list[str]:
    """Tries the files of these names again in another process; returns its wrong system calls."""
    log = folder / "strace.txt"
    command = ["strace", "-f", "-qq", "-s", "300", "-e", f"trace={_CALLS}", "-o", str(log)]
    command += [sys.executable, "-m", "campaigns.tracing", str(folder), *names]
    child = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = log.read_text(errors="replace").splitlines()
    start = next((i for i, line in enumerate(lines) if BEGINS in line), None)
    if start is None or child.returncode:
        return [f"the traced process failed: {child.stderr[-2000:]}"]
    allowed = Allowed(folder)
    return [line for line in lines[start:] if is_wrong(line, allowed)]


def is_wrong(line: str, allowed: Allowed) -> bool:
    """Tells whether a line of strace starts a program, connects, or opens what lies outside."""
    if re.search(r" (execve|socket|connect)\(", line):
        return True
    opened = re.search(r' (?:open|openat|openat2|creat)\([^"]*"([^"]*)"', line)
    return opened is not None and not allowed.path(opened[1])


def main() -> None:
    """Tries the files; exits with 1 if something went wrong."""
    failures = campaign(sys.argv[2:], Path(sys.argv[1]))
    print("\n".join(failures), file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
