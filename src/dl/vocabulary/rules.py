"""Rules between the parameters of one entry, which Keras would find only when it builds it."""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.spec import Finding


def broken_rules(entry: str, parameters: Mapping[str, object]) -> list[Finding]:
    """Returns a finding for each rule that the parameters of an entry break."""
    return []
