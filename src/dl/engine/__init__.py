"""The heavy half of `dl`: builds, trains, evaluates, saves and loads Keras models.

Importing it imports Keras and TensorFlow, quietly: what they say at import is thrown away, unless
the import fails. The environment that TensorFlow reads at import is set here and nowhere else.
"""

from __future__ import annotations

import os
import warnings

from dl.engine.quiet import quiet_stderr
from dl.imports import hidden

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_CPP_MAX_VLOG_LEVEL", "0")

# Keras imports these for its adapters where it finds them: a third of its start-up, for nothing
# that `dl` uses.
_OPTIONAL = ("IPython", "jax", "matplotlib", "pandas", "scipy", "sklearn", "torch")

with quiet_stderr(), hidden(_OPTIONAL):
    import absl.logging
    import keras
    import tensorflow as tf

absl.logging.set_verbosity(absl.logging.ERROR)
tf.get_logger().setLevel("ERROR")
keras.utils.disable_interactive_logging()
warnings.filterwarnings("ignore", module=r"keras\.src")
