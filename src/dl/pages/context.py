"""Everything that is known of a run, read once for all sections of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dl.browse.entries import Entry, read_entry
from dl.browse.settings import Settings, read_settings
from dl.data.dataset import read_preprocessing
from dl.data.judged import read_answers
from dl.data.one_answer import one_answer
from dl.data.targets.answers import Answers
from dl.data.types import DataInfo
from dl.pages.facts import Facts, read_facts
from dl.report.input import PlotInput
from dl.runs.directory import RunDirectory
from dl.runs.history import read_history


@dataclass(frozen=True, slots=True)
class Context:
    """A run, as its page shows it.

    Attributes:
        entry: The run with its record and metrics.
        settings: Every value of the resolved config by its path.
        history: Rows of `history.csv`.
        facts: What the training kept for the report; empty if nothing.
        judged: The model's answers; None if they were not kept.
        info: What is known about the data.
        cut: The threshold of probabilities in force.
        one_answer: What the model answers always, in words; empty if its answers differ.
    """

    entry: Entry
    settings: Settings
    history: Sequence[Mapping[str, float]]
    facts: Facts
    judged: PlotInput | None
    info: DataInfo
    cut: float
    one_answer: str


def read_context(run: RunDirectory) -> Context:
    """Reads a run.

    Raises:
        RunError: A file of it is damaged.
    """
    fitted = read_preprocessing(run)
    info = fitted.info
    history = read_history(run) if run.history.exists() else []
    answered = read_answers(run, fitted.target)
    return Context(
        entry=read_entry(run),
        settings=read_settings(run),
        history=history,
        facts=read_facts(run),
        judged=None if answered is None else _judged(run, info, history, answered),
        info=info,
        cut=fitted.target.cut,
        one_answer=one_answer(answered, fitted.target),
    )


def _judged(
    run: RunDirectory,
    info: DataInfo,
    history: Sequence[Mapping[str, float]],
    answered: tuple[str, Answers],
) -> PlotInput:
    part, said = answered
    return PlotInput(
        name=run.label,
        history=history,
        task=info.task,
        classes=info.classes,
        targets=info.targets,
        part=part,
        y_true=said.true,
        predictions=said.predicted,
        probabilities=said.probabilities,
        places=said.places,
    )
