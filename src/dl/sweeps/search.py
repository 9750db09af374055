"""Chooses settings, and ends trials early: Optuna's part."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import optuna
from optuna import distributions as spans
from optuna import pruners, samplers
from optuna.study import Study, StudyDirection
from optuna.trial import Trial, TrialState

from dl.sweeps.definition import Pruning, Sweep
from dl.sweeps.journal import Ended
from dl.sweeps.parameters import Param, Parameter, Setting, choose, grid

PRUNING_REPEAT = 1
"""The training of a setting that is compared with others; the rest follow if it survives."""
_SEED_STEP = 1_000_003
"""Between the seeds of two questions; a sampler's own streams do not come close to it."""

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Fixed:
    """Settings that are known beforehand, in their order."""

    learns = False

    def __init__(self, settings: Sequence[Setting]) -> None:
        self._settings = settings

    def ask(self, trial: int, known: Setting | None) -> Setting | None:
        """Returns the setting of that number, or None if there are no more."""
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
        """Samples the setting of a trial; it is asked for 1, 2, 3… in turn.

        Args:
            trial: Number of the trial.
            known: Its setting, where it has been asked for in an earlier session. One that would
                not be sampled any more is noted.
        """
        with warnings.catch_warnings():
            # Some samplers are experimental, and a range need not end at one of its steps.
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = _sampler(self._method, self._seed, trial)
            self._asked[trial] = asked = self._study.ask()
            setting = self._chosen(asked)
        if known is not None and known.params != setting.params:
            self._others[trial] = known
        return setting

    def tell(self, trial: int, score: float | None, pruned: bool) -> None:
        """Teaches the study what came of a setting; of trials 1, 2, 3… in turn.

        Args:
            trial: Number of the trial.
            score: Its mean score; None for a failure.
            pruned: Whether it was ended early.
        """
        asked = self._asked.pop(trial)
        other = self._others.pop(trial, None)
        if other is not None:  # another version of Optuna had asked for it
            self._study.tell(asked, state=TrialState.FAIL)
            self._study.enqueue_trial(dict(other.params))
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


Search = Fixed | Sampled


def new_search(sweep: Sweep) -> Search:
    """Returns the search of a sweep."""
    file = sweep.file
    if file.method == "list":
        return Fixed(sweep.listed[: sweep.size])
    if file.method == "grid":
        return Fixed(list(grid(sweep.parameters))[: sweep.size])
    return Sampled(sweep.parameters, file.method, file.seed, sweep.plan.goal.maximize)


class Pruner:
    """Decides after each epoch whether a trial goes on.

    It compares the first training of each setting with those of the others.
    """

    def __init__(self, pruning: Pruning, epochs: int, maximize: bool) -> None:
        self._study = new_study(maximize, _pruner(pruning, epochs))
        self._min_epochs = pruning.min_epochs
        self._trials: dict[int, Trial] = {}
        self._reported: dict[int, int] = {}

    def goes_on(self, trial: int, epoch: int, value: float) -> bool:
        """Tells whether a trial goes on after an epoch (1-based) with this value."""
        known = self._trials.get(trial)
        if known is None:
            known = self._trials[trial] = self._study.ask()
        if epoch <= self._reported.get(trial, 0):
            return True  # it has begun anew, and was allowed to go on before
        known.report(value, epoch)
        self._reported[trial] = epoch
        return epoch < self._min_epochs or not known.should_prune()

    def end(self, ended: Ended) -> None:
        """Is told how the first training of a setting ended."""
        known = self._trials.pop(ended.trial, None)
        if known is None:
            return
        if ended.status == "completed":
            self._study.tell(known, ended.values[-1])
        else:
            state = TrialState.PRUNED if ended.status == "pruned" else TrialState.FAIL
            self._study.tell(known, state=state)

    def replay(self, endings: Iterable[Ended]) -> None:
        """Repeats what an earlier session saw, in the order in which the trainings ended."""
        for ended in endings:
            if ended.repeat == PRUNING_REPEAT:
                for epoch, value in enumerate(ended.values, start=1):
                    self.goes_on(ended.trial, epoch, value)
                self.end(ended)


def new_study(maximize: bool, pruner: pruners.BasePruner | None = None) -> Study:
    """Returns an empty study; its name is always the same, since Hyperband counts by it."""
    direction = StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
    return optuna.create_study(direction=direction, pruner=pruner, study_name="sweep")


def _sampler(method: str, seed: int, trial: int) -> samplers.BaseSampler:
    own = (seed + _SEED_STEP * trial) % 2**32
    match method:
        case "tpe":
            return samplers.TPESampler(seed=own)
        case "cmaes":
            return samplers.CmaEsSampler(seed=own, warn_independent_sampling=False)
        case "qmc":
            # Its points are one sequence, so its seed is one; what is not a number is drawn anew.
            return samplers.QMCSampler(
                seed=seed,
                scramble=True,
                independent_sampler=samplers.RandomSampler(seed=own),
                warn_independent_sampling=False,
                warn_asynchronous_seeding=False,
            )
        case _:
            return samplers.RandomSampler(seed=own)


def distribution_of(parameter: Parameter) -> spans.BaseDistribution:
    span = parameter.range
    if span is None:
        return spans.CategoricalDistribution(list(range(len(parameter.choices))))
    if span.whole:
        return spans.IntDistribution(int(span.low), int(span.high), log=span.log)
    return spans.FloatDistribution(span.low, span.high, log=span.log)


def _suggest(trial: Trial, parameter: Parameter) -> Param:
    key, span = parameter.key, parameter.range
    if span is None:
        return float(trial.suggest_categorical(key, list(range(len(parameter.choices)))))
    if span.whole:
        step = int(span.step or 1)
        return float(trial.suggest_int(key, int(span.low), int(span.high), step=step, log=span.log))
    return float(trial.suggest_float(key, span.low, span.high, step=span.step, log=span.log))


def _pruner(pruning: Pruning, epochs: int) -> pruners.BasePruner:
    match pruning.type:
        case "asha":
            return pruners.SuccessiveHalvingPruner(
                min_resource=pruning.min_epochs, reduction_factor=pruning.reduction
            )
        case "hyperband":
            return pruners.HyperbandPruner(
                min_resource=pruning.min_epochs,
                max_resource=max(epochs, pruning.min_epochs),
                reduction_factor=pruning.reduction,
            )
        case "median":
            return pruners.MedianPruner(
                n_startup_trials=pruning.warmup_trials, n_warmup_steps=pruning.min_epochs
            )
        case _:
            return pruners.NopPruner()
