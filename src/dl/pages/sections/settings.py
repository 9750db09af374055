"""The settings: what differs from the defaults, and the resolved config as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dl.config.changed import changed
from dl.config.load import load_resolved
from dl.pages.context import Context
from dl.runs.manifest import read_checked

_OF_THE_DATA = ("data.columns", "data.features", "data.classes")
"""Inferred from the data and shown there."""


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns the settings; raises `RunError` where the resolved config is damaged."""
    run = context.entry.run
    resolved = read_checked(run.resolved)
    differing = changed(load_resolved(run.resolved, resolved).config)
    shown = {path: value for path, value in differing.items() if path not in _OF_THE_DATA}
    return {"changed": shown, "resolved": resolved.decode()}
