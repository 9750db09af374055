"""The page of a sweep: its best setting, how the others compare, and what they were."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from dl.errors import RunError
from dl.report import charts
from dl.report.axes import coordinates, text_of
from dl.report.charts import VALIDATION, SweepFacts
from dl.report.html import document, filled
from dl.rundir.directory import TRIALS, trial_name
from dl.rundir.record import read_metrics
from dl.stats import LEVEL
from dl.sweeps.results import (
    ALIKE,
    METHOD,
    NOT_TESTED,
    UNSURE,
    Results,
    TrialSummary,
    paths_of,
    setting_text,
    short_names,
)
from dl.text import measured, number, percent, plural
from dl.vocabulary.labels import column_label

_MOST_CURVES = 10
_ASSETS = ("board.css", "live.js", "parallel.js")
_SPREAD = 3
"""The place of the spread among the cells of a trial."""


def sweep_page(results: Results, trainings: Sequence[Mapping[str, Any]] = ()) -> str:
    """Returns the page of a sweep: its best setting, leaderboard and charts.

    Args:
        results: The sweep.
        trainings: Where the board shows it: rows of its trainings, to lead to them.
    """
    facts = charts.sweep_facts(results)
    sections = []
    *varied, objective = coordinates(facts)
    if facts.ranked and varied:
        values = {"data": _lines(facts), "reached": objective.title}
        sections.append(filled("coordinates", "Parameters", **values))
    board = _leaderboard(results, trainings)
    linked = any(row["links"] for row in board["rows"])
    rests_on = _rests_on(results)
    sections.append(
        filled("leaderboard", "Settings", board=board, linked=linked, rests_on=rests_on)
    )
    if facts.ranked:
        drawn = [charts.objective_chart(facts), charts.curves_chart(facts, _MOST_CURVES)]
        sections.append(filled("learning", "Objective", facts={"charts": drawn}))
    if facts.importance:
        shares = sorted(facts.importance.items(), key=lambda item: -item[1])
        rows = [(name, share, percent(share)) for name, share in shares]
        metric = column_label(facts.metric)
        sections.append(filled("importance", "Importance", rows=rows, metric=metric))
    return document(
        "sweep.html",
        results.directory.label,
        sections,
        assets=_ASSETS,
        record=results.record,
        ended=len(results.journal.ended),
        best=_best(results, trainings),
        summary=summary(results),
        live=bool(trainings),
    )


def summary(results: Results) -> str:
    """Returns what came of a sweep in a sentence or two."""
    best, whole = results.best, [trial for trial in results.trials if trial.rank]
    if best is None:
        ended = sum(trial.status != "unfinished" for trial in results.trials)
        return f"No setting is complete yet; {ended} of {results.record.trials} have ended."
    setting = setting_text(best.setting.values, text_of)
    said = f"Best of {plural(len(whole), 'complete setting')}: {setting}."
    alike = sum(trial.verdict == ALIKE for trial in whole)
    if alike:
        said += f" {alike} of {plural(len(whole) - 1, 'other')} cannot be told from it."
    if unsure := sum(trial.verdict == UNSURE for trial in whole):
        said += f" Of {unsure} there are too few trainings to tell."
    if results.record.terms.runs == 1 and len(whole) > 1:
        said += " One training each: whether it is more than chance is not tested."
    return said


def _best(results: Results, trainings: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Returns the best setting with its results, and how to take it; None before there is one."""
    best = results.best
    if best is None:
        return None
    metric = results.record.terms.goal.metric
    spread = "" if best.spread is None else f" ± {number(best.spread, 2)}"
    tiles = [(column_label(metric), measured(best.mean) + spread)]
    if tested := _tested(results, best):
        tiles.append(tested)
    if results.baseline is not None:
        tiles.append(("without learning", measured(results.baseline)))
    label = results.directory.label
    return {
        "trial": best.trial,
        "links": _links(results, best.trial, trainings),
        "tiles": tiles,
        "values": [(path, text_of(value)) for path, value in best.setting.values.items()],
        "command": f"dl sweep best {label} > best.yaml",
    }


