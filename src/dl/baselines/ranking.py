"""A network beside simple models on the same rows: metrics, order, and whether it is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dl.baselines.models import Answer, fitted, outputs_of
from dl.config.load import Loaded
from dl.config.rules.training import better
from dl.config.schema import Config
from dl.data.load import load_parts, read_dataset
from dl.data.predictions import answers
from dl.data.resolve import resolve_config
from dl.data.target import Target
from dl.data.trivial import called, constant, in_words, reached
from dl.data.types import Array, Part
from dl.errors import DataError, UsageError
from dl.model import keras
from dl.model.build import compile_model
from dl.predict.evaluate import Forward, SavedRun, evaluate
from dl.progress import Reporter
from dl.report.compare import ERROR, Scores, judge, scores_of
from dl.report.ranking import Ranking, Standing, Verdict
from dl.rundir.query import JUDGING_PARTS
from dl.vocabulary.spec import Findings

_MOST_ROWS = 100_000
_MOST_NUMBERS = 2e7
"""What is answered: more rows tell nothing more of a difference, and take minutes."""


def rank_config(loaded: Loaded, reporter: Reporter) -> Ranking:
    """Returns what simple models reach on the data of a config.

    Raises:
        DlError: The data cannot be used, or there is nothing to compare.
    """
    dataset = read_dataset(loaded, reporter)
    try:
        config, target = resolve_config(loaded.config, dataset), dataset.target
    except Findings as error:
        raise loaded.error(error.findings) from error
    _refuse_embedding(config, target)
    last = target.units or 1
    return _Bench(config, target, dataset.parts, (*target.places, last), reporter).rank()


def rank_run(saved: SavedRun, reporter: Reporter) -> Ranking:
    """Returns where a run stands among simple models on the run's own data.

    Raises:
        DlError: The data cannot be used any more, or there is nothing to compare.
    """
    config, target = saved.config, saved.preprocessing.target
    _refuse_embedding(config, target)
    parts = load_parts(config, saved.preprocessing, reporter)
    shape = tuple(saved.model.output_shape[1:])
    return _Bench(config, target, parts, shape, reporter).rank(saved)


def _refuse_embedding(config: Config, target: Target) -> None:
    if target.quantiles:
        raise UsageError(
            "the simple models predict a number, not several quantiles of it",
            expected="a network with one answer for a row",
            hint="the result stands beside the quantiles of the training part: `dl evaluate RUN`",
        )
    if target.units is None:
        raise UsageError(
            f"no simple model answers as this network does: the outputs of the loss "
            f"{config.training.loss.type} name no class or number of a row",
            expected="a network whose outputs are classes, labels or numbers",
        )


def unchanged(shape: tuple[int, ...], config: Config, target: Target) -> keras.Sequential:
    """Returns a model that takes outputs for inputs, so that any model's are measured by it."""
    identity = keras.layers.Identity(dtype="float32")
    model = keras.Sequential([keras.Input(shape), identity])
    compile_model(model, config, target)
    return model


