"""Train neural networks from YAML files, on Keras and TensorFlow."""

from dl.variables import is_own_process, take_process

__version__ = "0.1.0"

if is_own_process():
    take_process()