def _tested(results: Results, trial: TrialSummary) -> tuple[str, str] | None:
    """Returns the mean of the objective's metric on the test part, if that was measured."""
    name = results.record.terms.goal.metric.removeprefix(VALIDATION)
    values = []
    for repeat in range(1, results.record.terms.runs + 1):
        try:
            metrics = read_metrics(results.directory.run(trial.trial, repeat))
        except RunError:  # damaged, as its own page tells
            continue
        values += [metrics["test"][name]] if name in metrics.get("test", {}) else []
    if not values:
        return None
    spread = f" ± {number(statistics.stdev(values), 2)}" if len(values) > 1 else ""
    return column_label(f"test.{name}"), measured(statistics.fmean(values)) + spread


def _links(
    results: Results, trial: int, trainings: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Returns the pages of a trial's trainings: text and address."""
    if trainings:
        own = _of_trial(trial, trainings)
        return [
            (row["run"].rpartition("/")[2].lstrip("0"), f"/run/{row['address']}") for row in own
        ]
    repeats = range(1, results.record.terms.runs + 1)
    return [
        (str(repeat), f"{TRIALS}/{trial_name(trial)}/{repeat:04d}/report.html")
        for repeat in repeats
        if results.directory.run(trial, repeat).report.is_file()
    ]


def _of_trial(trial: int, trainings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    folder = f"/{TRIALS}/{trial_name(trial)}/"
    return [row for row in trainings if folder in f"/{row['address']}"]


def _leaderboard(results: Results, trainings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the leaderboard: its header, and a row of texts for each setting."""
    paths, single = paths_of(results.trials), results.record.terms.runs == 1
    rows = []
    for trial in results.trials:
        *cells, verdict = trial.cells(paths, text_of)
        if single:  # one training has no spread
            del cells[_SPREAD]
        running = [
            f"{row['epochs']}/{row['planned']}"
            for row in _of_trial(trial.trial, trainings)
            if row["status"] == "running"
        ]
        state = f"running, {', '.join(running)}" if running else verdict
        rows.append(
            {
                "trial": trial.trial,
                "cells": cells,
                "links": _links(results, trial.trial, trainings),
                "verdict": trial.error or state,
                "alike": trial.verdict == ALIKE,
                "best": trial.rank == 1,
            }
        )
    metric = column_label(results.record.terms.goal.metric)
    header = [("rank", ""), ("trial", ""), (metric, ""), ("spread", "")]
    header += list(zip(short_names(paths), paths, strict=True))
    if single:
        del header[_SPREAD]
    told = any(row["verdict"] not in ("best", NOT_TESTED) for row in rows)
    return {"header": header, "rows": rows, "told": told}


def _rests_on(results: Results) -> list[str]:
    """Returns what the verdicts rest on, what learns nothing has, and what is lacking."""
    tested = f"Differences to the best: {METHOD}, at a level of {percent(LEVEL)}."
    untested = "Differences are not tested: with `repeats: 3` or `folds: 5` they are."
    said = [tested if results.record.terms.runs > 1 else untested]
    if results.cannot_tell:
        said.append(f"{UNSURE.capitalize()}: {results.cannot_tell}.")
    if results.baseline is not None:
        said.append(f"An answer that learns nothing has {number(results.baseline)}.")
    return [*said, results.torn] if results.torn else said


def _lines(facts: SweepFacts) -> dict[str, Any]:
    """Returns axes and lines of the parallel coordinates, for the script that draws them."""
    axes = coordinates(facts)
    ranks = {trial.trial: rank for rank, trial in enumerate(facts.ranked[::-1])}
    last = max(1, len(ranks) - 1)
    return {
        "axes": [{"title": axis.title, "ticks": axis.ticks, "scale": axis.scale} for axis in axes],
        "lines": [
            {
                "trial": trial.trial,
                "order": ranks.get(trial.trial, 0) / last,
                "best": trial is facts.ranked[0],
                "pruned": trial.status == "pruned",
                "reached": measured(trial.mean),
                "setting": setting_text(trial.setting.values, text_of),
                "places": [axis.places[at] for axis in axes],
            }
            for at, trial in enumerate(facts.trials)
        ],
    }