class _Bench:
    """Measures all models on the rows of one part, by one compiled model that changes nothing."""

    def __init__(
        self,
        config: Config,
        target: Target,
        parts: dict[str, Part],
        shape: tuple[Any, ...],
        reporter: Reporter,
    ) -> None:
        self._name = next((name for name in JUDGING_PARTS[:2] if name in parts), "")
        if not self._name:
            raise DataError(
                "there are no rows to compare models on: all of them train",
                expected="a test or validation part",
                hint="give it rows: data.split.test above 0",
            )
        whole = parts[self._name]
        width = int(np.prod(whole.x.shape[1:]))
        self._part_rows = len(whole)
        self._part = whole.sample(int(min(_MOST_ROWS, max(1, _MOST_NUMBERS / width))))
        self._train, self._config, self._target = parts["train"], config, target
        self._reporter = reporter
        # An open axis of the network's output has the length that the rows give it.
        self._shape = shape if None not in shape else tuple(self._part.y.shape[1:])
        self._same = unchanged(self._shape, config, target)

    def rank(self, saved: SavedRun | None = None) -> Ranking:
        network, left_out = saved.run.label if saved else None, dict[str, str]()
        constant_answer = constant(self._train, self._target, self._config.training.loss.type)
        said = [self._trivial(constant_answer)]
        said += [Answer(name, own, 0, 0.0) for name, own in self._part.forecasts.items()]
        with self._reporter.stage("Fitting simple models"):
            said += fitted(self._train, self._part, self._target, self._config, left_out)
        with self._reporter.stage("Evaluating"):
            standings = [self._standing(answer) for answer in said]
            # Its decision is for the commonest class, whatever a threshold makes of the fractions.
            own_metrics = reached(constant_answer, self._part, self._target, self._config)
            standings[0].metrics.update(own_metrics)
            verdicts: Sequence[Verdict] = ()
            if saved is not None:
                own = Answer(saved.run.label, Forward(saved.model)(self._part.x), 0, 0.0)
                standings.append(Standing(own.name, self._measured(own)))
                verdicts = self._verdicts(own, said)
        metric, order = self._ordered(standings)
        by_model = {verdict.model: verdict for verdict in verdicts}
        return Ranking(
            network=network,
            part=self._name,
            rows=len(self._part),
            part_rows=self._part_rows,
            train_rows=len(self._train),
            ranked_by=metric,
            models=tuple(order),
            verdicts=tuple(by_model[each.name] for each in order if each.name in by_model),
            left_out=left_out,
        )

    def _trivial(self, answer: Array) -> Answer:
        outputs = outputs_of(answer[np.newaxis], self._target)
        shape = (len(self._part), *self._target.places)
        if self._target.form == "numbers":
            shape = (len(self._part), *answer.shape)
        else:
            outputs = outputs.reshape(1, *(1 for _ in self._target.places), -1)
            shape = (*shape, outputs.shape[-1])
        words = called(self._target) or in_words(answer, self._target)
        return Answer(words, np.broadcast_to(outputs, shape), 0, 0.0)

    def _standing(self, answer: Answer) -> Standing:
        fitted = bool(answer.rows)
        rows, seconds = (answer.rows, round(answer.seconds, 3)) if fitted else (None, None)
        return Standing(answer.name, self._measured(answer), rows, seconds)

    def _measured(self, answer: Answer) -> dict[str, float]:
        return evaluate(self._same, replace(self._part, x=self._shaped(answer)), self._config)

    def _shaped(self, answer: Answer) -> Array:
        return answer.outputs.reshape(len(self._part), *self._shape)

    def _scores(self, answer: Answer) -> Scores | None:
        part = self._part
        y, weights = part.targets()
        said = answers(y, self._shaped(answer), self._target, weights)
        return scores_of(said, self._target.task)

    def _verdicts(self, own: Answer, others: Sequence[Answer]) -> list[Verdict]:
        mine = self._scores(own)
        scored = {other.name: self._scores(other) for other in others}
        known = {name: scores for name, scores in scored.items() if scores is not None}
        if mine is None:
            return []
        found = []
        for judged in judge(mine, known):
            sign = 1 if judged.measure == ERROR else -1  # the difference is that of the other
            low, high = sorted((sign * judged.low, sign * judged.high))
            found.append(
                Verdict(
                    model=judged.run,
                    measure=judged.measure,
                    gain=sign * judged.difference,
                    low=low,
                    high=high,
                    level=judged.level,
                    p=judged.p,
                    real=judged.real,
                )
            )
        return found

    def _ordered(self, standings: list[Standing]) -> tuple[str, list[Standing]]:
        """Returns the metric that tells most, and the models by it; NaN comes last."""
        names = list(standings[0].metrics)
        metric = names[min(1, len(names) - 1)]
        way = better(self._config.training, metric)
        metric = metric if way else "loss"
        sign = -1 if way == "max" else 1

        def place(standing: Standing) -> tuple[bool, float]:
            value = sign * standing.metrics[metric]
            return bool(np.isnan(value)), value

        return metric, sorted(standings, key=place)
