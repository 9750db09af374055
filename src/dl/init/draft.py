"""A first config before it is text, and the text made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dl.init.yaml_text import scalar


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts of a config that is being written, each a list of lines.

    Attributes:
        name: The name of the runs.
        title: What the data is, for the comment at the top.
        data: The lines below `data:`, indented.
        preprocess: The lines below `preprocess:`, indented.
        layers: The list below `model: layers:`, indented.
        training: The lines below `training:`, indented.
    """

    name: str
    title: Sequence[str]
    data: Sequence[str]
    preprocess: Sequence[str]
    layers: Sequence[str]
    training: Sequence[str]


def text_of(draft: Draft) -> str:
    """Returns the whole config as YAML with comments."""
    head = ["# A first config, written by `dl init`. Change whatever you like.", "#"]
    blocks: list[Sequence[str]] = [
        [*head, *(f"# {line}" for line in draft.title)],
        [f"name: {scalar(draft.name)}", "seed: 42"],
        ["data:", *draft.data],
        ["preprocess:", *draft.preprocess] if draft.preprocess else [],
        ["model:", "  layers:", *draft.layers],
        ["training:", *draft.training],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
