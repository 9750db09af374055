"""A run's directory: the one place that knows its file names, and how one is made."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dl.errors import BusyError
from dl.runs.files import disk_error, sync

NUMBER = re.compile(r"\d{4,}")


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The directory of one run, `runs/<name>/<0001…>/`."""

    path: Path

    @property
    def config(self) -> Path:
        """The config as the user wrote it, byte for byte."""
        return self.path / "config.yaml"

    @property
    def resolved(self) -> Path:
        """The config with everything explicit."""
        return self.path / "resolved.yaml"

    @property
    def record(self) -> Path:
        """Status, times, versions: see `dl.runs.record`."""
        return self.path / "run.json"

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.path / "history.csv"

    @property
    def metrics(self) -> Path:
        """The final metrics of each part."""
        return self.path / "metrics.json"

    @property
    def preprocess(self) -> Path:
        """What was learned from the training part."""
        return self.path / "preprocess.json"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model.h5"

    @property
    def light(self) -> Path:
        """The light copy of the model, which needs no TensorFlow: see `dl.runtime.artefact`."""
        return self.path / "model.tflite"

    @property
    def light_record(self) -> Path:
        """What the light copy was made from, with checksums."""
        return self.path / "model.tflite.json"

    @property
    def plots(self) -> Path:
        """The folder of pictures."""
        return self.path / "plots"

    @property
    def label(self) -> str:
        """`name/0001`, as users name the run."""
        return f"{self.path.parent.name}/{self.path.name}"


def create_run(
    root: Path, name: str, files: Mapping[str, bytes], number: int | None = None
) -> RunDirectory:
    """Makes the next run directory of a name, with its first files in it.

    The directory appears whole or not at all, and no two processes get the same one: it is filled
    under a temporary name, and a rename onto a directory that is not empty fails.

    Args:
        root: The folder of all runs.
        name: The name of the run.
        files: Content of the first files, by file name; at least one.
        number: The number that the run must get. Default: the next one.

    Raises:
        BusyError: There is a run of that number.
        DiskError: The directory could not be made.
    """
    parent = root / name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
    except OSError as error:
        raise disk_error(error, f"making a run in {parent}") from error
    try:
        return _publish(temporary, files, number)
    except OSError as error:
        raise disk_error(error, f"making a run in {parent}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _publish(temporary: Path, files: Mapping[str, bytes], fixed: int | None) -> RunDirectory:
    for file_name, content in files.items():
        (temporary / file_name).write_bytes(content)
        sync(temporary / file_name)
    temporary.chmod(0o755)
    parent = temporary.parent
    number = next_number(parent) if fixed is None else fixed
    while True:
        path = parent / f"{number:04d}"
        try:
            os.rename(temporary, path)
        except OSError:
            if not path.exists():
                raise
            if fixed is not None:
                raise BusyError(f"{path} is there already") from None
            number += 1
            continue
        sync(parent)
        return RunDirectory(path)


def numbers(parent: Path) -> list[int]:
    """Returns the numbers of the runs in a name's folder, ascending."""
    if not parent.is_dir():
        return []
    return sorted(int(entry.name) for entry in os.scandir(parent) if NUMBER.fullmatch(entry.name))


def next_number(parent: Path) -> int:
    """Returns the number that follows the highest one in a name's folder."""
    return max(numbers(parent), default=0) + 1
