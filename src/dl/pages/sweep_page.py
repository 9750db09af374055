"""The page of a sweep: its leaderboard, the objective over time, learning curves, pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from dl.browse.select import shown
from dl.pages.charts import Chart, line
from dl.pages.document import Filled, document, filled
from dl.pages.pictures import png_uri
from dl.runs.files import read_regular
from dl.sweep.ranking import METHOD, paths_of
from dl.sweep.results import Results

_MOST_CURVES = 10
_DRAWN_HERE = frozenset({"objective", "learning_curves"})
"""Pictures of the sweep's folder that the page has as charts."""


def sweep_page(results: Results, trainings: Sequence[Mapping[str, Any]] = ()) -> str:
    """Returns the page; it loads nothing from anywhere and works from a disk.

    Args:
        results: The sweep.
        trainings: Where the board shows it: rows of its trainings, to lead to them.
    """
    sections = _sections(results)
    if trainings:
        sections.append(filled("trainings", "Trainings", {"trials": trainings}))
    return document("sweep.html", results.directory.label, sections, record=results.record)


def leaderboard_table(results: Results) -> dict[str, Any]:
    """Returns the leaderboard: its header, and a row of texts for each setting."""
    paths = paths_of(results.trials)
    header = ["rank", "trial", results.record.terms.goal.metric, "spread", *paths, "verdict"]
    rows = []
    for trial in results.trials:
        *cells, verdict = trial.cells(paths, shown)
        rows.append([*cells, trial.error or verdict])
    return {"header": header, "rows": rows}


def _sections(results: Results) -> list[Filled]:
    method = METHOD if results.record.terms.runs > 1 else ""
    values = {
        "board": leaderboard_table(results),
        "method": method,
        "trivial": _trivial(results),
        "torn": results.torn,
    }
    sections = [filled("leaderboard", "Settings", values)]
    charts = list(_charts(results))
    if charts:
        sections.append(filled("learning", "Objective", {"charts": charts}))
    pictures = list(_pictures(results))
    if pictures:
        sections.append(filled("pictures", "Parameters", {"pictures": pictures}))
    return sections


def _trivial(results: Results) -> str:
    return "" if results.baseline is None else f"{results.baseline:.5g}"


def _charts(results: Results) -> Iterator[Chart]:
    goal = results.record.terms.goal
    whole = [trial for trial in results.trials if trial.rank is not None]
    if not whole:
        return
    by_number = sorted(whole, key=lambda trial: trial.trial)
    numbers = [trial.trial for trial in by_number]
    scores = [trial.mean for trial in by_number]
    best = list(accumulate(scores, max if goal.maximize else min))
    lines = (
        line("trial", numbers, scores, kind="points"),
        line("best so far", numbers, best, dashed=True, colour=1),
    )
    yield Chart("Objective over time", "trial", goal.metric, lines)
    note = "" if len(whole) <= _MOST_CURVES else f"The best {_MOST_CURVES} of {len(whole)} trials."
    curves = tuple(
        line(f"trial {each.trial}", range(1, len(each.curve) + 1), each.curve, colour=colour)
        for colour, each in enumerate(whole[:_MOST_CURVES])
    )
    yield Chart("Learning curves", "epoch", goal.metric, curves, note=note)


def _pictures(results: Results) -> Iterator[tuple[str, str]]:
    """Yields the title and the address of each picture that the sweep has drawn of itself."""
    for path in sorted(results.directory.plots.glob("*.png")):
        if path.stem not in _DRAWN_HERE and path.is_file():
            yield path.stem.replace("_", " "), png_uri(read_regular(path))
