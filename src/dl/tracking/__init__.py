"""Copies of runs in the stores of other tools."""
