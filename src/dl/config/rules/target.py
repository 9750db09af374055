"""What certainly does not fit a target that is masks, the inputs themselves, or a change."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.data import MASKS, PATHS, Data, ImagesData, KerasData, TableFile, target_is_input
from dl.config.preprocess import Preprocess
from dl.config.rules.facts import LOSS, Facts, finding
from dl.config.rules.probe import targets_of
from dl.config.schema import Model, Training
from dl.vocabulary import traits
from dl.vocabulary.spec import Finding, Path


def masks_are_named(data: Data) -> Iterator[Finding]:
    """Each folder of images has one of masks, and without masks nothing is said of them."""
    if not isinstance(data, ImagesData):
        return
    for key in (*MASKS[1:], "mask_values", "mask_ignore"):
        if data.masks is None and getattr(data, key) is not None:
            yield finding(("data", key), "masks_are_named.alone", key=key)
    for folder, masks in zip(PATHS[1:], MASKS[1:], strict=False):
        if data.masks and (getattr(data, folder) is None) != (getattr(data, masks) is None):
            one, other = (folder, masks) if getattr(data, masks) is None else (masks, folder)
            yield finding(("data", one), "masks_are_named.pair", one=one, other=other)


def mask_values_fit_classes(data: Data) -> Iterator[Finding]:
    """Each class has a value of its own in the masks."""
    if not isinstance(data, ImagesData):
        return
    values, path, ignored = data.mask_values or (), ("data", "mask_values"), data.mask_ignore
    for index, value in enumerate(values):
        if value in values[:index]:
            yield finding((*path, index), "mask_values_fit_classes.twice", value=value)
    stated = [value for value in (*values, ignored) if value is not None]
    if len({isinstance(value, int) for value in stated}) > 1:
        yield finding(path, "mask_values_fit_classes.mixed")
    if ignored is not None and ignored in values:
        yield finding(("data", "mask_ignore"), "mask_values_fit_classes.ignored", value=ignored)
    if len(values) == 1:
        yield finding(path, "mask_values_fit_classes.one")
    elif values and data.classes is not None and len(values) != len(data.classes):
        words = {"classes": len(data.classes), "values": len(values)}
        yield finding(path, "mask_values_fit_classes.classes", **words)


def masks_fit_training(data: Data, training: Training) -> Iterator[Finding]:
    """The pixels of masks are classes, each of which counts by itself."""
    if not isinstance(data, ImagesData) or data.masks is None:
        return
    for key, usual in {"table": None, "corrupt": "error"}.items():
        if getattr(data, key) != usual:
            yield finding(("data", key), "masks_fit_training.files", key=key)
    if data.task in ("regression", "multilabel"):
        yield finding(("data", "task"), "masks_fit_training.task", task=data.task)
    if data.mask_ignore is not None and training.class_weight is not None:
        yield finding(("training", "class_weight"), "masks_fit_training.class_weight")
    if data.mask_ignore is not None and training.loss.type in traits.OF_WHOLE_BATCHES:
        yield finding(LOSS, "masks_fit_training.loss", loss=training.loss)


def inputs_can_be_the_target(
    data: Data, preprocess: Preprocess, training: Training
) -> Iterator[Finding]:
    """Inputs that are the target are numbers, which are compared as the network gets them."""
    if not target_is_input(data):
        return
    if data.task not in (None, "regression"):
        yield finding(("data", "task"), "inputs_can_be_the_target.task", task=data.task)
    if data.classes is not None:
        yield finding(("data", "classes"), "inputs_can_be_the_target.classes")
    if preprocess.target != "none":
        path = ("preprocess", "target")
        yield finding(path, "inputs_can_be_the_target.scaling", scaling=preprocess.target)
    if training.loss.type in traits.TAKES_CLASSES - traits.TAKES_SHARES | traits.WITHOUT_ANSWER:
        yield finding(LOSS, "inputs_can_be_the_target.loss", loss=training.loss)
    for key in ("masks", "table"):
        if getattr(data, key, None) is not None:
            yield finding(("data", "target"), "inputs_can_be_the_target.files", key=key)


def inputs_to_give_back_are_numbers(data: Data, model: Model) -> Iterator[Finding]:
    """Numbers that stand for words or categories are no target as numbers."""
    if not target_is_input(data):
        return
    for _, layer, place in model.placed_layers:
        if layer.type in traits.LOOKING_UP:
            yield finding(place, "inputs_to_give_back_are_numbers.looked_up", layer=layer.type)
    if isinstance(data, KerasData) and traits.KERAS[data.dataset].shape is None:
        yield finding(
            ("data", "target"), "inputs_to_give_back_are_numbers.texts", name=data.dataset
        )


def differences_have_last_values(
    data: Data, preprocess: Preprocess, training: Training, facts: Facts
) -> Iterator[Finding]:
    """A change is one of a number whose last value is an input, and the loss sees it as one."""
    if not isinstance(data, TableFile) or data.window is None or not data.window.difference:
        return
    path: Path = ("data", "window", "difference")
    if target_is_input(data):
        yield finding(path, "differences_have_last_values.inputs")
        return
    classes = data.classes is not None or facts.probe.target in ("classes", "text")
    if classes or facts.task not in (None, "regression"):
        yield finding(path, "differences_have_last_values.classes")
        return
    features, excluded = data.features, data.exclude or ()
    for name in targets_of(data):
        if name in excluded or (features is not None and name not in features):
            key = "features" if features is not None else "exclude"
            yield finding(path, "differences_have_last_values.unknown", name=name, key=key)
    if (scaling := preprocess.target) not in ("none", "standardize"):
        at = ("preprocess", "target")
        yield finding(at, "differences_have_last_values.scaling", scaling=scaling)
    if training.loss.type not in traits.OF_DIFFERENCES:
        yield finding(LOSS, "differences_have_last_values.loss", loss=training.loss)
    chosen = {
        ("training", "solver"): training.solver == "normal_equation",
        ("training", "output_bias"): training.output_bias == "targets",
        ("engine", "front"): facts.config.engine.front == "once",
    }
    for at in (at for at, wrong in chosen.items() if wrong):
        yield finding(at, "differences_have_last_values.values", key=at[-1])
