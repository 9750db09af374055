"""Whether a difference is more than chance: tests of paired values, corrected for their number.

SciPy and NumPy load where a test needs them: the board and a sweep rank without waiting for them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

LEVEL = 0.05
"""A difference counts as real where chance alone gives one as large less often than this."""
_DRAWS = 2000
_NEGLIGIBLE = 1e-17  # of a sum of floats
_MOST_TRAININGS = 20
# Samples that are drawn at once: all 2000 of a million rows would take 16 GB.
_BATCH = 50


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Corrects p-values for their number; None stays None.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979): the least is multiplied by their number, the next by one less, and so on.
    It never rejects less than Bonferroni's correction, and needs no further assumption.
    """
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for position, (p_value, index) in enumerate(known):
        largest = max(largest, min(1.0, p_value * (len(known) - position)))
        corrected[index] = largest
    return corrected


def resampled_t_test(differences: Sequence[float], overlap: float) -> float | None:
    """Returns the two-sided p-value of paired differences of trainings whose mean should be 0.

    C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003):
    trainings on parts of the same rows are not independent, so the variance of the mean is larger
    by `overlap`, the rows that validate for each row that trains.

    Returns:
        The p-value; None where there is one difference only.
    """
    count = len(differences)
    if count < 2:
        return None
    mean = statistics.fmean(differences)
    if mean == 0:
        return 1.0
    variance = statistics.variance(differences)
    if variance == 0:
        return 2.0 ** (1 - count)  # all the same sign: what a test of signs says
    t = abs(mean) / math.sqrt((1 / count + overlap) * variance)
    from scipy.special import stdtr

    return float(2 * stdtr(count - 1, -t))


def binomial_tail(times: int, of: int, share: float) -> float:
    """Returns how likely at least so many of some independent trials are, each of such a chance.

    For counts above their mean, `of * share`; 1 for others.
    """
    if times <= of * share or not 0 < share < 1:
        return 1.0
    # From its largest term on: SciPy's own takes longer to load than a small network to train.
    term = math.exp(
        math.lgamma(of + 1)
        - math.lgamma(times + 1)
        - math.lgamma(of - times + 1)
        + times * math.log(share)
        + (of - times) * math.log1p(-share)
    )
    total, odds = term, share / (1 - share)
    for hits in range(times, of):
        term *= (of - hits) / (hits + 1) * odds
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(1.0, total)


def mcnemar(gained: int, lost: int) -> float:
    """Returns the exact two-sided p-value of rows that only one of two models got right.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947): without a difference, each such row is a fair coin.
    """
    return min(1.0, 2 * binomial_tail(max(gained, lost), gained + lost, 0.5))


def wilson(fraction: float, count: int) -> tuple[float, float]:
    """Returns the ends of the interval of a fraction that was found in so many rows.

    E. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927): it holds the true fraction with a probability of 1 - `LEVEL`, and keeps within 0 and 1.
    """
    z2 = statistics.NormalDist().inv_cdf(1 - LEVEL / 2) ** 2
    middle = fraction + z2 / (2 * count)
    reach = math.sqrt(z2 * (fraction * (1 - fraction) + z2 / (4 * count)) / count)
    scale = 1 + z2 / count
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def resampled_power(differences: Sequence[float], overlap: float, level: float) -> int | None:
    """Returns how many trainings the test above needs to find a difference such as this one.

    That is the least number with which the same mean and spread would be real; None where twenty
    are too few, or there is no spread to tell by.
    """
    if len(differences) < 2:
        return None
    mean, variance = abs(statistics.fmean(differences)), statistics.variance(differences)
    from scipy.special import stdtrit

    for count in range(len(differences) + 1, _MOST_TRAININGS + 1):
        least = float(stdtrit(count - 1, 1 - level / 2)) * math.sqrt(
            (1 / count + overlap) * variance
        )
        if mean > least:
            return count
    return None


def paired_t_test(differences: Array) -> float:
    """Returns the two-sided p-value of paired differences, shape (rows,), whose mean should be 0.

    Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    count = len(differences)
    spread = float(differences.std(ddof=1)) if count > 1 else 0.0
    middle = float(differences.mean())
    if spread == 0:
        return 1.0 if middle == 0 or count < 2 else 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(count - 1, -abs(middle) / spread * math.sqrt(count)))


def weighted(values: Array, weights: Array | None) -> Array:
    """Returns values, shape (rows,), whose mean is that of the rows by their weights.

    And whose spread is, to first order, that of such a mean: D + w (d - D) / mean of w, the
    linearization of a ratio (W. Cochran, "Sampling Techniques", 1977, section 6.3). So what is
    done to a mean of plain rows is right for them.
    """
    if weights is None:
        return values
    middle = float((values * weights).sum() / weights.sum())
    spread: Array = weights / weights.mean() * (values - middle)
    return middle + spread


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """Means of samples drawn from paired differences, shape (draws,); one if all are equal."""

    means: Array

    @property
    def p_value(self) -> float:
        """How often chance alone gives a mean as far from 0, on both sides."""
        if len(self.means) == 1:
            return float(self.means[0] == 0)
        beyond = min((self.means <= 0).sum(), (self.means >= 0).sum())
        # The sample at hand counts as a draw, so that no p-value is 0.
        return min(1.0, 2 * (float(beyond) + 1) / (len(self.means) + 1))

    def interval(self, level: float) -> tuple[float, float]:
        """Returns the ends of the interval that holds the true mean with this probability."""
        import numpy as np

        low, high = np.quantile(self.means, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def bootstrap(differences: Array) -> MeanDifference:
    """Draws samples of paired differences, shape (rows,): the percentile bootstrap of their mean.

    B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    import numpy as np

    if len(differences) < 2 or not np.ptp(differences):
        return MeanDifference(differences[:1])
    from scipy.stats import bootstrap as draw

    found = draw((differences,), np.mean, n_resamples=_DRAWS, batch=_BATCH, method="basic", rng=0)
    return MeanDifference(found.bootstrap_distribution)
