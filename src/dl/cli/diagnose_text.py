"""What `dl diagnose` found, as text of 80 columns and as JSON."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from dl.config.emit import yaml_text
from dl.report.terminal import table
from dl.text import number, percent, shortened

if TYPE_CHECKING:
    from dl.app.using import Findings
    from dl.diagnose.checks import Diagnosis, Evidence

_WIDTH = 80
_OF_LAYERS = frozenset(
    {"dead-units", "saturated-units", "vanishing-gradients", "exploding-gradients"}
)


def diagnose_text(findings: Findings) -> str:
    """Returns every finding with its reason and its change; one line where there is none."""
    case, found = findings.case, findings.found
    head = f"{findings.run.label}: {findings.record.status}, {_epochs(case)}"
    if not found:
        return f"{head}: nothing wrong was found{_best(case)}"
    blocks = [head, *(_finding(name, diagnosis) for name, diagnosis in found)]
    if case.layers and any(name in _OF_LAYERS for name, _ in found):
        blocks.append(_layers(case))
    return "\n\n".join(blocks)


def diagnose_json(findings: Findings) -> str:
    """Returns the same as one JSON object, with what was measured of each layer."""
    case, signals = findings.case, findings.case.network
    result = {
        "run": findings.run.label,
        "status": findings.record.status,
        "epochs": len(case.history),
        "findings": [
            {
                "id": name,
                "message": diagnosis.message,
                "why": diagnosis.why,
                "change": diagnosis.change,
                "yaml": yaml_text(diagnosis.change),
            }
            for name, diagnosis in findings.found
        ],
        "rows": signals.rows if signals else 0,
        "weights": None if signals is None else "trained" if signals.trained else "initial",
        "layers": [_finite(asdict(layer)) for layer in case.layers],
    }
    return json.dumps(result, ensure_ascii=False)


def _finding(name: str, diagnosis: Diagnosis) -> str:
    change = textwrap.indent(yaml_text(diagnosis.change).rstrip(), "  ")
    return "\n".join(
        [
            _wrapped(f"{name}: {diagnosis.message}"),
            _wrapped(f"why: {diagnosis.why}"),
            "try:",
            change,
        ]
    )


def _layers(case: Evidence) -> str:
    signals = case.network
    rows = [
        [
            shortened(layer.name, 24),
            layer.activation,
            _percent(layer.dead),
            _percent(layer.saturated),
            number(layer.gradient),
            number(layer.weights),
        ]
        for layer in case.layers
    ]
    columns = ["layer", "activation", "dead", "saturated", "gradient norm", "weight norm"]
    weights = "trained" if signals is None or signals.trained else "initial"
    count = 0 if signals is None else signals.rows
    return f"the layers with their {weights} weights, on {count} training rows\n" + table(
        rows, columns
    )


def _percent(share: float | None) -> str:
    return "" if share is None else percent(share)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _epochs(case: Evidence) -> str:
    count = len(case.history)
    return "1 epoch" if count == 1 else f"{count:,} epochs"


def _best(case: Evidence) -> str:
    for name, words in (("val_loss", "validation"), ("loss", "training")):
        values = case.column(name)
        if values:
            best = values.index(min(values)) + 1
            return f"; the least {words} loss is {number(min(values))}, in epoch {best}"
    return ""


def _finite(values: dict[str, object]) -> dict[str, object]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
