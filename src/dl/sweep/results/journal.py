"""The journal of a sweep: JSON lines, each on the disk before the sweep goes on."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from dl.errors import RunError
from dl.runs.files import disk_error, sync
from dl.sweep.definition.space import Setting
from dl.sweep.pools.tasks import Status


@dataclass(frozen=True, slots=True)
class Ended:
    """How one training of a trial ended.

    Attributes:
        trial: Number of the trial.
        repeat: Which of its trainings.
        status: How.
        values: The objective after each epoch.
        metrics: The final metrics by part.
        seconds: Duration.
        error: Why it failed.
        code: The exit code that belongs to the error.
    """

    trial: int
    repeat: int
    status: Status
    values: tuple[float, ...] = ()
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    code: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """The trial and the repeat."""
        return (self.trial, self.repeat)


class Journal:
    """What a sweep has asked and what came of it, in the order in which it happened.

    Attributes:
        settings: The setting of each trial.
        ended: The trainings that have ended, by trial and repeat.
        counts: How many of them ended how.
    """

    def __init__(self, path: Path) -> None:
        """Reads the journal, if there is one; a torn last line is cut off.

        Raises:
            RunError: It is damaged before its last line.
            DiskError: It cannot be read or mended.
        """
        self._path = path
        self.settings: dict[int, Setting] = {}
        self.ended: dict[tuple[int, int], Ended] = {}
        self.counts: Counter[str] = Counter()
        self._by_trial: dict[int, list[Ended]] = {}
        for record in _whole_records(path):
            self._take(record)

    def ask(self, trial: int, setting: Setting) -> None:
        """Writes which setting a trial has; raises `DiskError`."""
        if trial not in self.settings:
            values, picked = setting.values, setting.picked
            self._append({"event": "asked", "trial": trial, "setting": values, "picked": picked})

    def end(self, ended: Ended) -> None:
        """Writes how a training ended; raises `DiskError`."""
        self._append({"event": "ended", **asdict(ended)})

    def of_trial(self, trial: int) -> list[Ended]:
        """Returns the trainings of a trial that have ended, in that order."""
        return self._by_trial.get(trial, [])

    def _append(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False) + "\n"
        is_new = not self._path.exists()
        try:
            with open(self._path, "ab", buffering=0) as file:
                file.write(line.encode())
                os.fsync(file.fileno())
            if is_new:
                sync(self._path.parent)
        except OSError as error:
            raise disk_error(error, f"writing {self._path}") from error
        self._take(record)

    def _take(self, record: dict[str, Any]) -> None:
        trial = record["trial"]
        if record["event"] == "asked":
            self.settings[trial] = Setting(record["setting"], record["picked"])
        else:
            values = {key: value for key, value in record.items() if key != "event"}
            ended = Ended(**{**values, "values": tuple(values["values"])})
            self.ended[ended.key] = ended
            self.counts[ended.status] += 1
            self._by_trial.setdefault(ended.trial, []).append(ended)


def _whole_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the records, and cuts the file after the last whole one."""
    if not path.exists():
        return
    try:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(path, len(whole))
    except OSError as error:
        raise disk_error(error, f"reading {path}") from error
    lines = whole.splitlines()
    for number, line in enumerate(lines, start=1):
        yield _record(path, number, line)


def _record(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
        if record["event"] not in ("asked", "ended") or not isinstance(record["trial"], int):
            raise ValueError("no record")
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} is damaged in line {number}",
            hint="remove that line: its trial is done again",
        ) from error
    return cast(dict[str, Any], record)
