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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from dl.config.load import Loaded
from dl.config.schema import Config
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory
from dl.variables import environment_of_child
from dl.vocabulary.spec import Finding

_COPYING = "dl.tracking.mlflow_copy"
_DEFAULT = "sqlite:///mlflow.db"
"""MLflow's own default: in the working directory, where `mlflow ui` looks."""
_PACKAGES = ("mlflow", "sqlalchemy", "alembic")

ENVIRONMENT = {
    # MLflow would try for minutes, and tell its makers of each use.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""What the process finds in its environment, unless the user has set it."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A store of MLflow, and what goes there.

    Attributes:
        uri: The store, as MLflow reads it.
        experiment: The experiment that gets the run.
        artifacts: Whether files go there too.
    """

    uri: str
    experiment: str
    artifacts: bool


def destination_of(config: Config, environment: Mapping[str, str]) -> Destination | None:
    """Returns where the copies of a config's runs go; None where it has none.

    Args:
        config: The config.
        environment: The environment, in which MLFLOW_TRACKING_URI may name a store.
    """
    store = config.tracking.mlflow
    if store is None:
        return None
    uri = store.uri or environment.get("MLFLOW_TRACKING_URI") or _DEFAULT
    return Destination(uri, store.experiment or config.name, store.artifacts)


def check_packages(loaded: Loaded) -> None:
    """Raises `ConfigError` where a config names a store and MLflow is not installed."""
    if loaded.config.tracking.mlflow is None:
        return
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        finding = Finding(
            ("tracking", "mlflow"),
            f"needs the package {missing[0]}, which is not installed",
            hint="pip install 'dl-keras[mlflow]', or leave the section out",
        )
        raise loaded.error([finding])


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
    resuming = again or ""
    where = (destination.uri, destination.experiment, str(destination.artifacts))
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _COPYING, *where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**ENVIRONMENT, **environment_of_child()},
            # A Ctrl-C is for the training; this process ends when its pipe does.
            start_new_session=True,
        )

        def follow(path: Path) -> None:
            nonlocal resuming
            resuming = again or RunDirectory(path).command_to_resume
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(f"{path.absolute()}\n".encode())
                    process.stdin.flush()

        try:
            yield follow
        finally:
            with reporter.stage("Copying to MLflow"):
                reason = _end(process, log)
            if reason is not None:
                text = f"the copy in MLflow is not complete: {reason}; complete it: {resuming}"
                reporter.warn(text)


def _end(process: subprocess.Popen[bytes], log: IO[bytes]) -> str | None:
    """Waits until all is copied; returns why it could not be, if so."""
    said, _ = process.communicate()
    if process.returncode == 0:
        return said.decode(errors="replace").strip() or None
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {process.returncode}"
