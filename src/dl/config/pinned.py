"""A config with the engine's choices of an earlier run, so that none is made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dl.config.load import Loaded

_IN_MEMORY = 1_000_000_000
"""Megabytes that no data exceeds."""


def pinned(loaded: Loaded, chosen: Mapping[str, Any]) -> Loaded:
    """Returns a config that has nothing left to choose in `engine`.

    Args:
        loaded: The config.
        chosen: What `run.json` says of the engine.
    """
    engine = loaded.config.engine
    memory = engine.memory
    if memory == "auto":
        memory = 1 if chosen.get("rows") == "streamed" else _IN_MEMORY
    fixed = engine.model_copy(
        update={
            "compile": chosen.get("compiled", engine.compile),
            "steps_per_call": chosen.get("steps_per_call", engine.steps_per_call),
            "memory": memory,
        }
    )
    return replace(loaded, config=loaded.config.model_copy(update={"engine": fixed}))
