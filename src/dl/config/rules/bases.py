"""What is wrong with a pretrained base, and advice on what is frozen, trained or begins random."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dl.config.data import ImagesData
from dl.config.phases import PhasePlan, layer_names, phases_of
from dl.config.preprocess import Preprocess
from dl.config.rules.advice import rate_of
from dl.config.rules.facts import Advice, Facts, advice, finding, layer_path
from dl.config.schema import Model, Training
from dl.text import plural
from dl.vocabulary import traits
from dl.vocabulary.catalog import pixels_of
from dl.vocabulary.names import with_names
from dl.vocabulary.rules import CLASSES_OF_IMAGENET
from dl.vocabulary.spec import Finding, Kind, Path, Spec

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


_FEW_FOR_A_BASE = 5000
"""With fewer rows, to train a whole base with its millions of weights is to learn them by heart."""


def scaled_twice(preprocess: Preprocess, model: Model) -> Iterator[Advice]:
    """A base scales pixels itself."""
    bases = [index for index, layer, _ in model.placed_layers if layer.kind is Kind.BASE]
    if not bases:
        return
    where = layer_path(bases[0], model.layers[bases[0]])
    if preprocess.scale not in (None, 1):
        yield advice(("preprocess", "scale"), "scaled_twice", where=where)
    for _, layer, path in model.placed_layers[: bases[0]]:
        scale = layer.parameters.get("scale")
        if layer.type == "Rescaling" and isinstance(scale, float) and scale < 1:
            yield advice(path, "scaled_twice.layer", where=where)


def unfrozen_base(model: Model, training: Training, facts: Facts) -> Iterator[Advice]:
    """A few rows cannot teach a whole base better than a million pictures did."""
    rows = facts.probe.rows
    for layer, path, _ in _trained_bases(model, training):
        whole = layer.parameters["trainable_from"] is None
        if rows is not None and rows < _FEW_FOR_A_BASE and whole:
            words = {"base": layer.type, "rows": plural(rows, "row")}
            yield advice((*path, "trainable"), "unfrozen_base", **words)


def fine_tuning_rate(model: Model, training: Training) -> Iterator[Advice]:
    """What was learned before is lost to large steps."""
    for layer, _, plans in _trained_bases(model, training):
        for plan in plans:
            optimizer, rate = plan.training.optimizer, rate_of(plan.training.optimizer)
            most = traits.RATES.get(optimizer.type, (0, 0, 0))[2] / 10
            if rate is None or not 0 < most < rate:
                continue
            words = {"base": layer.type, "rate": rate, "most": most, "write": f"{most / 10:g}"}
            of_phase = plan.phase is not None and plan.phase.optimizer is None
            place = plan.path if of_phase else plan.place("optimizer")
            yield advice((*place, "learning_rate"), "fine_tuning_rate", **words)
            return


def _trained_bases(
    model: Model, training: Training
) -> Iterator[tuple[Spec, Path, list[PhasePlan]]]:
    """Yields the bases with weights, their paths, and the phases that change these."""
    plans = phases_of(model, training)
    for (_, layer, path), named in zip(model.placed_layers, with_names(model.layers), strict=True):
        pretrained = layer.kind is Kind.BASE and layer.parameters["weights"] != RANDOM
        name = str(named.parameters["name"])
        changing = [plan for plan in plans if name not in plan.frozen]
        if pretrained and layer.parameters["trainable"] and changing:
            yield layer, path, changing


def frozen_random(model: Model, training: Training) -> Iterator[Advice]:
    """A layer that is not trained keeps the random weights that it begins with."""
    if model.start is not None:
        return  # which weights are random is known when they are read
    for _, layer, path in model.placed_layers:
        inner = layer.parameters.get("layer")
        nested = [((*path, "layer"), inner)] if isinstance(inner, Spec) else []
        for where, spec in [(path, layer), *nested]:
            if spec.parameters.get("trainable") is False and _begins_random(spec):
                yield advice((*where, "trainable"), "frozen_random.own")
    yield from _frozen_untrained(model, training)


def _frozen_untrained(model: Model, training: Training) -> Iterator[Advice]:
    """Yields the first phase that freezes layers that no phase before has trained."""
    drawn = {
        str(each.parameters["name"]) for each in with_names(model.layers) if _begins_random(each)
    }
    for plan in phases_of(model, training):
        if plan.phase is None:
            return
        layers = tuple(name for name in layer_names(model) if name in drawn & plan.frozen)
        if layers:
            key = "train_only" if plan.phase.freeze is None else "freeze"
            yield advice((*plan.path, key), "frozen_random.phase", layers=layers)
            return
        drawn &= plan.frozen


def _begins_random(layer: Spec) -> bool:
    """Tells whether a layer, or one inside of it, draws its first weights."""
    if layer.kind is Kind.BASE:
        return layer.parameters["weights"] == RANDOM
    return layer.parameters.get("from") is None and any(
        (name.endswith("_initializer") and value.type not in traits.NOT_DRAWN)
        or (value.kind in (Kind.LAYER, Kind.CELL) and _begins_random(value))
        for name, value in layer.parameters.items()
        if isinstance(value, Spec)
    )
