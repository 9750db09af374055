"""Which learning rates make sense for which optimizer."""

from __future__ import annotations

RATES = {
    "SGD": (1e-5, 1.0, 0.1),
    "Adam": (1e-5, 0.05, 1e-3),
    "AdamW": (1e-5, 0.05, 1e-3),
    "Adamax": (1e-5, 0.05, 1e-3),
    "Nadam": (1e-5, 0.05, 1e-3),
    "RMSprop": (1e-5, 0.05, 1e-3),
    "Lion": (1e-6, 3e-3, 1e-4),
    "Adagrad": (1e-3, 1.0, 0.05),
    "Adadelta": (0.05, 10.0, 1.0),
    "Ftrl": (1e-4, 1.0, 0.05),
}
"""Least and greatest learning rate that make sense, and one to start from."""
