"""The marks of a class: by the checks, by rank where that counts; and what each student is told."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dl.course.checks import points
from dl.course.exercise import Exercise, in_language
from dl.course.grading import Graded
from dl.course.submissions import safe_name
from dl.course.words import words
from dl.data.types import Array
from dl.report.html import Filled, document, filled
from dl.stats import LEVEL, holm, mcnemar, paired_t_test
from dl.text import listing, number, percent, plural

_BINS = 10
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a student.

    Attributes:
        graded: What came of the answer.
        mark: The mark.
        rank: One more than the number of those that are better by more than chance; None where
            there are no scores, or of fewer rows.
        late: Whether it came after the deadline.
        equal_to: The students whose configs say the same.
    """

    graded: Graded
    mark: float
    rank: int | None
    late: bool
    equal_to: tuple[str, ...]

    @property
    def passed(self) -> int:
        """How many checks are fulfilled."""
        return sum(outcome.passed for outcome in self.graded.outcomes)


def marks_of(exercise: Exercise, results: Sequence[Graded], late: set[str]) -> list[Mark]:
    """Returns the mark of each student, in the order of the results.

    The checks give their points' share of the mark, less what `ranking` sets aside: of that, the
    best rank has all and the last one nothing. Who is late keeps the share `late` of it.
    """
    file, ranks = exercise.file, ranked({each.name: each.scores for each in results})
    lowest = max(ranks.values(), default=1)
    same: dict[str, list[str]] = {}
    for each in results:
        if each.config:
            same.setdefault(each.config, []).append(each.name)
    found = []
    for each in results:
        mark, rank = 0.0, ranks.get(each.name)
        if each.status == "graded":
            mark = points(exercise, each.outcomes) * (1 - file.ranking / file.marks)
            if rank is not None:
                mark += file.ranking * (1 - (rank - 1) / max(1, lowest - 1))
        is_late = each.name in late
        mark = round(mark * (file.late if is_late else 1), 2)
        equal = tuple(name for name in same.get(each.config, ()) if name != each.name)
        found.append(Mark(each, mark, rank, is_late, equal))
    return found


def ranked(scores: Mapping[str, Sequence[float]]) -> dict[str, int]:
    """Returns the rank of each by its scores row by row; equal where a difference may be chance.

    One is better than another by McNemar's test where rows are right or wrong, else by the t-test
    of the differences; corrected by Holm for all that one is compared with. Who leaves rows out has
    no rank.
    """
    most = max(map(len, scores.values()), default=0)
    names = [name for name, own in scores.items() if own and len(own) == most]
    rows = np.array([scores[name] for name in names], np.float64)
    if not names:
        return {}
    is_right = bool(np.isin(rows, (0, 1)).all())
    ahead = rows @ (1 - rows).T if is_right else np.empty(0)  # [i, j]: rows that i alone has right
    known: dict[tuple[int, int], float] = {}

    def p_value(place: int, other: int) -> float:
        if not is_right:
            change: Array = rows[other] - rows[place]
            return paired_t_test(change) if change.any() else 1.0
        pair = int(ahead[other, place]), int(ahead[place, other])
        if pair not in known:
            known[pair] = mcnemar(*pair)
        return known[pair]

    means, found = rows.mean(axis=1), {}
    for place, name in enumerate(names):
        others = [other for other in range(len(names)) if other != place]
        corrected = holm([p_value(place, other) for other in others])
        better = [
            other
            for other, p in zip(others, corrected, strict=True)
            if p is not None and p < LEVEL and means[other] > means[place]
        ]
        found[name] = 1 + len(better)
    return found


