"""Rules on the scaling of the target to the range of an activation."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.partial import Facts
from dl.vocabulary.spec import Finding, Path

_RANGE: Path = ("preprocess", "target_range")


def target_range_is_used(facts: Facts) -> Iterator[Finding]:
    """A range of the target is in rising order, and something scales by it."""
    if facts.preprocess is None or facts.preprocess.target_range is None:
        return
    low, high = facts.preprocess.target_range
    if low >= high:
        yield Finding(
            _RANGE,
            "must be in rising order",
            expected="the least possible value, then the greatest",
            found=f"[{low:g}, {high:g}]",
        )
    if facts.preprocess.target not in ("minmax", "minmax_signed"):
        yield Finding(
            _RANGE,
            "is not used: the target is not scaled by its range",
            expected="preprocess.target: minmax (to 0..1) or minmax_signed (to -1..1)",
            found=f"target: {facts.preprocess.target}",
            hint="write target: minmax_signed for a tanh output, or remove target_range",
            at_key=True,
        )
