"""How the run was made: command, seed, versions, machine, and how to make it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from dl.pages.context import Context


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns the record of the run as pairs of words."""
    record = context.entry.record
    engine = record.engine
    facts = {
        "started": record.started,
        "finished": record.finished,
        "command": shlex.join(record.command),
        "seed": record.seed,
        "git commit": record.git_commit,
        "data, SHA-256": record.fingerprint,
        "steps": _engine(engine) if engine else None,
        "threads": record.machine.get("threads"),
        "processor": record.machine.get("processor"),
        "GPUs": ", ".join(record.machine.get("gpus", [])),
    }
    return {
        "facts": {name: value for name, value in facts.items() if value not in (None, "")},
        "versions": record.versions,
        "again": f"dl train {shlex.quote(str(context.entry.run.resolved))}",
    }


def _engine(engine: Mapping[str, Any]) -> str:
    compiled = "compiled with XLA" if engine.get("compiled") else "not compiled"
    return f"{compiled}: {engine.get('reason')}; {engine.get('steps_per_call')} in a call"
