"""A look at a table before anything is trained on it: what its columns are, and where it leaks."""
