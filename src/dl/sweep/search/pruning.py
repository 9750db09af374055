"""Decides after each epoch whether a trial goes on, by one of Optuna's pruners."""

from __future__ import annotations

from collections.abc import Iterable

import optuna
from optuna.pruners import BasePruner
from optuna.trial import Trial, TrialState

from dl.sweep.definition.schema import Pruning
from dl.sweep.results.journal import Ended
from dl.sweep.search.studies import new_study

PRUNING_REPEAT = 1
"""The training of a setting that is compared with others; the rest follow if it survives."""


class Pruner:
    """Compares the first training of each setting with those of the others."""

    def __init__(self, pruning: Pruning, epochs: int, maximize: bool) -> None:
        self._study = new_study(maximize, _pruner(pruning, epochs))
        self._least = pruning.min_epochs
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
        return epoch < self._least or not known.should_prune()

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

    def replay(self, journal: Iterable[Ended]) -> None:
        """Repeats what an earlier session saw, in the order in which the trainings ended."""
        for ended in journal:
            if ended.repeat == PRUNING_REPEAT:
                for epoch, value in enumerate(ended.values, start=1):
                    self.goes_on(ended.trial, epoch, value)
                self.end(ended)


def _pruner(pruning: Pruning, epochs: int) -> BasePruner:
    match pruning.type:
        case "asha":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=pruning.min_epochs, reduction_factor=pruning.reduction
            )
        case "hyperband":
            return optuna.pruners.HyperbandPruner(
                min_resource=pruning.min_epochs,
                max_resource=max(epochs, pruning.min_epochs),
                reduction_factor=pruning.reduction,
            )
        case "median":
            return optuna.pruners.MedianPruner(
                n_startup_trials=pruning.warmup_trials, n_warmup_steps=pruning.min_epochs
            )
        case _:
            return optuna.pruners.NopPruner()
