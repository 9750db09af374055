"""Epochs and steps: how a model is trained, fast, and so that it can be gone on with."""
