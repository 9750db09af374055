"""How much of the differences between the settings each parameter explains, by fANOVA."""

from __future__ import annotations

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from dl.sweep.definition.parameters import Parameter
from dl.sweep.results.ranking import Standing
from dl.sweep.search.studies import new_study

_LEAST_TRIALS = 4


def importance(
    standings: list[Standing], parameters: tuple[Parameter, ...], maximize: bool
) -> dict[str, float]:
    """Returns the share of each parameter; empty where nothing can be said.

    Only completed settings count, and only parameters that all of them have.
    """
    distributions = {parameter.key: _distribution(parameter) for parameter in parameters}
    whole = [standing for standing in standings if standing.status == "completed"]
    if len(whole) < _LEAST_TRIALS or len({standing.mean for standing in whole}) < 2:
        return {}
    common = set.intersection(*(set(standing.setting.picked) for standing in whole))
    if len(common) < 2:
        return {}
    study = new_study(maximize)
    for standing in whole:
        picked = standing.setting.picked
        study.add_trial(
            create_trial(
                params={key: _param(distributions[key], value) for key, value in picked.items()},
                distributions={key: distributions[key] for key in picked},
                value=standing.mean,
            )
        )
    found = get_param_importances(
        study, evaluator=FanovaImportanceEvaluator(seed=0), params=sorted(common)
    )
    return {key: float(share) for key, share in found.items()}


def _distribution(parameter: Parameter) -> BaseDistribution:
    span = parameter.range
    if span is None:
        return CategoricalDistribution(list(range(len(parameter.choices))))
    if span.whole:
        return IntDistribution(int(span.low), int(span.high), log=span.log)
    return FloatDistribution(span.low, span.high, log=span.log)


def _param(distribution: BaseDistribution, picked: float) -> float:
    whole = isinstance(distribution, CategoricalDistribution | IntDistribution)
    return int(picked) if whole else picked
