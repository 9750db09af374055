"""Processes, named so that a later one with the same number is told apart."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from dl.runs.typed import Count, Range

_Number = Annotated[int, Range(lambda pid: 0 < pid < 2**31, "must be the number of a process")]


@dataclass(frozen=True, slots=True)
class Process:
    """A process on a machine.

    Attributes:
        host: Name of the machine.
        pid: Number of the process.
        started: Start of the process in clock ticks since boot; 0 where the system does not tell.
    """

    host: str
    pid: _Number
    started: Count

    @classmethod
    def current(cls) -> Process:
        """Returns this process."""
        return cls(socket.gethostname(), os.getpid(), _start_ticks(os.getpid()))

    def is_alive(self) -> bool:
        """Tells whether the process still runs; one on another machine is taken to."""
        if self.host != socket.gethostname():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _start_ticks(self.pid) == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _start_ticks(pid: int) -> int:
    """Returns the start of a process, 0 if it is gone: a dead child waits for its parent as Z."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])
