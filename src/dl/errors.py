"""What went wrong, as data: problems with a place, and the errors that carry them.

Every error that a user can cause is a `DlError`. It holds one or more `Problem`s, whose text is the
same on the terminal and in a notebook; only `dl.cli` prints it, and chooses the exit code from the
error's class.
"""

from __future__ import annotations

import enum
import re
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

    @property
    def line(self) -> int | None:
        """The line of its place, from 1, if that is in a file."""
        return None if self.mark is None else self.mark.line

    @property
    def column(self) -> int | None:
        """The column of its place, from 1, if that is in a file."""
        return None if self.mark is None else self.mark.column


SCARCE = Problem(
    "the system gives no more memory or threads",
    hint="see what this process may use: ulimit -a",
)
_SCARCE = (
    "can't start new thread",
    "Cannot allocate memory",
    "error return without exception set",  # Python's own, where it has no memory for an error
    "failed to map segment",
    "Failed to launch worker thread",
)
"""What libraries say, each by an error of its own, when the system gives no memory or thread."""


def is_scarce(error: Exception) -> bool:
    """Tells whether a library failed since the system gives no more memory or threads."""
    return any(words in str(error) for words in _SCARCE)


class DlError(Exception):
    """The base of every error that a user can cause; `exit_code` belongs to the class."""

    exit_code = ExitCode.BUG
    after = ""
    """What is left and what can be done now, on lines of their own below all problems."""

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
    """Another process works on the run, or grades into the folder."""

    exit_code = ExitCode.BUSY


NOT_FINITE = "the loss became NaN or infinite"
"""How the message of a `NumericError` starts; the place follows after a colon."""
NOT_FINITE_BEFORE = "the loss is no number any more"
"""How it started in earlier versions, whose runs are read."""


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


MOST_PROBLEMS = 20
_UNSHOWN = {"\t": " "}
"""What stands for a character that a terminal would obey; one for one, so that the places stay."""


