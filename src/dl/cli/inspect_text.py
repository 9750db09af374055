"""A training step, and what `dl diagnose` found, as text of 80 columns and as JSON."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dl.config.nodes import yaml_text
from dl.report.terminal import table
from dl.text import number, percent, shortened

if TYPE_CHECKING:
    from dl.app.using import Findings
    from dl.inspect.diagnose import Diagnosis, Evidence
    from dl.inspect.trace import LayerTrace, Trace, WeightTrace

_MOST_ROWS = 4
_MOST_COLUMNS = 6
_MOST_WEIGHTS = 8
_FORMULAS = {
    "SGD": "new = weight - learning_rate * gradient (without momentum)",
    "Adam": "new = weight - learning_rate * m / (sqrt(v) + epsilon); m and v are\n"
    "  corrected means of the gradient and its square: in step 1 gradient, gradient^2",
}
_RULE = "-" * 80


def trace_text(trace: Trace) -> str:
    """Returns the step as text: what went in, each layer, the loss, the gradients, the update."""
    blocks = [
        _inputs(trace),
        *(_layer(position, layer) for position, layer in enumerate(trace.layers, start=1)),
        _loss(trace),
        _RULE + "\n" + _update_head(trace),
        *(_weight(weight) for weight in trace.weights),
    ]
    cut = _is_cut(trace)
    return "\n\n".join(
        [*blocks, "… marks what is left out; --json has everything"][: None if cut else -1]
    )


def trace_json(trace: Trace) -> str:
    """Returns the step as one JSON object with complete arrays; null where a number is none."""
    result = {
        "rows": trace.rows.tolist(),
        "x": _plain(trace.x),
        "y": _plain(trace.y),
        "row_weights": _plain(trace.row_weights),
        "layers": [
            {
                "name": layer.name,
                "type": layer.type,
                "activation": layer.activation,
                "pre_activation": _plain(layer.before),
                "output": _plain(layer.output),
                "delta": _plain(layer.delta),
            }
            for layer in trace.layers
        ],
        "loss": {"name": trace.loss_name, "value": _finite(trace.loss), "penalty": trace.penalty},
        "optimizer": {"name": trace.optimizer, "learning_rate": trace.learning_rate},
        "weights": [
            {
                "name": weight.name,
                "shape": list(weight.before.shape),
                "before": _plain(weight.before),
                "gradient": _plain(weight.gradient),
                "update": _plain(weight.after - weight.before),
                "after": _plain(weight.after),
            }
            for weight in trace.weights
        ],
    }
    return json.dumps(result)


def _inputs(trace: Trace) -> str:
    rows = "1 row" if len(trace.rows) == 1 else f"{len(trace.rows):,} rows"
    head = f"a mini-batch of {rows} of the training part"
    if trace.row_weights is not None:
        head += f", weights {', '.join(number(float(w)) for w in trace.row_weights[:_MOST_ROWS])}"
    x, y = trace.x.reshape(len(trace.x), -1), trace.y.reshape(len(trace.y), -1)
    inputs = _rows_table("x", x, trace.rows)
    targets = _rows_table("y", y, trace.rows)
    return (
        f"{head}\n\ninputs x {_shape(trace.x)}\n{inputs}\n\ntargets y {_shape(trace.y)}\n{targets}"
    )


def _layer(position: int, layer: LayerTrace) -> str:
    kind = f"{layer.type}, {layer.activation}" if layer.before is not None else layer.type
    lines = [_RULE, f"layer {position}: {shortened(layer.name, 40)} ({kind})"]
    output = layer.output.reshape(len(layer.output), -1)
    if layer.before is None:
        return "\n".join([*lines, "", f"output {_shape(layer.output)}", _rows_table("a", output)])
    before = layer.before.reshape(len(layer.before), -1)
    formula = "z = x W + b" if layer.type == "Dense" else "z"
    lines += ["", f"pre-activation {formula} {_shape(layer.before)}", _rows_table("z", before)]
    lines += ["", f"activation a = {layer.activation}(z)", _rows_table("a", output)]
    if layer.delta is not None:
        delta = layer.delta.reshape(len(layer.delta), -1)
        lines += ["", "gradient of the loss by z", _rows_table("dz", delta)]
    return "\n".join(lines)


def _loss(trace: Trace) -> str:
    lines = [_RULE, f"loss {trace.loss_name} = {number(trace.loss)}"]
    if trace.penalty:
        lines.append(f"of which regularizers add {number(trace.penalty)}")
    return "\n".join(lines)


def _update_head(trace: Trace) -> str:
    head = f"update by {trace.optimizer}, learning_rate {number(trace.learning_rate)}"
    formula = _FORMULAS.get(trace.optimizer)
    return f"{head}\n  {formula}" if formula else head


def _weight(weight: WeightTrace) -> str:
    rows = [
        [_place(place), *values]
        for place, values in zip(_places(weight), _values(weight), strict=False)
    ]
    left = weight.before.size - len(rows)
    if left > 0:
        rows.append([f"… {left:,} more"])
    columns = ["place", "weight", "gradient", "change", "new weight"]
    name = weight.name.partition("/")[2] or weight.name
    return f"{shortened(name, 50)} {_shape(weight.before)}\n{table(rows, columns)}"


def _places(weight: WeightTrace) -> Iterator[tuple[int, ...]]:
    import numpy as np

    for _, place in zip(range(_MOST_WEIGHTS), np.ndindex(weight.before.shape), strict=False):
        yield place


def _values(weight: WeightTrace) -> Iterator[list[float | None]]:
    for place in _places(weight):
        gradient = None if weight.gradient is None else float(weight.gradient[place])
        before, after = float(weight.before[place]), float(weight.after[place])
        yield [before, gradient, after - before, after]


def _rows_table(letter: str, values: Any, names: Any = None) -> str:
    """Returns the first rows and columns of an array of shape (rows, columns)."""
    count, width = values.shape
    shown = values[:_MOST_ROWS, :_MOST_COLUMNS]
    cut = ["…"] if width > _MOST_COLUMNS else []
    rows: list[Sequence[object]] = [
        [_row_name(position, names), *(_cell(value) for value in row), *cut]
        for position, row in enumerate(shown)
    ]
    if count > _MOST_ROWS:
        rows.append([f"… {count - _MOST_ROWS:,} more"])
    return table(rows, ["row", *(f"{letter}{i + 1}" for i in range(shown.shape[1])), *cut])


def _row_name(position: int, names: Any) -> str:
    return str(position + 1) if names is None else f"{position + 1} (source row {names[position]})"


def _cell(value: Any) -> object:
    return int(value) if value.dtype.kind in "iub" else float(value)


def _place(place: tuple[int, ...]) -> str:
    return "[" + ", ".join(str(index + 1) for index in place) + "]"


def _shape(array: Any) -> str:
    return f"({' x '.join(map(str, array.shape))})"


def _is_cut(trace: Trace) -> bool:
    wide = any(layer.output[0].size > _MOST_COLUMNS for layer in trace.layers)
    long = any(weight.before.size > _MOST_WEIGHTS for weight in trace.weights)
    return wide or long or len(trace.rows) > _MOST_ROWS or trace.x[0].size > _MOST_COLUMNS


def _plain(array: Any) -> Any:
    """Returns an array as nested lists."""
    return None if array is None else _nested(array.tolist())


def _nested(value: Any) -> Any:
    return [_nested(item) for item in value] if isinstance(value, list) else _finite(value)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


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
        "layers": [_finite_values(asdict(layer)) for layer in case.layers],
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
            return f"; the lowest {words} loss is {number(min(values))}, in epoch {best}"
    return ""


def _finite_values(values: dict[str, object]) -> dict[str, object]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
