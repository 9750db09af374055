"""A local page over all runs, live while they train."""
