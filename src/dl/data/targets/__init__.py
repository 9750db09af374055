"""The target: what kind of task it makes, how the loss wants it, and how outputs are read back."""
