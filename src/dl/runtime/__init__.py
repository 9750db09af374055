"""Predicting without TensorFlow, from a light copy of the model that the training left behind."""
