"""The target: what kind of task it makes, how the loss wants it, and how outputs are read back.

The order of use: `describe_target` on all rows tells the task, the classes and the form;
`fit_target` learns the scaling from the training rows; `encode_target` gives `y` of any part;
`decode` turns the model's outputs into predictions. What
`decode`, `class_weights` and later commands need stands in the `Target`.
"""

from dl.data.targets.decode import decode, unscale
from dl.data.targets.describe import describe_target
from dl.data.targets.encode import class_indexes, class_positions, encode_target, fit_target
from dl.data.targets.target import Target
from dl.data.targets.weights import class_weights

__all__ = [
    "Target",
    "class_indexes",
    "class_positions",
    "class_weights",
    "decode",
    "describe_target",
    "encode_target",
    "fit_target",
    "unscale",
]
