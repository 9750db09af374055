"""The light copy of a run's model: `model.tflite`, and beside it the record of what it is.

The record holds the SHA-256 of the copy and of the `model.h5` that it was made from. A copy that
is missing, torn, altered, or of another `model.h5` is not used.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dl.runs.directory import RunDirectory
from dl.runs.files import write_bytes, write_text
from dl.runtime.light_model import LightModel, UnusableError

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class LightRecord:
    """The content of `model.tflite.json`.

    Attributes:
        light: SHA-256 of `model.tflite`.
        model: SHA-256 of the `model.h5` that it was made from.
        batch: Rows to run at once.
        fixed: Whether it takes no other number of rows.
        checked_rows: Number of rows on which it was compared with Keras.
        difference: The largest difference between the two that was found.
        schema: Version of this file's layout.
    """

    light: str
    model: str
    batch: int
    fixed: bool
    checked_rows: int
    difference: float
    schema: int = SCHEMA

    def text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Light:
    """A light copy of a model, still in memory.

    Attributes:
        content: The bytes of `model.tflite`.
        batch, fixed, checked_rows, difference: As in `LightRecord`.
    """

    content: bytes
    batch: int
    fixed: bool
    checked_rows: int
    difference: float


def write_light(run: RunDirectory, light: Light) -> None:
    """Writes the copy and then its record, durably; raises `DiskError`."""
    record = LightRecord(
        light=_sha256(light.content),
        model=_file_sha256(run.model),
        batch=light.batch,
        fixed=light.fixed,
        checked_rows=light.checked_rows,
        difference=light.difference,
    )
    write_bytes(run.light, light.content)
    write_text(run.light_record, record.text())


def open_light(run: RunDirectory) -> LightModel:
    """Opens the light copy of a run's model.

    Raises:
        UnusableError: There is none, it is damaged, it was made from another `model.h5`, or
            cannot be run here.
    """
    record = _record(run.light_record)
    try:
        content = run.light.read_bytes()
        model = _file_sha256(run.model)
    except OSError as error:
        raise UnusableError(f"{Path(str(error.filename)).name} cannot be read") from error
    if record.light != _sha256(content):
        raise UnusableError(f"{run.light.name} is damaged")
    if record.model != model:
        raise UnusableError(f"{run.light.name} was made from another {run.model.name}")
    return LightModel(content, record.batch, record.fixed)


def _record(path: Path) -> LightRecord:
    try:
        values: Any = json.loads(path.read_bytes())
        record = LightRecord(**values)
        valid = record.schema == SCHEMA and type(record.batch) is int and record.batch > 0
    except FileNotFoundError as error:
        raise UnusableError(f"there is no {path.name}") from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UnusableError(f"{path.name} is damaged") from error
    if not valid:
        raise UnusableError(f"{path.name} is of another version, or damaged")
    return record


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
