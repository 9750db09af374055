"""What each parameter takes: one table, keyed by its name, for everything that Keras has.

Keras names its parameters uniformly, so one row serves all entries that have the parameter;
`dl.vocabulary.tables.overrides` lists the few places where a name means something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dl.vocabulary.tables.callbacks import CALLBACKS
from dl.vocabulary.tables.functions import FUNCTIONS
from dl.vocabulary.tables.layers import LAYERS
from dl.vocabulary.tables.measures import MEASURES
from dl.vocabulary.tables.optimizers import OPTIMIZERS
from dl.vocabulary.tables.overrides import OVERRIDES
from dl.vocabulary.tables.preprocessing import PREPROCESSING
from dl.vocabulary.tables.ranges import Row
from dl.vocabulary.types import ParameterType

TABLE: Mapping[str, Row] = {
    **LAYERS,
    **PREPROCESSING,
    **FUNCTIONS,
    **MEASURES,
    **OPTIMIZERS,
    **CALLBACKS,
}

_ARRAYS = "it is an array of numbers; training finds them"
_LATER_CHANGE = "it changes a layer that is already trained"
_ONE_TENSOR = "a Sequential model passes one dense tensor from layer to layer"
_BATCHES = "`training.batch_size` sets the size of the batches"

LEFT_OUT: Mapping[str, str] = {
    "weights": _ARRAYS,
    "lora_rank": _LATER_CHANGE,
    "lora_alpha": _LATER_CHANGE,
    "quantization_config": _LATER_CHANGE,
    "gptq_unpacked_column_size": _LATER_CHANGE,
    "return_state": _ONE_TENSOR,
    "sparse": _ONE_TENSOR,
    "ragged": _ONE_TENSOR,
    "optional": _ONE_TENSOR,
    "input_tensor": _ONE_TENSOR,
    "batch_size": _BATCHES,
    "batch_shape": _BATCHES,
    "stateful": "the rows are shuffled, so no row follows another",
    "renorm_clipping": "its limits are set by Keras",
    "verbose": "dl itself shows the progress",
    "embeddings_metadata": "a config must not read files",
}
"""Parameters that `dl` leaves out wherever Keras has them, with the reason."""

_VOCABULARY = "`vocabulary` gives the numbers, and so how many there are"
_LEARNED_BINS = "the limits of the bins are given by `bin_boundaries`"

LEFT_OUT_OF: Mapping[tuple[str, str], str] = {
    ("Discretization", "num_bins"): _LEARNED_BINS,
    ("Discretization", "epsilon"): _LEARNED_BINS,
    ("IntegerLookup", "max_tokens"): _VOCABULARY,
    ("IntegerLookup", "pad_to_max_tokens"): _VOCABULARY,
    ("IntegerLookup", "vocabulary_dtype"): "Keras takes int64 only",
}
"""Parameters that `dl` leaves out of one entry, with the reason."""

REQUIRED: Mapping[tuple[str, str], str] = {
    ("Input", "shape"): "",
    ("Normalization", "mean"): "`preprocess.numeric: standardize` learns it from the data",
    ("Normalization", "variance"): "`preprocess.numeric: standardize` learns it from the data",
    ("Discretization", "bin_boundaries"): "",
    ("IntegerLookup", "vocabulary"): "",
    ("CategoryEncoding", "num_tokens"): "",
}
"""Parameters that Keras would learn by a pass over the data, or fails without."""

DEFAULTS: Mapping[tuple[str, str], object] = {
    ("BinaryAccuracy", "threshold"): None,
    ("BinaryIoU", "threshold"): None,
}
"""Defaults that differ from Keras': `evaluation.threshold` decides where no other is given."""


def row(entry: str, name: str) -> tuple[ParameterType, str]:
    """Returns the type and the description of a parameter of an entry.

    Raises:
        KeyError: The table has no such parameter.
    """
    kind, description = OVERRIDES.get((entry, name)) or TABLE[name]
    return (kind if isinstance(kind, ParameterType) else kind(_rank(entry))), description


def left_out(entry: str, name: str) -> str | None:
    """Returns why a parameter of an entry is left out, or None if it is not."""
    return LEFT_OUT_OF.get((entry, name)) or LEFT_OUT.get(name)


def _rank(entry: str) -> int:
    """Returns the number of spatial dimensions that the name of a layer tells: 2 for `Conv2D`."""
    found = re.search(r"(\d)D", entry)
    return int(found.group(1)) if found else 2
