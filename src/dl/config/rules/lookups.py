"""Rules on layers that look whole numbers up, and on those that make such numbers."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.partial import Facts
from dl.config.rules.words import layer_path, place
from dl.vocabulary.spec import Finding, Spec
from dl.vocabulary.traits import MOVING, TABLES


def numbers_can_be_looked_up(facts: Facts) -> Iterator[Finding]:
    """What a layer numbers, the one behind it can look up; XLA would clamp it without a word."""
    maker: tuple[int, Spec] | None = None
    for index, layer in enumerate(facts.model.layers if facts.model else ()):
        parameter = TABLES.get(layer.type)
        known = layer.parameters.get(parameter) if parameter else None
        if parameter and maker and isinstance(known, int) and known < _made(maker[1]):
            yield Finding(
                place(("model", "layers", index), layer, parameter),
                f"is too small for what {layer_path(*maker)} ({maker[1].type}) gives",
                expected=f"{_made(maker[1])} or more: it numbers from 0 to {_made(maker[1]) - 1}",
                found=str(known),
            )
        if _made(layer):
            maker = index, layer
        elif layer.type not in MOVING:
            maker = None


def _made(layer: Spec) -> int:
    """Returns how many numbers a layer gives, from 0 on; 0 if it gives others."""
    parameters = layer.parameters
    if parameters.get("output_mode") != "int":
        return 0
    match layer.type:
        case "Hashing":
            return _size(parameters.get("num_bins"))
        case "Discretization":
            limits = parameters.get("bin_boundaries")
            return _size(limits) + 1 if limits else _size(parameters.get("num_bins"))
        case "IntegerLookup":
            mask = parameters.get("mask_token") is not None
            return _size(parameters.get("vocabulary")) + _size(parameters["num_oov_indices"]) + mask
    return 0


def _size(value: object) -> int:
    if isinstance(value, tuple | list):
        return len(value)
    return value if isinstance(value, int) else 0
