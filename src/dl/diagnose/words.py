"""How the findings write numbers."""

from __future__ import annotations


def number(value: float) -> str:
    """Returns a number with three significant digits: 0.312, 14.7, 1.2e-05."""
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text else text


def percent(share: float) -> str:
    """Returns a share of 1 as a percentage: 38 %, 0.4 %."""
    shown = 100 * share
    return f"{shown:.0f} %" if shown >= 1 or shown == 0 else f"{shown:.1g} %"
