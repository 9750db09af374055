"""How errors look on the terminal: plain text, the same with and without colour."""

from __future__ import annotations

from dl.errors import DlError, Mark, Problem

MOST_PROBLEMS = 20
_UNSHOWN = {"\t": " "}
"""What stands for a character that a terminal would obey; one for one, so that the places stay."""


def error_text(error: DlError) -> str:
    """Returns the full text of an error: every problem in the order of its place, then a count."""
    problems = sorted(error.problems, key=_place)
    shown = [problem_text(problem) for problem in problems[:MOST_PROBLEMS]]
    left = len(problems) - len(shown)
    if left:
        shown.append(f"... and {left} more error{'s' if left > 1 else ''}")
    return "\n\n".join(shown)


def printable(text: str) -> str:
    """Returns a text with escapes for what a terminal would obey: names can hold anything."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def problem_text(problem: Problem) -> str:
    """Returns one problem: place and message, the line underlined, expected, found, hint."""
    place = f"{problem.mark}: " if problem.mark else ""
    lines = [f"error: {place}{problem.message}"]
    if problem.mark is not None:
        lines += excerpt(problem.mark)
    labelled = {"expected": problem.expected, "found": problem.found, "hint": problem.hint}
    lines += [f"{label}: {text}" for label, text in labelled.items() if text is not None]
    return "\n".join(lines)


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


def _place(problem: Problem) -> tuple[str, int, int]:
    mark = problem.mark
    if mark is None:
        return ("", 0, 0)
    return (mark.source, mark.line or 0, mark.column or 0)
