"""Looking at many runs: what is known of each, which to show, in which order."""
