"""What to say about a parameter that is not there: its former name, or why it is left out."""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.catalog import Entry, Parameter
from dl.vocabulary.parameters import REQUIRED, left_out
from dl.vocabulary.spec import Kind

FORMER: Mapping[str, str] = {
    "lr": "learning_rate",
    "decay": "weight_decay",
    "init": "kernel_initializer",
    "alpha": "negative_slope",
    "p": "rate",
    "nb_filter": "filters",
    "pool_length": "pool_size",
    "subsample": "strides",
    "subsample_length": "strides",
    "border_mode": "padding",
    "output_dim": "units",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "inner_activation": "recurrent_activation",
    "epsilon_std": "stddev",
    "min_lr_rate": "min_lr",
}
"""Names that older versions of Keras, or other libraries, use for a parameter."""

_ACTIVATION = (
    "an activation is only named; a layer of its own takes parameters, "
    "such as ReLU, LeakyReLU, ELU or Softmax"
)
_INPUT_SHAPE = "write `model.input_shape`, or a layer `Input` with `shape`"


def former_name(entry: Entry, key: str) -> str | None:
    """Returns the parameter that took over from an older name, if the entry has it."""
    name = FORMER.get(key)
    return name if name in entry.parameters else None


def left_out_parameter(entry: Entry, key: str) -> str | None:
    """Returns why a parameter of Keras is left out, or None if Keras has none of that name."""
    return None if entry.kind is Kind.ACTIVATION else left_out(entry.name, key)


def parameter_hint(entry: Entry, key: str) -> str | None:
    """Returns where something else does what the unknown parameter should do."""
    if entry.kind is Kind.ACTIVATION:
        return _ACTIVATION
    if entry.kind is Kind.LAYER and key in ("input_shape", "batch_input_shape", "input_dim"):
        return _INPUT_SHAPE
    return None


def required_hint(entry: Entry, missing: list[Parameter]) -> str:
    """Returns what to write for the parameters that are missing."""
    reason = REQUIRED.get((entry.name, missing[0].name))
    if reason:
        return reason
    added = "".join(f", {parameter.name}: ..." for parameter in missing)
    return f"write {{type: {entry.name}{added}}}"
