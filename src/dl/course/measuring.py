"""Trains an answer, and measures all that a check can ask."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice, pairwise
from pathlib import Path

import numpy as np

from dl.config.load import Loaded
from dl.config.schema import document_of
from dl.course.checks import Facts
from dl.data.dataset import Dataset
from dl.data.load import Datasets, load_part
from dl.data.predictions import answers
from dl.data.types import Array, Part
from dl.errors import DlError, RunError
from dl.predict.evaluate import Forward, evaluate
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory
from dl.stats import mcnemar
from dl.training import workflow
from dl.training.programs import Programs
from dl.training.setup import Prepared, prepare

_MOST_WEIGHTS = 100
"""Weights that have a name of their own; those of a larger network say nothing one by one."""


class Examiner:
    """Trains answers in this process; data are read once, and what was traced is used again."""

    def __init__(self, datasets: Datasets | None = None) -> None:
        self.datasets = Datasets() if datasets is None else datasets
        self._programs = Programs()

    def examine(
        self,
        loaded: Loaded,
        runs: Path,
        reporter: Reporter,
        *,
        hidden_rows: Path | None = None,
        stop_signal: Callable[[], int | None] = lambda: None,
    ) -> tuple[RunDirectory, Facts]:
        """Trains a config in a new run below `runs`, and returns the run and what it is worth.

        Args:
            loaded: The config.
            runs: The folder of all runs.
            reporter: Is told what happens.
            hidden_rows: A file of labelled rows that is measured, too: `hidden`.
            stop_signal: Gives the number of the signal that asked to stop, or None.

        Raises:
            DlError: The data cannot be used, or the training did not end well.
        """
        dataset = self.datasets.get(loaded, reporter)
        prepared = self._programs.use(prepare(loaded, dataset, reporter, runs=runs))
        trained = workflow.train(
            prepared,
            workflow.RunLocation(runs, loaded.config.name),
            reporter,
            command=("dl", "course", "check", loaded.config.name, str(loaded.path)),
            hooks=workflow.Hooks(stop_signal=stop_signal),
        )
        parts = dataset.parts
        if hidden_rows is not None:
            parts["hidden"] = _hidden(prepared, hidden_rows, reporter)
        return trained.run, _facts(prepared, trained.history, trained.metrics, parts)


def _hidden(prepared: Prepared, rows: Path, reporter: Reporter) -> Part:
    """Returns rows that nobody is to see; neither are they in the error, a `RunError`."""
    try:
        return load_part(prepared.config, prepared.dataset.preprocessing, rows, reporter)
    except DlError:
        raise RunError(
            "the network cannot be measured on rows that it was not shown",
            hint="prepare them so that other values than those of the training part are taken",
        ) from None


def _facts(
    prepared: Prepared,
    history: list[dict[str, float]],
    metrics: Mapping[str, Mapping[str, float]],
    parts: Mapping[str, Part],
) -> Facts:
    model, numbers, chance, scores = prepared.model, dict(_of_network(prepared, history)), {}, ()
    for name, part in parts.items():
        measured = metrics.get(name) or evaluate(model, part, prepared.config)
        numbers |= {f"{name}.{metric}": value for metric, value in measured.items()}
        right = _scores(prepared, part)
        if right is None:
            continue
        scores = tuple(right.tolist())
        if prepared.dataset.target.form != "numbers":
            numbers[f"{name}.errors"] = float(len(right) - right.sum())
            chance[f"{name}.accuracy"] = _chance(prepared.dataset, part, right)
    return Facts(numbers, chance, document_of(prepared.config), scores)


def _of_network(prepared: Prepared, history: list[dict[str, float]]) -> Iterator[tuple[str, float]]:
    losses = [row["loss"] for row in history]
    yield "parameters", float(prepared.model.count_params())
    yield "layers", float(len(prepared.model.layers))
    yield "epochs", float(len(history))
    yield "loss_ratio", losses[-1] / losses[0] if losses[0] else math.nan
    yield "loss_rises", float(sum(b > a for a, b in pairwise(losses)))
    flat = chain.from_iterable(np.ravel(weight) for weight in prepared.model.get_weights())
    for place, value in enumerate(islice(flat, _MOST_WEIGHTS)):
        yield f"weights.{place}", float(value)


def _said(prepared: Prepared, part: Part, outputs: Array) -> tuple[Array, Array] | None:
    """Returns what is true and what is said, shape (rows, places); None where no output can be."""
    y, weights = part.targets()
    found = answers(y, outputs, prepared.dataset.target, weights)
    if found.predicted is None:
        return None
    return found.true.reshape(len(part), -1), found.predicted.reshape(len(part), -1)


def _scores(prepared: Prepared, part: Part) -> Array | None:
    """Returns how right each row is, shape (rows,): wholly, 1, or not, 0; or less the error."""
    pair = _said(prepared, part, Forward(prepared.model)(part.x))
    if pair is None:
        return None
    true, said = pair
    if prepared.dataset.target.form == "numbers":
        return np.asarray(-np.abs(true - said).mean(axis=1), np.float64)
    return np.asarray((true == said).all(axis=1), np.float64)


def _chance(dataset: Dataset, part: Part, right: Array) -> float:
    """Returns the p-value of an accuracy against that of always the commonest training row."""
    both = (dataset.train, part)
    train, true = (np.asarray(each.targets()[0]).reshape(len(each), -1) for each in both)
    rows, counts = np.unique(train, axis=0, return_counts=True)
    guessed = (true == rows[counts.argmax()]).all(axis=1)
    gained = int((right.astype(bool) & ~guessed).sum())
    lost = int((~right.astype(bool) & guessed).sum())
    return mcnemar(gained, lost) if gained > lost else 1.0
