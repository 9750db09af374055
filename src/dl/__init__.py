"""Train neural networks from YAML files, on Keras and TensorFlow."""

__version__ = "0.1.0"
