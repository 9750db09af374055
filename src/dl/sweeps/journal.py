"""The journal of a sweep: JSON lines, each on the disk before the sweep goes on.

Who reads it never changes it: a last line without an end is one that its owner is writing. The
owner, who holds the sweep's lock, cuts off what a killed session left.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dl.errors import RunError
from dl.rundir.files import disk_errors, read_regular
from dl.rundir.typed import Count, Duration, Finite, MisfitError, read_as
from dl.sweeps.parameters import Setting
from dl.sweeps.pools import Key, Status
from dl.system import sync


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
        again: Whether it failed for want of the machine (memory, disk, a killed process), not of
            the setting: a sweep that goes on trains it again.
    """

    trial: Count
    repeat: Count
    status: Status
    values: tuple[float, ...] = ()
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: Duration = 0.0
    error: str | None = None
    code: Count = 0
    again: bool = False

    def __post_init__(self) -> None:
        scored = bool(self.values) and all(map(math.isfinite, self.values))
        if self.status != "failed" and not scored:
            raise MisfitError("must be numbers", ("values",))

    @property
    def key(self) -> Key:
        """The trial and the repeat."""
        return (self.trial, self.repeat)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which setting a trial has; the names are those of the file."""

    trial: Count
    setting: dict[str, Any]
    picked: dict[str, Finite]


class Journal:
    """What a sweep has asked and what came of it, in the order in which it happened.

    Attributes:
        settings: The setting of each trial.
        ended: The trainings that have ended, by trial and repeat; of several times the last.
        counts: How many of them ended how.
        torn: Numbers of the lines that are not a whole record, and are left out.
    """

    def __init__(self, path: Path) -> None:
        """Reads the journal, if there is one.

        Raises:
            RunError: A line holds what no sweep writes.
            DiskError: It cannot be read.
        """
        self.path = path
        self.settings: dict[int, Setting] = {}
        self.ended: dict[Key, Ended] = {}
        self.counts: Counter[str] = Counter()
        self.torn: list[int] = []
        self._by_trial: dict[int, dict[int, Ended]] = {}
        *lines, _ = _content(path).split(b"\n")
        for number, line in enumerate(lines, start=1):
            self._read(number, line)

    def of_trial(self, trial: int) -> list[Ended]:
        """Returns the trainings of a trial that have ended."""
        return list(self._by_trial.get(trial, {}).values())

    def _read(self, number: int, line: bytes) -> None:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            self.torn.append(number)
            return
        event = record.get("event") if isinstance(record, dict) else None
        try:
            if event == "asked":
                asked = read_as(_Asked, record)
                self.settings[asked.trial] = Setting(asked.setting, asked.picked)
            elif event == "ended":
                self._take(read_as(Ended, record))
            else:
                raise MisfitError("must be `asked` or `ended`", ("event",))
        except MisfitError as error:
            raise RunError(
                f"{self.path}:{number} is damaged: {error}",
                hint="remove that line: its trial is done again",
            ) from error

    def _take(self, ended: Ended) -> None:
        self._forget(ended.key)
        self.ended[ended.key] = ended
        self.counts[ended.status] += 1
        self._by_trial.setdefault(ended.trial, {})[ended.repeat] = ended

    def _forget(self, key: Key) -> None:
        before = self.ended.pop(key, None)
        if before is not None:
            self.counts[before.status] -= 1
            del self._by_trial[before.trial][before.repeat]


class OwnJournal(Journal):
    """The journal of the sweep that this process works on; it holds the sweep's lock.

    Attributes:
        again: Trainings that failed for want of the machine, and are to be done again.
    """

    def __init__(self, path: Path) -> None:
        """Reads the journal and makes it ready to be written; raises as `Journal` does."""
        content = _content(path)
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with disk_errors(f"mending {path}"):
                os.truncate(path, whole)
        super().__init__(path)
        self.again = [key for key, ended in self.ended.items() if ended.again]
        for key in self.again:
            self._forget(key)

    def ask(self, trial: int, setting: Setting) -> None:
        """Writes which setting a trial has; raises `DiskError`."""
        if trial not in self.settings:
            asked = _Asked(trial, setting.values, setting.params)
            _append(self.path, {"event": "asked", **asdict(asked)})
            self.settings[trial] = setting

    def end(self, ended: Ended) -> None:
        """Writes how a training ended; raises `DiskError`."""
        _append(self.path, {"event": "ended", **asdict(ended)})
        self._take(ended)


def _content(path: Path) -> bytes:
    with disk_errors(f"reading {path}"):
        try:
            return read_regular(path)
        except FileNotFoundError:
            return b""


def _append(path: Path, record: dict[str, Any]) -> None:
    """Adds a whole line, on the disk; of one that cannot be written nothing stays."""
    line = memoryview(json.dumps(record, ensure_ascii=False).encode() + b"\n")
    is_new = not path.exists()
    with disk_errors(f"writing {path}"):
        with open(path, "ab", buffering=0) as file:
            start = file.seek(0, os.SEEK_END)
            try:
                while line:  # the system may take a part of it
                    line = line[file.write(line) :]
                os.fsync(file.fileno())
            except BaseException:
                with suppress(OSError):
                    file.truncate(start)
                raise
        if is_new:
            sync(path.parent)
