"""Outputs and metrics of a model on rows, when nothing is learned."""
