"""Has a run copied to MLflow by a process of its own, so that no training waits for a store.

That process reads what the run writes down anyway. A store that is slow, full or gone costs a
warning and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dl.config.load import Loaded
from dl.progress import Reporter
from dl.runs.directory import RunDirectory
from dl.tracking.destination import Destination, check_packages, destination_of
from dl.variables import environment_of_child

MODULE = "dl.tracking.process"

ENVIRONMENT = {
    # MLflow would try for minutes, and tell its makers of each use.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""What the process finds in its environment, unless the user has set it."""


class Tracker:
    """The process that copies one run or sweep.

    Attributes:
        command_to_resume: What a user types to go on with the run.

    Args:
        destination: Where the copy goes.
        log: An open file for what the libraries say.
    """

    def __init__(self, destination: Destination, log: IO[bytes]) -> None:
        self._log = log
        self.command_to_resume = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, destination.text()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**ENVIRONMENT, **environment_of_child()},
            # A Ctrl-C is for the training; this process ends when its pipe does.
            start_new_session=True,
        )

    def follow(self, path: Path) -> None:
        """Has the run or sweep in a directory copied, from now until `close`; returns at once."""
        self.command_to_resume = RunDirectory(path).command_to_resume
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(f"{path.absolute()}\n".encode())
                self._process.stdin.flush()

    def close(self) -> str | None:
        """Waits until all is copied; returns why it could not be, if so."""
        said, _ = self._process.communicate()
        if self._process.returncode == 0:
            return said.decode(errors="replace").strip() or None
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"


@contextmanager
def tracking(
    loaded: Loaded, reporter: Reporter, again: str | None = None
) -> Iterator[Callable[[Path], None]]:
    """Gives what has a directory copied to where the config says, and nothing done otherwise.

    Args:
        loaded: The config.
        reporter: Is warned at the end where the copy is not complete.
        again: What a user does to have it completed. Default: to go on with the run.

    Raises:
        ConfigError: The config names a store, and MLflow is not installed.
    """
    check_packages(loaded)
    destination = destination_of(loaded.config, os.environ)
    if destination is None:
        yield lambda path: None
        return
    with tempfile.TemporaryFile() as log:
        tracker = Tracker(destination, log)
        try:
            yield tracker.follow
        finally:
            with reporter.stage("Copying to MLflow"):
                reason = tracker.close()
            if reason is not None:
                again = again or tracker.command_to_resume
                reporter.warn(f"the copy in MLflow is not complete: {reason}; complete it: {again}")
