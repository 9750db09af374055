"""Trains a model and keeps everything about it in a run."""
