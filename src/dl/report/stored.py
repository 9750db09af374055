"""A run as its directory knows it: with `facts.json`, which a training leaves for its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from dl.data.dataset import Dataset, read_preprocessing
from dl.data.drift import read_summaries
from dl.data.predictions import Answers, one_answer, read_answers
from dl.data.profile import DataProfile, profile_of
from dl.data.recording import Recording
from dl.data.types import Part
from dl.inspect import LayerRow, NetworkStatistics, WeightRow
from dl.report.facts import RunFacts, answer_facts
from dl.report.ranking import Audit, Ranking, read_audit, read_ranking
from dl.report.rows import (
    ColumnRow,
    Example,
    ShownRow,
    column_rows,
    examples_of,
    means_of,
    mistakes_of,
)
from dl.report.scrubber import Scrubber, scrubber_of
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import publish
from dl.rundir.query import Entry, read_entry
from dl.rundir.record import read_history, read_json


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """`facts.json`: what only the training knew. A run of an earlier version may lack some of it.

    Attributes:
        layers: The layers, from input to output.
        weights: Their weights.
        signals: What the layers say about some training rows.
        glance: The data.
        examples: Some rows of the judged part, where they are pictures.
        means: The mean picture of each class in the training part.
        mistakes: Rows of it on which the model is most wrong.
        others: Some more rows of it, of each kind of answer, to be picked.
        scrubber: The training, epoch by epoch.
    """

    layers: tuple[LayerRow, ...] = ()
    weights: tuple[WeightRow, ...] = ()
    signals: NetworkStatistics | None = None
    glance: DataProfile | None = None
    examples: tuple[Example, ...] = ()
    means: tuple[Example, ...] = ()
    mistakes: tuple[ShownRow, ...] = ()
    others: tuple[ShownRow, ...] = ()
    scrubber: Scrubber | None = None


@dataclass(frozen=True, slots=True)
class Network:
    """What the training knew of its network.

    Attributes:
        layers: The rows of its summary.
        weights: Its weights.
        signals: What its layers say about some training rows.
        recording: What it said of some validation rows, epoch by epoch.
    """

    layers: Sequence[LayerRow]
    weights: Sequence[WeightRow]
    signals: NetworkStatistics
    recording: Recording | None = None


def write_training_facts(
    run: RunDirectory, facts: RunFacts, dataset: Dataset, part: Part, network: Network
) -> None:
    """Publishes what only the training knows; raises `DiskError`.

    Args:
        run: Where to.
        facts: The run, with the rows of `part`.
        dataset: The data of the training.
        part: The rows of the part that tells most.
        network: The network.
    """
    mistakes, others = mistakes_of(facts, part, dataset.preprocessing)
    known = TrainingFacts(
        tuple(network.layers),
        tuple(network.weights),
        network.signals,
        glance=profile_of(dataset),
        examples=tuple(examples_of(facts)),
        means=tuple(means_of(dataset)),
        mistakes=tuple(mistakes),
        others=tuple(others),
        scrubber=scrubber_of(facts, dataset, network.recording),
    )
    publish(run.facts, json.dumps(asdict(known), ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as its directory knows it, read once for its page.

    Attributes:
        entry: The run with its record and metrics.
        facts: What was measured of it; without rows if the model's answers were not kept.
        training: What the training kept for the report.
        input_shape: Shape of a row, as the network takes it.
        one_answer: What the model answers always, in words; empty if its answers differ.
        comes_back: Whether the inputs are the target.
        columns: The columns of a table in the training part; empty if they were not kept.
        ranking: Where the run stands among simple models, if that was asked.
        audit: Where its data leak, if that was asked.
    """

    entry: Entry
    facts: RunFacts
    training: TrainingFacts
    input_shape: tuple[int | None, ...]
    one_answer: str
    comes_back: bool = False
    columns: Sequence[ColumnRow] = ()
    ranking: Ranking | None = None
    audit: Audit | None = None


def read_stored_run(run: RunDirectory) -> StoredRun:
    """Reads a run.

    Raises:
        RunError: A file of it is damaged.
    """
    fitted = read_preprocessing(run)
    answered = read_answers(run, fitted.target)
    part, answers = answered or ("", Answers(np.zeros(0), None, None))
    history = read_history(run) if run.history.exists() else []
    training = read_json(run.facts, TrainingFacts) if run.facts.exists() else TrainingFacts()
    drawn = {one.name: one for one in (training.glance.columns if training.glance else ())}
    entry, known = read_entry(run), answer_facts(answers, fitted)
    simple = entry.record.trivial.by_step(part) if entry.record.trivial else {}
    return StoredRun(
        entry=entry,
        facts=RunFacts(name=run.label, history=history, part=part, simple=simple, **known),
        training=training,
        input_shape=fitted.input_shape,
        one_answer=one_answer(answered, fitted.target),
        comes_back=run.errors.exists(),
        columns=column_rows(read_summaries(run, fitted.kinds) or (), drawn),
        ranking=read_ranking(run),
        audit=read_audit(run),
    )
