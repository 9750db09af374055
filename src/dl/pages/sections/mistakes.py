"""The rows on which the model is most wrong, with their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dl.pages.context import Context


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns the mistakes that the training kept; None where there were none."""
    mistakes = context.facts.get("mistakes")
    if not mistakes:
        return None
    return {"mistakes": mistakes, "columns": list(mistakes[0]["inputs"])}
