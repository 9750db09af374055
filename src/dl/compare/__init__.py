"""What differs between runs: settings, metrics, and whether the differences are real."""
