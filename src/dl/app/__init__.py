"""The use cases: what the commands and the Python API have in common, with nothing of either."""
