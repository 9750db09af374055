"""What commands found, as text of 80 columns: metrics, data, layers, a step, a diagnosis."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dl.config.nodes import yaml_text
from dl.report.terminal import Styled, screen_width, table
from dl.text import WIDTH, measured, number, percent, plural, shape, shortened, size, wrapped
from dl.vocabulary.labels import metric_label

if TYPE_CHECKING:
    from dl.app import Findings
    from dl.inspect import LayerRow, NetworkStatistics
    from dl.inspect.evidence import Evidence
    from dl.inspect.row import RowTrace
    from dl.inspect.trace import LayerTrace, Trace, WeightTrace
    from dl.rundir.record import Trivial

_COLOUR_OF = {"train": "training", "validation": "validation", "test": "test"}
_MOST_NAME = 20
_NAMES, _MOST_VALUE = 18, 62
"""Characters of a layer's name; of the names of hyperparameters, and of a line of their values."""
_MOST_ROWS = 4
_MOST_COLUMNS = 6
_MOST_WEIGHTS = 8
"""What is shown of the arrays of a step: they fit on a screen."""
_MOST_INPUTS = 20
"""Inputs of a row that are listed, the ones that matter most first."""
_CUT = "… marks what is left out; --json has everything"
_FORMULAS = {
    "SGD": "new = weight - learning_rate * gradient (without momentum)",
    "Adam": "new = weight - learning_rate * m / (sqrt(v) + epsilon); m and v are\n"
    "  corrected means of the gradient and its square: in step 1 gradient, gradient^2",
}
_MOST_STEPS = 12
"""Steps of a forecast that a table shows."""
_RULE = "-" * WIDTH
_OF_LAYERS = {"dead-units", "saturated-units", "vanishing-gradients", "exploding-gradients"}


def metrics_text(metrics: Mapping[str, Mapping[str, float]], trivial: Trivial | None = None) -> str:
    """Returns a table with a row for each part and a column for each metric.

    Below the last part, which tells most, stands what an answer that looks at no input has there.
    """
    from dl.report.palette import LIGHT, ansi

    names = list(dict.fromkeys(name for part in metrics.values() for name in part))
    last = ["", *metrics][-1]
    rows = []
    for part, values in metrics.items():
        strong = "bold" if part == last else ""
        colour = ansi(getattr(LIGHT, _COLOUR_OF[part])) if part in _COLOUR_OF else ""
        cells = [Styled(measured(values.get(name)), strong) for name in names]
        rows.append([Styled(part, f"{strong} {colour}"), *cells])
    for words, beside in trivial.beside(last) if trivial is not None else ():
        told = [words, *(measured(beside.get(name)) for name in names)]
        rows.append([Styled(cell, "dim") for cell in told])
    return table(rows, ["part", *map(metric_label, names)])


def steps_text(errors: Mapping[str, Sequence[float]]) -> str:
    """Returns a table of the mean absolute error at each step of a forecast, or at some of them."""
    steps = len(next(iter(errors.values()), ()))
    if not steps:
        return ""
    most = min(steps, _MOST_STEPS)
    shown = [round(place * (steps - 1) / max(most - 1, 1)) for place in range(most)]
    rows = [[str(step + 1), *(values[step] for values in errors.values())] for step in shown]
    return f"mean absolute error by step\n{table(rows, ['step', *errors])}"


def totals(layers: Sequence[LayerRow]) -> tuple[int, int]:
    """Returns the parameters of all layers, and those that training changes."""
    return sum(layer.parameters for layer in layers), sum(layer.trainable for layer in layers)


