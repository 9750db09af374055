"""How much each parameter of a sweep explains: Optuna's fANOVA, by scikit-learn's forests.

Takes a second to import, which is done while the server of the sweep starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optuna import distributions as spans
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from dl.sweeps.parameters import Parameter
from dl.sweeps.results import TrialSummary
from dl.sweeps.search import distribution_of, new_study

_FEWEST_TRIALS = 4
"""Completed settings from which fANOVA can say anything on the importance of parameters."""


def importance(
    summaries: Iterable[TrialSummary], parameters: Sequence[Parameter], maximize: bool
) -> dict[str, float]:
    """Returns the fraction of the differences that each parameter explains, by fANOVA.

    Empty where nothing can be said: only completed settings count, and only parameters that all of
    them have.
    """
    whole = [summary for summary in summaries if summary.status == "completed"]
    if len(whole) < _FEWEST_TRIALS or len({summary.mean for summary in whole}) < 2:
        return {}
    common = set.intersection(*(set(summary.setting.params) for summary in whole))
    if len(common) < 2:
        return {}
    distributions = {parameter.key: distribution_of(parameter) for parameter in parameters}
    study = new_study(maximize)
    for summary in whole:
        own = {key: distributions[key] for key in summary.setting.params}
        params = {
            key: param if isinstance(own[key], spans.FloatDistribution) else int(param)
            for key, param in summary.setting.params.items()
        }
        study.add_trial(create_trial(params=params, distributions=own, value=summary.mean))
    evaluator = FanovaImportanceEvaluator(seed=0)
    found = get_param_importances(study, evaluator=evaluator, params=sorted(common))
    return {key: float(fraction) for key, fraction in found.items()}
