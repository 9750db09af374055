"""The light copy of a run's model: `model.tflite`, and beside it the record of what it is.

The record holds the SHA-256 of the copy and of the `model.h5` that it was made from, and both are
in the manifest. A copy that is missing, torn, altered, or of another `model.h5` is not used. Where
no copy could be made, the record says why.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from dl.errors import RunError
from dl.runs.directory import RunDirectory
from dl.runs.manifest import file_sha256, publish, read_checked, read_manifest, sha256
from dl.runs.record import read_json
from dl.runs.typed import Positive
from dl.runtime.light_model import LightModel, UnusableError

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Light:
    """A light copy of a model, still in memory.

    Attributes:
        content: The bytes of `model.tflite`.
        batch: Rows to run at once.
        checked_rows: Number of rows on which it was compared with Keras.
        difference: The largest difference between the two that was found.
    """

    content: bytes
    batch: int
    checked_rows: int
    difference: float


@dataclass(frozen=True, slots=True)
class LightRecord:
    """The content of `model.tflite.json`.

    Attributes:
        model: SHA-256 of the `model.h5` that the copy was made from.
        light: SHA-256 of `model.tflite`; empty if no copy could be made.
        reason: Why no copy could be made; empty if there is one.
        batch, checked_rows, difference: As in `Light`.
        schema: Version of this file's layout.
    """

    model: str
    light: str = ""
    reason: str = ""
    batch: Positive = 1
    checked_rows: int = 0
    difference: float = 0.0
    schema: int = SCHEMA

    def text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def write_light(run: RunDirectory, model: str, light: Light) -> None:
    """Writes the copy and then its record, durably; raises `DiskError`.

    Args:
        run: The run.
        model: SHA-256 of the `model.h5` that the copy was made from.
        light: The copy.
    """
    record = LightRecord(
        model=model,
        light=sha256(light.content),
        batch=light.batch,
        checked_rows=light.checked_rows,
        difference=light.difference,
    )
    publish(run.light, light.content)
    publish(run.light_record, record.text().encode())


def write_refusal(run: RunDirectory, model: str, reason: str) -> None:
    """Records why there is no light copy, and removes an old one; raises `DiskError`."""
    publish(run.light_record, LightRecord(model=model, reason=reason).text().encode())
    run.light.unlink(missing_ok=True)


def open_light(run: RunDirectory) -> LightModel:
    """Opens the light copy of a run's model.

    Raises:
        UnusableError: There is none, it is damaged, it was made from another `model.h5`, or
            cannot be run here.
    """
    record = _record(run)
    if record.reason:
        raise UnusableError(record.reason)
    try:
        content = read_checked(run.light)
    except RunError as error:
        raise _suspicious(f"{run.light.name} is missing or damaged") from error
    if record.model != file_sha256(run.model):
        raise _suspicious(f"{run.light.name} was made from another {run.model.name}")
    if record.light != sha256(content):
        raise _suspicious(f"{run.light.name} is not the one of its record")
    return LightModel(content, record.batch)


def _record(run: RunDirectory) -> LightRecord:
    path = run.light_record
    if not path.exists():
        raise UnusableError("the run has none")
    if path.name not in read_manifest(run):
        raise UnusableError("an earlier dl made it, without a checksum")
    try:
        record = read_json(path, LightRecord)
    except RunError as error:
        raise _suspicious(f"{path.name} is damaged") from error
    return record


def _suspicious(reason: str) -> UnusableError:
    return UnusableError(reason, suspicious=True)
