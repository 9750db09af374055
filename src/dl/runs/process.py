"""Processes, named so that a later one with the same number is told apart."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Annotated

from dl.runs.typed import Count, Range
from dl.system import is_running, start_ticks

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
        return cls(socket.gethostname(), os.getpid(), start_ticks(os.getpid()))

    def is_alive(self) -> bool:
        """Tells whether the process still runs; one on another machine is taken to."""
        if self.host != socket.gethostname():
            return True
        return is_running(self.pid) and start_ticks(self.pid) == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"
