"""From a checked config to a compiled Keras model."""
