"""Train neural networks from YAML files, on Keras and TensorFlow."""

import os

from dl.variables import settle

__version__ = "0.1.0"

settle(os.environ)
