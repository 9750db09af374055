"""What each parameter takes, keyed by its name, one file for each group of entries."""
