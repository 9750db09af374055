"""What goes on in a network: a step by hand, signals of layers, boundaries, weights."""
