"""What went wrong, as data: problems with a place, and the errors that carry them.

Every error that a user can cause is a `DlError`. It holds one or more `Problem`s; only `dl.cli`
words them on the terminal and chooses the exit code from the error's class.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


class ExitCode(enum.IntEnum):
    """Exit codes of the `dl` command; scripts rely on them."""

    DONE = 0
    BUG = 1
    USAGE = 2
    DATA = 3
    RUN = 4
    BUSY = 5
    NUMERIC = 6
    DISK = 7
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that the user wrote: a span of a line of a file, or an option of the command line.

    `line` and `column` count from 1. A file as a whole has no line; an option has neither, and its
    `source` is the option as typed (`--set training.epochs=x`).
    """

    source: str
    line: int | None = None
    column: int | None = None
    length: int = 1
    text: str | None = None

    def __str__(self) -> str:
        parts = [self.source, self.line, self.column]
        return ":".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: what is wrong, where, what was expected, what came and what to do about it."""

    message: str
    mark: Mark | None = None
    expected: str | None = None
    found: str | None = None
    hint: str | None = None


class DlError(Exception):
    """The base of every error that a user can cause; `exit_code` belongs to the class."""

    exit_code = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        mark: Mark | None = None,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.problems: tuple[Problem, ...] = (Problem(message, mark, expected, found, hint),)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """Makes one error of several problems, kept in the order given; needs at least one."""
        listed = tuple(problems)
        error = cls(listed[0].message)
        error.problems = listed
        return error


class UsageError(DlError):
    """Wrong use of a command: an option or argument that makes no sense."""

    exit_code = ExitCode.USAGE


class ConfigError(DlError):
    """The config is wrong; it carries all problems at once."""

    exit_code = ExitCode.USAGE


class DataError(DlError):
    """The data cannot be used as the config says."""

    exit_code = ExitCode.DATA


class RunError(DlError):
    """A run or model is damaged, incompatible or not there."""

    exit_code = ExitCode.RUN


class BusyError(DlError):
    """Another process works on the run."""

    exit_code = ExitCode.BUSY


NO_NUMBER = "the loss is no number any more"
"""How the message of a `NumericError` starts; the place follows after a colon."""


class NumericError(DlError):
    """The training left the numbers: the loss is NaN or infinite."""

    exit_code = ExitCode.NUMERIC


class DiskError(DlError):
    """Reading or writing failed: no space, no permission, a broken disk."""

    exit_code = ExitCode.DISK


class Interrupted(DlError):
    """A signal asked the command to stop; `exit_code` is 128 plus the signal's number."""

    def __init__(self, message: str, *, signal_number: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = ExitCode(128 + signal_number)


_KINDS: tuple[type[DlError], ...] = (
    DlError,
    ConfigError,
    DataError,
    RunError,
    BusyError,
    NumericError,
    DiskError,
)


def error_class(code: int) -> type[DlError]:
    """Returns the class of errors with an exit code; `RunError` where no class has it."""
    return next((kind for kind in _KINDS if kind.exit_code == code), RunError)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word that `word` most likely stands for, or None if none is near."""
    import difflib

    by_folded = {name.lower().replace("-", "_"): name for name in known}
    folded = word.lower().replace("-", "_")
    matches = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None