def marks_csv(exercise: Exercise, marks: Sequence[Mark]) -> str:
    """Returns the table of marks; a name that a spreadsheet would compute gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for place, each in enumerate(marks):
        cells = {
            "name": each.graded.name,
            "mark": f"{each.mark:g}",
            "of": f"{exercise.file.marks:g}",
            "rank": each.rank or "",
            "passed": each.passed,
            "checks": len(exercise.file.checks),
            "status": each.graded.status,
            "late": "late" if each.late else "",
            "equal_to": " ".join(each.equal_to),
            "seconds": each.graded.seconds,
        }
        if not place:
            writer.writerow(cells)
        shown = cells.values()
        writer.writerow([f"'{c}" if str(c).startswith(_FORMULA) else c for c in shown])
    return out.getvalue()


def feedback(exercise: Exercise, mark: Mark, language: str) -> str:
    """Returns what a student is told, as Markdown: nothing of checks that are hidden."""
    said, graded = words(language), mark.graded
    title = in_language(exercise.file.title, language)
    of = f"{mark.mark:g} {said['of']} {exercise.file.marks:g}"
    lines = [f"# {_plain(title)}", "", f"{said['mark']}{said['colon']} {of}"]
    if mark.late:
        lines += ["", f"{said['late']}."]
    if graded.status != "graded":
        # Indented lines are shown as they are.
        problem = [f"    {line}" for line in graded.problem.splitlines()]
        lines += ["", f"{said['not_graded']}{said['colon']}", "", *problem]
        return "\n".join(lines) + "\n"
    lines += [""]
    missed = False
    for check, outcome, line in zip(
        exercise.file.checks, graded.outcomes, graded.lines, strict=True
    ):
        if check.hidden:
            continue
        where = f", {said['line']} {line}" if line else ""
        lines.append(
            f"- {'✓' if outcome.passed else '✗'} `{outcome.asked}` "
            f"({said['found']}{said['colon']} `{_plain(outcome.found)}`{where})"
        )
        if not outcome.passed:
            missed = True
            lines.append(f"  {_plain(in_language(check.miss, language))}")
    if any(check.hidden for check in exercise.file.checks):
        lines += ["", said["more"]]
    if missed and exercise.file.hints:
        hint = _plain(in_language(exercise.file.hints[0], language))
        lines += ["", f"{said['hint']}{said['colon']} {hint}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def missed_most(exercise: Exercise, marks: Sequence[Mark]) -> list[tuple[str, int, int]]:
    """Returns each check, who missed it and out of how many, the one that most miss first."""
    graded = [each.graded for each in marks if each.graded.outcomes]
    found = [
        (
            f"{check.asked}{' (hidden)' if check.hidden else ''}",
            sum(not each.outcomes[place].passed for each in graded),
            len(graded),
        )
        for place, check in enumerate(exercise.file.checks)
    ]
    return sorted(found, key=lambda each: -each[1])


def summary(exercise: Exercise, marks: Sequence[Mark]) -> str:
    """Returns in a few lines how a class did."""
    values = [each.mark for each in marks]
    counts = Counter(each.graded.status for each in marks)
    late, equal = sum(each.late for each in marks), sum(bool(each.equal_to) for each in marks)
    states = [f"{count} {status}" for status, count in counts.most_common()]
    states += [f"{late} late"] if late else []
    lines = [
        f"{plural(len(marks), 'submission')}: {listing(states, '')}",
        f"marks of {exercise.file.marks:g}: {min(values):g} to {max(values):g}, "
        f"median {np.median(values):g}",
    ]
    asked, missed, of = missed_most(exercise, marks)[0]
    if missed:
        lines.append(f"missed most: {asked}, by {missed} of {of} ({percent(missed / of)})")
    if equal:
        lines.append(f"{equal} say the same as another one: see equal_to")
    return "\n".join(lines)


def report_page(exercise: Exercise, marks: Sequence[Mark], language: str) -> str:
    """Returns the page for the teacher: distribution, checks, all marks with their feedback."""
    top = exercise.file.marks
    places = [min(_BINS - 1, int(each.mark / top * _BINS)) for each in marks]
    bins = [
        (f"{number(top * i / _BINS, 3)} to {number(top * (i + 1) / _BINS, 3)}", places.count(i))
        for i in range(_BINS)
    ]
    told = [
        (each, f"student-{safe_name(each.graded.name)}", feedback(exercise, each, language))
        for each in marks
    ]
    missed = missed_most(exercise, marks)
    sections: list[Filled] = [
        filled(
            "grades",
            "Marks",
            bins=bins,
            told=told,
            missed=missed,
            top=top,
            lines=summary(exercise, marks).splitlines(),
        )
    ]
    title = f"{_plain(in_language(exercise.file.title, language))}: marks"
    return document("base.html", title, sections)
