"""What a student has done: a small file of the student's own, in the folder of the work."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from dl.errors import RunError
from dl.rundir.files import write_text
from dl.rundir.record import now
from dl.rundir.typed import Count, MisfitError, parse_as


@dataclass(frozen=True, slots=True)
class Done:
    """What is known of an exercise.

    Attributes:
        tries: How often an answer was checked.
        hints: How many hints were read.
        solved: When it was solved, in ISO 8601; None if it is not.
    """

    tries: Count = 0
    hints: Count = 0
    solved: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of the exercises, by their names."""

    exercises: dict[str, Done] = field(default_factory=dict)

    def of(self, name: str) -> Done:
        """Returns what is known of an exercise."""
        return self.exercises.get(name, Done())

    def checked(self, name: str, *, solved: bool) -> Progress:
        """Returns the progress after an answer; what was solved once stays so."""
        before = self.of(name)
        when = before.solved or (now() if solved else None)
        return self._with(name, replace(before, tries=before.tries + 1, solved=when))

    def hinted(self, name: str, shown: int) -> Progress:
        """Returns the progress after so many hints."""
        return self._with(name, replace(self.of(name), hints=max(shown, self.of(name).hints)))

    def _with(self, name: str, done: Done) -> Progress:
        return Progress({**self.exercises, name: done})


def read_progress(path: Path) -> Progress:
    """Reads the progress; nothing is done where there is no file.

    Raises:
        RunError: The file is damaged; it is left as it is.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Progress()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return parse_as(Progress, text)
    except MisfitError as error:
        raise RunError(
            f"{path} is damaged: {error}",
            expected="the progress that dl course keeps",
            hint=f"mend it, or begin anew: mv {path} {path}.old",
        ) from error


def write_progress(path: Path, progress: Progress) -> None:
    """Writes the progress, whole or not at all; raises `DiskError`."""
    write_text(path, json.dumps(asdict(progress), indent=2) + "\n")