def summary_text(title: str, layers: Sequence[LayerRow]) -> str:
    """Returns the layers as a table, with the totals below."""
    rows = [
        [
            shortened(layer.name, _MOST_NAME),
            layer.type,
            shape(layer.output_shape),
            *map("{:,}".format, (weights, layer.biases, layer.parameters)),
        ]
        for layer in layers
        for weights in [layer.parameters - layer.biases]
    ]
    columns = ["layer", "type", "output shape", "weights", "biases", "parameters"]
    total, trainable = totals(layers)
    biases = sum(layer.biases for layer in layers)
    split = f"{plural(total - biases, 'weight')}, {plural(biases, 'bias', 'biases')}"
    fixed = f", {total - trainable:,} not trainable" if total != trainable else ""
    layout = table(rows, columns, spare=["biases", "weights", "type"])
    return f"model {title}\n{layout}\n{total:,} parameters: {split}{fixed}"


def hyperparameters_text(chosen: Mapping[str, Sequence[str]]) -> str:
    """Returns a table of what a person chose: layers, loss, optimizer, batch size, epochs."""
    rows = []
    for name, values in chosen.items():
        room = max(min(_MOST_VALUE, (screen_width() or WIDTH) - _NAMES), _NAMES)
        wrapped = (textwrap.wrap(value, room, subsequent_indent="  ") for value in values)
        lines = [line for lines in wrapped for line in lines]
        rows += [["" if place else name, line] for place, line in enumerate(lines)]
    return table(rows, ["hyperparameter", "value"])


