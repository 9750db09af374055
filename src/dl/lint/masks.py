"""A rule on masks: padding that nobody skips."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.words import layer_path
from dl.lint.advice import Advice, Case
from dl.vocabulary.spec import Path, Spec
from dl.vocabulary.traits import PASSES_MASK, USES_MASK


def unused_mask(case: Case) -> Iterator[Advice]:
    """A mask that ends before a layer uses it changes nothing."""
    layers = case.config.model.layers
    for index, layer in enumerate(layers):
        path = _mask_of(layer, ("model", "layers", index))
        after = list(enumerate(layers))[index + 1 :]
        end = next((place for place in after if place[1].type not in PASSES_MASK), None)
        # Behind the last layer, the loss uses it.
        if path is None or end is None or end[1].type in USES_MASK:
            continue
        yield Advice(
            path,
            f"makes a mask that no layer uses: it ends at {layer_path(*end)} ({end[1].type})",
            f"{end[1].type} knows no mask, so padding counts as data from there on. Recurrent "
            "layers and GlobalAveragePooling1D skip masked steps.",
            "false" if path[-1] == "mask_zero" else None,
        )


def _mask_of(layer: Spec, path: Path) -> Path | None:
    if layer.type == "Masking":
        return path
    return (*path, "mask_zero") if layer.parameters.get("mask_zero") is True else None