def error_text(error: DlError) -> str:
    """Returns the full text of an error: every problem in the order of its place, then a count."""

    def place(problem: Problem) -> tuple[str, int, int]:
        mark = problem.mark
        return ("", 0, 0) if mark is None else (mark.source, mark.line or 0, mark.column or 0)

    problems = sorted(error.problems, key=place)
    shown = [problem_text(problem) for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > 1:
        sources = {problem.mark.source if problem.mark else "" for problem in problems}
        where = f" in {sources.pop()}" if len(sources) == 1 and "" not in sources else ""
        first = f", of which {len(shown)} are shown" if len(shown) < len(problems) else ""
        shown.append(f"{len(problems)} errors{where}{first}")
    return "\n\n".join(shown) + error.after


def problem_text(problem: Problem) -> str:
    """Returns one problem: place and message, the line underlined, expected, found, hint."""
    place = f"{problem.mark}: " if problem.mark else ""
    lines = [f"error: {place}{problem.message}"]
    if problem.mark is not None:
        lines += excerpt(problem.mark)
    # What the message or the excerpt says already is not said again; a single word may be chance.
    expected = problem.expected
    if expected is not None and " " in expected and expected in problem.message:
        expected = None
    found = None if _is_seen(problem.found, problem.mark) else problem.found
    labelled = {"expected": expected, "found": found, "hint": problem.hint}
    lines += [f"{label}: {text}" for label, text in labelled.items() if text is not None]
    return "\n".join(lines)


def _is_seen(found: str | None, mark: Mark | None) -> bool:
    """Tells whether the underlined place of the excerpt says already what was found."""
    if found is None or mark is None or mark.text is None or mark.column is None:
        return False
    start = mark.column - 1
    places = re.finditer(re.escape(found.strip("'\"")), mark.text)
    return any(p.start() < start + mark.length and p.end() > start for p in places)


def excerpt(mark: Mark) -> list[str]:
    """Returns the line of a mark and a line that underlines it; nothing where there is no line."""
    if mark.text is None or mark.line is None or mark.column is None:
        return []
    shown = "".join(
        c if c.isprintable() else _UNSHOWN.get(c, "\N{REPLACEMENT CHARACTER}") for c in mark.text
    )
    text, column = _clipped(shown, mark.column)
    carets = "^" * max(1, min(mark.length, len(text) - column + 1))
    number = f"{mark.line:5d}"
    return [f"{number} | {text}", f"{' ' * len(number)} | {' ' * (column - 1)}{carets}"]


def _clipped(text: str, column: int, width: int = 100) -> tuple[str, int]:
    """Cuts a long line to the part around the column, and moves the column along."""
    if len(text) <= width:
        return text, column
    start = max(0, min(column - width // 2, len(text) - width))
    return text[start : start + width], column - start


_LONGEST_WORD = 100
"""Comparing takes the product of the lengths; no key or name is longer."""
_FEWEST_LETTERS = 3
"""Any two words of fewer letters are a slip apart."""
_LETTERS_PER_SLIP = 8
"""A word of up to 7 letters may have one slip, of up to 15 two: `crosses` is not `classes`."""
_LONGEST_PLURAL = 2
"""Letters that an ending adds: `layers`, `classes`."""
_ENDING = r"\.[A-Za-z0-9]{1,8}$"


def closest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word that `word` most likely stands for, or None if none is near.

    Near is: the same but for case and separators, a slip of the fingers, or the known word cut
    short (`acc`, `squared_error` without `mean_`). A word that only shares letters is not, nor one
    with another number in it. The ending that two file names share tells nothing.
    """
    from difflib import SequenceMatcher

    if len(word) > _LONGEST_WORD:
        return None
    names = list(known)
    ranked = [
        (slips, -SequenceMatcher(None, word, name).ratio(), name)
        for name in names
        if (slips := _slips(_folded(word, name), _folded(name, word))) is not None
    ]
    return min(ranked)[2] if ranked else _cut_short(word, names)


def did_you_mean(near: object, otherwise: str | None = None) -> str | None:
    """Returns the hint that names what was most likely meant; if nothing is near, the other one."""
    return f"did you mean {near}?" if near else otherwise


def without_separators(word: str) -> str:
    """Returns a word in small letters, without what stands between its parts."""
    return re.sub("[-_ ]", "", word.lower())


def _folded(word: str, beside: str) -> str:
    """Returns the letters that tell a word from another one."""
    ending = re.search(_ENDING, word)
    if ending is not None and beside.endswith(ending[0]):
        word = word.removesuffix(ending[0])
    return without_separators(word)


def _slips(word: str, name: str) -> int | None:
    """Counts letters that are missing, added, wrong or swapped; None if they are too many.

    None too where a number differs (`x5`, `x6`): whoever writes a number means it.
    """
    if word == name:
        return 0
    shorter, longer = sorted((len(word), len(name)))
    most = shorter // _LETTERS_PER_SLIP + 1
    if shorter < _FEWEST_LETTERS or re.sub(r"\D", "", word) != re.sub(r"\D", "", name):
        return None
    if (
        len(name) > _FEWEST_LETTERS
        and word.startswith(name)
        and longer - shorter <= _LONGEST_PLURAL
    ):
        return 1
    if longer - shorter > most:
        return None
    before: list[int] = []
    row = list(range(len(name) + 1))
    for i, letter in enumerate(word, 1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(name, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == name[j - 2] and word[i - 2] == other:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1] if row[-1] <= most else None


def _cut_short(word: str, names: Iterable[str]) -> str | None:
    """Returns the name that begins with the word, or else the one that has all of its parts.

    Where several do, it is none of them, unless they all begin with the shortest.
    """
    folded = word.lower().replace("-", "_")
    if len(folded) < _FEWEST_LETTERS:
        return None
    listed = sorted(names, key=len)
    begun = [name for name in listed if name.lower().replace("-", "_").startswith(folded)]
    if begun and all(name.startswith(begun[0]) for name in begun):
        return begun[0]
    around = [name for name in listed if _has_parts(name.lower(), folded)]
    return around[0] if len(around) == 1 else None


def _has_parts(name: str, word: str) -> bool:
    """Tells whether a name has the parts of the word in their order, and little beside them."""
    parts = iter(name.split("_"))
    return 2 * len(word) >= len(name) and all(part in parts for part in word.split("_"))


_LINE_LIMIT = 160
"""Two lines of a terminal; what libraries say can be pages."""
_FRAME = (
    r"\s*(File \"|Graph execution error:|Detected at node |Exception encountered when calling \S+$)"
)
_INTERNAL = r"\x1b\[\d*m|\{\{.*?\}\}|\s*\[Op:.*"
"""Colours, nodes of a graph, and the operation that TensorFlow adds at the end of a message."""


def first_line(error: BaseException) -> str:
    """Returns what a library said as one line, without its traces and internal names."""
    lines = (re.sub(_INTERNAL, "", line).strip() for line in str(error).splitlines())
    text = next(
        (line for line in lines if line and not re.match(_FRAME, line)), type(error).__name__
    )
    return text if len(text) <= _LINE_LIMIT else text[: _LINE_LIMIT - 1] + "…"


def unfit_rows(error: BaseException, where: str = "") -> DataError:
    """Returns the error for rows with which a library cannot run the model.

    Args:
        error: What the library says.
        where: Words for the layer that cannot be run, to be put before that.
    """
    return DataError(
        f"the model cannot be run on these rows: {where}{first_line(error)}",
        hint="compare them with other rows of the training",
    )
