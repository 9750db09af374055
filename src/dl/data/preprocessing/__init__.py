"""Rows to the numbers that a network takes: fitted on the training part, then applied to any."""
