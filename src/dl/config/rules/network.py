"""Rules on the layers among themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dl.config.rules.partial import Facts
from dl.config.rules.words import layer_path
from dl.vocabulary.spec import Finding


def layer_names_differ(facts: Facts) -> Iterator[Finding]:
    """Two layers must not share a name; a name is no number, which would be a position."""
    seen: dict[str, int] = {}
    for index, layer in enumerate(facts.model.layers if facts.model else ()):
        name = layer.parameters.get("name")
        if not isinstance(name, str):
            continue
        path = ("model", "layers", index, "name")
        if name.isdecimal():
            yield Finding(
                path,
                "is a number, which would be read as the position of a layer",
                expected="a name with a letter",
                found=repr(name),
            )
        elif name in seen:
            yield Finding(
                path,
                f"is the name of model.layers.{seen[name]} already",
                expected="a name of its own",
                found=repr(name),
            )
        seen.setdefault(name, index)


def input_comes_first(facts: Facts) -> Iterator[Finding]:
    """An input layer can only be the first."""
    for index, layer in enumerate(facts.model.layers if facts.model else ()):
        if layer.type == "Input" and index > 0:
            yield Finding(
                ("model", "layers", index),
                f"is an input after {layer_path(0, facts.model.layers[0])}"
                if facts.model
                else "is an input after other layers",
                expected="the input layer first",
                found=f"{layer.type} at position {index}",
                hint="move it to the top, or remove it: the data gives the shape",
            )


def only_input_is_no_network(facts: Facts) -> Iterator[Finding]:
    """A network has a layer that computes."""
    if facts.model and all(layer.type == "Input" for layer in facts.model.layers):
        yield Finding(("model", "layers"), "has no layer but the input", expected="a layer more")


def input_shape_fits_data(facts: Facts) -> Iterator[Finding]:
    """A stated input shape holds as many numbers as a row of the data, where that is known."""
    if facts.model is None or facts.model.input_shape is None or facts.peek.input_shape is None:
        return
    stated, known = facts.model.input_shape, facts.peek.input_shape
    sizes = [size for size in stated if size is not None]
    if len(sizes) < len(stated) or math.prod(sizes) == math.prod(known):
        return
    yield Finding(
        ("model", "input_shape"),
        "does not fit the rows of the data",
        expected=str(list(known)),
        found=str(list(stated)),
        hint="remove input_shape: the data gives it",
    )
