"""Looks into a network and a training: layers, gradients, one step, what went wrong."""