def data_text(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns a table of the parts: rows, the shape of one and the size of all.

    Args:
        sizes: From `Dataset.sizes`, by part.
    """
    rows = [
        [name, f"{part['rows']:,}", *_size_cells(part["inputs"]), *_size_cells(part["targets"])]
        for name, part in sizes.items()
    ]
    return table(rows, ["part", "rows", "inputs", "size", "targets", "size"], spare=["size"])


def _size_cells(array: Mapping[str, Any]) -> list[str]:
    return [f"{shape(array['shape']) or '1'} {array['type']}", size(array["bytes"])]


def trace_text(trace: Trace) -> str:
    """Returns the step as text: what went in, each layer, the loss, the gradients, the update."""
    loss = f"{_RULE}\nloss {trace.loss_name} = {number(trace.loss)}"
    if trace.penalty:
        loss += f"\nof which regularizers add {number(trace.penalty)}"
    update = f"{_RULE}\nupdate by {trace.optimizer}, learning_rate {number(trace.learning_rate)}"
    if trace.optimizer in _FORMULAS:
        update += f"\n  {_FORMULAS[trace.optimizer]}"
    layers = (_layer(position, layer) for position, layer in enumerate(trace.layers, start=1))
    blocks = [*_inputs(trace), *layers, loss, update, *map(_weight, trace.weights)]
    arrays = (trace.x, *(layer.output for layer in trace.layers))
    wide = any(array[0].size > _MOST_COLUMNS for array in arrays)
    long = any(weight.before.size > _MOST_WEIGHTS for weight in trace.weights)
    if wide or long or len(trace.rows) > _MOST_ROWS:
        blocks.append(_CUT)
    return "\n\n".join(blocks)


def trace_document(trace: Trace) -> dict[str, object]:
    """Returns the step with complete arrays, for `--json`."""
    whole = {name: getattr(trace, name) for name in ("rows", "x", "y", "row_weights", "layers")}
    weights = [
        {**asdict(weight), "shape": weight.before.shape, "update": weight.after - weight.before}
        for weight in trace.weights
    ]
    loss = {"name": trace.loss_name, "value": trace.loss, "penalty": trace.penalty}
    optimizer = {"name": trace.optimizer, "learning_rate": trace.learning_rate}
    return {**whole, "loss": loss, "optimizer": optimizer, "weights": weights}


def row_text(way: RowTrace) -> str:
    """Returns the way of a row: its inputs, each layer, the answer, and what turns it."""
    likely = _probable(way.probability)
    blocks = [
        f"row {way.row} of the {way.part} part",
        _input_table(way),
        *(_layer(position, layer) for position, layer in enumerate(way.layers, start=1)),
        f"{_RULE}\nanswer {way.said}{likely}; true is {way.true}; loss {number(way.loss)}",
    ]
    if way.turned is not None:
        said = (
            f"the smallest change that was found makes it {way.turned}"
            f"{_probable(way.turned_probability)}, predicted again; it is "
            f"{number(way.distance or 0)} long, in what the network gets"
        )
        blocks.append(wrapped(said, WIDTH, ""))
    elif way.why_not:
        blocks.append(f"nothing is changed: {way.why_not}")
    else:
        blocks.append("slope: by the gradient; tried: by predicting the row with a little more")
    if any(layer.output[0].size > _MOST_COLUMNS for layer in way.layers):
        blocks.append(_CUT)
    return "\n\n".join(blocks)


def _probable(probability: float | None) -> str:
    return "" if probability is None else f" (probability {number(probability)})"


def _input_table(way: RowTrace) -> str:
    """Returns the inputs, of many those that change or count most."""
    changed = [each.changed for each in way.inputs]
    own_changed = [each.own_changed for each in way.inputs]
    if set(own_changed) == {None}:  # the network gets what the data have
        own_changed, changed = changed, own_changed
    named: dict[str, list[Any]] = {
        "input": [each.name for each in way.inputs],
        "value": [each.own for each in way.inputs],
        "network gets": [each.value for each in way.inputs],
        "to turn it": own_changed,
        "that is": changed,
        "slope": [each.slope for each in way.inputs],
        "tried": [each.tried for each in way.inputs],
        "by one spread": [each.effect for each in way.inputs],
    }
    shown = {name: values for name, values in named.items() if set(values) != {None}}

    def weight(place: int) -> float:
        each = way.inputs[place]
        moved = 0 if each.changed is None else each.changed - each.value
        return abs(moved if each.effect is None else each.effect)

    order = sorted(range(len(way.inputs)), key=weight, reverse=True)
    rows = [[values[place] for values in shown.values()] for place in order[:_MOST_INPUTS]]
    if len(order) > _MOST_INPUTS:
        rows.append([f"… {len(order) - _MOST_INPUTS:,} more"])
    return table(rows, list(shown))


def _inputs(trace: Trace) -> Iterator[str]:
    head = f"a mini-batch of {plural(len(trace.rows), 'row')} of the training part"
    if trace.row_weights is not None:
        head += f", weights {', '.join(number(float(w)) for w in trace.row_weights[:_MOST_ROWS])}"
    yield head
    yield f"inputs x {_shape(trace.x)}\n{_rows_table('x', trace.x, trace.rows)}"
    yield f"targets y {_shape(trace.y)}\n{_rows_table('y', trace.y, trace.rows)}"


def _layer(position: int, layer: LayerTrace) -> str:
    before = layer.pre_activation
    kind = layer.type if before is None else f"{layer.type}, {layer.activation}"
    lines = [_RULE, f"layer {position}: {shortened(layer.name, 40)} ({kind})", ""]
    if before is None:
        return "\n".join([*lines, f"output {_shape(layer.output)}", _rows_table("a", layer.output)])
    formula = "z = x W + b" if layer.type == "Dense" else "z"
    lines += [f"pre-activation {formula} {_shape(before)}", _rows_table("z", before)]
    lines += ["", f"activation a = {layer.activation}(z)", _rows_table("a", layer.output)]
    if layer.delta is not None:
        lines += ["", "gradient of the loss by z", _rows_table("dz", layer.delta)]
    return "\n".join(lines)


def _weight(weight: WeightTrace) -> str:
    import numpy as np

    arrays = (weight.before, weight.gradient, weight.after - weight.before, weight.after)
    rows = [
        [
            f"[{', '.join(str(index + 1) for index in place)}]",
            *(None if array is None else float(array[place]) for array in arrays),
        ]
        for _, place in zip(range(_MOST_WEIGHTS), np.ndindex(weight.before.shape), strict=False)
    ]
    left = weight.before.size - len(rows)
    if left > 0:
        rows.append([f"… {left:,} more"])
    columns = ["place", "weight", "gradient", "change", "new weight"]
    name = weight.name.partition("/")[2] or weight.name
    return f"{shortened(name, 50)} {_shape(weight.before)}\n{table(rows, columns)}"


def _rows_table(letter: str, values: Any, names: Any = None) -> str:
    """Returns the first rows and columns of an array of shape (rows, ...)."""
    flat = values.reshape(len(values), -1)
    count, width = flat.shape
    shown = flat[:_MOST_ROWS, :_MOST_COLUMNS]
    cut = ["…"] if width > _MOST_COLUMNS else []
    rows: list[Sequence[object]] = []
    for position, cells in enumerate(shown.tolist()):
        source = "" if names is None else f" (source row {names[position]})"
        rows.append([f"{position + 1}{source}", *cells, *cut])
    if count > _MOST_ROWS:
        rows.append([f"… {count - _MOST_ROWS:,} more"])
    return table(rows, ["row", *(f"{letter}{i + 1}" for i in range(shown.shape[1])), *cut])


def _shape(array: Any) -> str:
    return f"({shape(array.shape)})"


def diagnose_text(findings: Findings) -> str:
    """Returns every finding with its reason and its change; one line where there is none."""
    case, found, record = findings.case, findings.found, findings.record
    epochs, running = plural(len(case.history), "epoch"), record.status == "running"
    if running:
        epochs = f"{len(case.history):,} of {plural(record.planned, 'epoch')}"
    head = f"{findings.run.label}: {record.status}, {epochs}"
    if not found and not case.history:
        return wrapped(f"{head}: none has ended{' yet' * running}, so there is nothing to look at")
    if not found:
        said = "is seen so far" if running else "was found"
        return wrapped(f"{head}: nothing wrong {said}{_best(case)}")
    blocks = [head]
    for name, diagnosis in found:
        change = textwrap.indent(yaml_text(diagnosis.change).rstrip(), "  ")
        said, why = wrapped(f"{name}: {diagnosis.message}"), wrapped(f"why: {diagnosis.why}")
        blocks.append(f"{said}\n{why}\ntry:\n{change}")
    if case.layers and any(name in _OF_LAYERS for name, _ in found):
        blocks.append(_layers(case))
    return "\n\n".join(blocks)


def diagnose_document(findings: Findings) -> dict[str, object]:
    """Returns the same, with what was measured of each layer, for `--json`."""
    case, signals = findings.case, findings.case.network
    return {
        "run": findings.run.label,
        "status": findings.record.status,
        "epochs": len(case.history),
        "findings": [
            {"id": name, **asdict(diagnosis), "yaml": yaml_text(diagnosis.change)}
            for name, diagnosis in findings.found
        ],
        "rows": signals.rows if signals else 0,
        "weights": _weights(signals) if signals else None,
        "layers": case.layers,
    }


def _weights(signals: NetworkStatistics) -> str:
    return "trained" if signals.trained else "initial"


def _layers(case: Evidence) -> str:
    signals = case.network
    rows = [
        [
            shortened(layer.name, 24),
            layer.activation,
            "" if layer.dead is None else percent(layer.dead),
            "" if layer.saturated is None else percent(layer.saturated),
            number(layer.gradient),
            number(layer.weights),
        ]
        for layer in case.layers
    ]
    columns = ["layer", "activation", "dead", "saturated", "gradient norm", "weight norm"]
    weights, count = (_weights(signals), signals.rows) if signals else ("trained", 0)
    head = f"the layers with their {weights} weights, on {count} training rows"
    return f"{head}\n{table(rows, columns)}"


def _best(case: Evidence) -> str:
    for name, words in (("val_loss", "validation"), ("loss", "training")):
        values = case.column(name)
        if values:
            best = values.index(min(values)) + 1
            return f"; the lowest {words} loss is {number(min(values))}, in epoch {best}"
    return ""
