"""What happened in a training, from its history and its weights, and what to try."""
