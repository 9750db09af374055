"""What to say about a parameter that is not there: its former name, or why it is left out."""

from __future__ import annotations

from collections.abc import Mapping

from dl.errors import closest
from dl.text import listing
from dl.vocabulary.catalog import Entry, Parameter, entries, find, names
from dl.vocabulary.parameters import REQUIRED, left_out
from dl.vocabulary.spec import Kind
from dl.vocabulary.synonyms import other_word
from dl.vocabulary.words import kind_words

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
}
"""Names that older versions of Keras, or other libraries, use for a parameter."""

_ACTIVATION = (
    "an activation is only named; a layer of its own takes parameters, "
    "such as ReLU, LeakyReLU, ELU or Softmax"
)
_MOST_OWNERS = 3
_INPUT_SHAPE = "write `model.input_shape`, or a layer `Input` with `shape`"


def nearest_name(kind: Kind, spelled: str) -> str | None:
    """Returns the name that is nearest, spelled as the user spells: `Dense` for `Dens`."""
    known = names(kind)
    near = other_word(spelled, known)
    if near is None and any(find(other, spelled) for other in Kind):
        return None
    near = near or closest(spelled, known)
    entry = find(kind, near) if near else None
    if entry is None or near is None:
        return None
    return entry.name if spelled[:1].isupper() and near.islower() else near


def other_kind(kind: Kind, spelled: str) -> str:
    """Returns that a name stands for something else, if it does, or where all names are."""
    for other in Kind:
        if other is not kind and find(other, spelled):
            return f"{spelled} is {kind_words(other)}"
    return "`dl schema` lists all names"


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
    return None if former_name(entry, key) else _owners(entry, key)


def _owners(entry: Entry, key: str) -> str | None:
    """Returns the few things of the same kind that have the parameter, if there are any."""
    owners = [other.name for other in entries(entry.kind).values() if key in other.parameters]
    few = 0 < len(owners) <= _MOST_OWNERS
    return f"{key} is a parameter of {listing(owners, 'and')}" if few else None


def required_hint(entry: Entry, missing: list[Parameter]) -> str:
    """Returns what to write for the parameters that are missing."""
    reason = REQUIRED.get((entry.name, missing[0].name))
    if reason:
        return reason
    added = "".join(f", {parameter.name}: ..." for parameter in missing)
    return f"write {{type: {entry.name}{added}}}"
