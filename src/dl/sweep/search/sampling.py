"""Chooses settings: from a list that is known beforehand, or by one of Optuna's samplers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from dl.sweep.definition.load import Sweep
from dl.sweep.definition.parameters import Parameter
from dl.sweep.definition.space import Picked, Setting, choose, grid
from dl.sweep.search.studies import new_study

_SEED_STEP = 1_000_003
"""Between the seeds of two questions; a sampler's own streams do not come close to it."""


class Search(Protocol):
    """Gives the setting of each trial."""

    def ask(self, trial: int, known: Setting | None) -> Setting | None:
        """Returns the setting of a trial, or None if there are no more.

        It is asked for 1, 2, 3… in turn.

        Args:
            trial: Number of the trial.
            known: Its setting, where it has been asked for in an earlier session.
        """

    def tell(self, trial: int, score: float | None, pruned: bool) -> None:
        """Is told of trials 1, 2, 3… in turn; a score of None is a failure."""

    @property
    def learns(self) -> bool:
        """Whether a setting depends on what was told before."""


def new_search(sweep: Sweep) -> Search:
    """Returns the search of a sweep."""
    file = sweep.file
    if file.method == "list":
        return Fixed(listed.setting for listed in sweep.listed[: sweep.size])
    if file.method == "grid":
        return Fixed(grid(sweep.parameters), sweep.size)
    return Sampled(sweep.parameters, file.method, file.seed, sweep.goal.maximize)


class Fixed:
    """Settings that are known beforehand, in their order."""

    learns = False

    def __init__(self, settings: Iterable[Setting], most: int | None = None) -> None:
        self._settings = list(settings)[:most]

    def ask(self, trial: int, known: Setting | None) -> Setting | None:
        """Returns the setting of that number."""
        return self._settings[trial - 1] if trial <= len(self._settings) else None

    def tell(self, trial: int, score: float | None, pruned: bool) -> None:
        """Learns nothing."""


class Sampled:
    """Settings by a sampler of Optuna.

    Each question has a sampler of its own, seeded by the trial's number: so the answer is a
    function of the seed and of what was told, and a sweep that was killed goes on as it would have.
    """

    learns = True

    def __init__(
        self, parameters: Sequence[Parameter], method: str, seed: int, maximize: bool
    ) -> None:
        self._parameters = parameters
        self._method = method
        self._seed = seed
        self._study = new_study(maximize)
        self._asked: dict[int, Trial] = {}
        self._others: dict[int, Setting] = {}

    def ask(self, trial: int, known: Setting | None) -> Setting:
        """Samples a setting; one that is known, but would not be sampled any more, is noted."""
        with _quietly():
            self._study.sampler = _sampler(self._method, self._seed, trial)
            self._asked[trial] = asked = self._study.ask()
            setting = self._chosen(asked)
        if known is not None and known.picked != setting.picked:
            self._others[trial] = known
        return setting

    def tell(self, trial: int, score: float | None, pruned: bool) -> None:
        """Teaches the study what came of a setting."""
        asked = self._asked.pop(trial)
        other = self._others.pop(trial, None)
        if other is not None:  # another version of Optuna had asked for it
            self._study.tell(asked, state=TrialState.FAIL)
            self._study.enqueue_trial(dict(other.picked))
            asked = self._study.ask()
            self._chosen(asked)
        if score is None:
            self._study.tell(asked, state=TrialState.FAIL)
        elif pruned:
            asked.report(score, step=1)
            self._study.tell(asked, state=TrialState.PRUNED)
        else:
            self._study.tell(asked, score)

    def _chosen(self, asked: Trial) -> Setting:
        return choose(self._parameters, lambda parameter: _suggest(asked, parameter))


@contextmanager
def _quietly() -> Iterator[None]:
    """Hides that a sampler is experimental, and that a range does not end at a step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _sampler(method: str, seed: int, trial: int) -> BaseSampler:
    own = (seed + _SEED_STEP * trial) % 2**32
    match method:
        case "tpe":
            return optuna.samplers.TPESampler(seed=own)
        case "cmaes":
            return optuna.samplers.CmaEsSampler(seed=own, warn_independent_sampling=False)
        case "qmc":
            # Its points are one sequence, so its seed is one; what is no number is drawn anew.
            return optuna.samplers.QMCSampler(
                seed=seed,
                scramble=True,
                independent_sampler=optuna.samplers.RandomSampler(seed=own),
                warn_independent_sampling=False,
                warn_asynchronous_seeding=False,
            )
        case _:
            return optuna.samplers.RandomSampler(seed=own)


def _suggest(trial: Trial, parameter: Parameter) -> Picked:
    span = parameter.range
    if span is None:
        return float(trial.suggest_categorical(parameter.key, list(range(len(parameter.choices)))))
    if span.whole:
        low, high = int(span.low), int(span.high)
        step = 1 if span.step is None else int(span.step)
        return float(trial.suggest_int(parameter.key, low, high, step=step, log=span.log))
    return float(
        trial.suggest_float(parameter.key, span.low, span.high, step=span.step, log=span.log)
    )
