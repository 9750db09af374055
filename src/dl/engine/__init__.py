"""The heavy half of `dl`: builds, trains, evaluates, saves and loads Keras models.

Importing it imports Keras and TensorFlow, quietly: what they say at import is thrown away, unless
the import fails. The variables that they read at import are settled in `dl.variables`.
"""

from __future__ import annotations

import warnings

from dl.imports import deferred, hidden, uncollected
from dl.quiet import quiet_stderr

# Keras imports these for its adapters where it finds them: a third of its start-up, for nothing
# that `dl` uses.
_OPTIONAL = ("IPython", "jax", "matplotlib", "pandas", "scipy", "sklearn", "torch")

# TensorFlow's public names, gathered from all its parts, for its second version and for its first
# two times over. What `dl` and Keras use of them is loaded without it. TensorFlow has folders of
# its own with the names of two, which would take their place when they are imported later.
_GATHERED = "tensorflow._api.v2"
_ALSO_FOLDERS = ("distribute", "lite")

with (
    quiet_stderr(),
    uncollected(),
    hidden(_OPTIONAL),
    deferred(_GATHERED, _ALSO_FOLDERS, quiet_stderr),
):
    import absl.logging
    import keras
    import tensorflow as tf

absl.logging.set_verbosity(absl.logging.ERROR)
tf.get_logger().setLevel("ERROR")
keras.utils.disable_interactive_logging()
warnings.filterwarnings("ignore", module=r"keras\.src")
