"""What is certainly wrong with a pretrained base: its pictures, its weights, its place."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dl.config.data import ImagesData
from dl.config.rules.facts import Facts, finding
from dl.config.schema import Model
from dl.vocabulary import traits
from dl.vocabulary.catalog import pixels_of
from dl.vocabulary.rules import CLASSES_OF_IMAGENET
from dl.vocabulary.spec import Finding, Kind, Spec

IMAGENET, RANDOM = "imagenet", "none"
"""What stands for a file of weights: Keras' own, and none at all."""
_CHANNELS = 3

Shape = tuple[int | None, ...]


def bases_take_pictures(model: Model, facts: Facts) -> Iterator[Finding]:
    """A base takes pictures with three channels that are not too small."""
    row = facts.probe.input_shape or model.input_shape
    first = model.layers[0].parameters.get("shape")
    shape: Shape | None = tuple(first) if isinstance(first, tuple | list) and row is None else row
    for _, layer, path in model.placed_layers:
        if layer.kind is Kind.BASE and shape is not None:
            least = pixels_of(layer.type).least
            words = {"base": layer.type, "shape": shape, "least": least}
            if len(shape) != 3 or shape[-1] not in (_CHANNELS, None):
                source = facts.config.data
                grey = isinstance(source, ImagesData) and shape[-1:] == (1,)
                yield finding(path, f"bases_take_pictures.{'grey' if grey else 'shape'}", **words)
            elif any(size is not None and size < least for size in shape[:2]):
                yield finding(path, "bases_take_pictures.small", **words)
        shape = None if shape is None else _shape_behind(layer, shape)


def _shape_behind(layer: Spec, shape: Shape) -> Shape | None:
    """Returns the shape that a layer gives for one; None where only Keras knows."""
    size = layer.whole_number("height"), layer.whole_number("width")
    if layer.type in ("Resizing", "CenterCrop", "RandomCrop"):
        return (*size, *shape[-1:])
    same = layer.type in traits.BY_NUMBER | {"Input"} or layer.type.startswith("Random")
    return shape if same else None


def weights_of_bases_exist(model: Model) -> Iterator[Finding]:
    """A file of weights is there."""
    for _, layer, path in model.placed_layers:
        stated = layer.parameters.get("weights")
        if layer.kind is not Kind.BASE or stated in (IMAGENET, RANDOM):
            continue
        words = {"base": layer.type, "found": os.path.basename(str(stated))}
        if not str(stated).endswith(".h5"):
            yield finding((*path, "weights"), "weights_of_bases_exist.kind", **words)
        elif not os.path.isfile(str(stated)):
            yield finding((*path, "weights"), "weights_of_bases_exist", **words)


def tops_have_their_classes(model: Model) -> Iterator[Finding]:
    """The top that was trained on ImageNet has its classes."""
    for _, layer, path in model.placed_layers:
        of_imagenet = layer.parameters.get("weights") == IMAGENET
        classes = layer.parameters.get("classes")
        top = layer.kind is Kind.BASE and layer.parameters["include_top"] and of_imagenet
        if top and classes != CLASSES_OF_IMAGENET:
            yield finding((*path, "classes"), "tops_have_their_classes", classes=classes)
