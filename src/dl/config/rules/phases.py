"""What is certainly wrong in `training.phases`, and in `model.start` beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dl.config.phases import fixed_layers, layer_names, matching, phases_of
from dl.config.rules.facts import Facts, finding
from dl.config.schema import MODEL_FILES, Model, Training
from dl.errors import closest, did_you_mean
from dl.vocabulary.spec import Finding, Kind, Path, Spec

_UNKNOWN = "phases_name_layers.unknown"


def phases_say_their_epochs(training: Training) -> Iterator[Finding]:
    """Where there are phases, each says how long it is."""
    if training.phases and "epochs" in training.written:
        last = len(training.phases) - 1
        yield finding(("training", "epochs"), "phases_say_their_epochs", last=last)


def phases_name_layers(model: Model, training: Training) -> Iterator[Finding]:
    """Every name in a phase is that of a layer, and every pattern means one."""
    for index, phase in enumerate(training.phases):
        path = ("training", "phases", index)
        if phase.freeze is not None and phase.train_only is not None:
            yield finding((*path, "train_only"), "phases_name_layers.both")
        for key, patterns in (("freeze", phase.freeze), ("train_only", phase.train_only)):
            yield from _unknown_layers(model, (*path, key), patterns, _UNKNOWN)
            for place, name in enumerate(patterns or ()):
                if name in fixed_layers(model):
                    where = (*path, key, place)
                    yield finding(where, "phases_name_layers.fixed", layer=name)


def _unknown_layers(
    model: Model, path: Path, patterns: tuple[str, ...] | None, text: str
) -> Iterator[Finding]:
    """Yields what is not the name of a layer, or a pattern of one, in a list of them."""
    names = layer_names(model)
    for index, pattern in enumerate(patterns or ()):
        if not matching(pattern, names):
            hint = did_you_mean(closest(pattern, names), "dl summary CONFIG shows the names")
            words = {"known": tuple(names), "pattern": pattern, "hint": hint}
            yield finding((*path, index), text, **words)


def phases_train_something(model: Model, training: Training) -> Iterator[Finding]:
    """A phase in which nothing can learn is a mistake."""
    if any(phases_name_layers(model, training)):
        return  # what learns is not known
    layers = [layer for layer in model.layers if layer.type != "Input"]
    named = zip(layer_names(model), layers, strict=True)
    learning = [name for name, layer in named if _may_learn(layer)]
    for plan in phases_of(model, training):
        if plan.phase is not None and learning and plan.frozen.issuperset(learning):
            key = "train_only" if plan.phase.freeze is None else "freeze"
            path = (*plan.path, key) if getattr(plan.phase, key) else plan.path
            yield finding(path, "phases_train_something", learning=tuple(learning))


def _may_learn(layer: Spec) -> bool:
    """Tells whether a layer has weights that training changes, as far as its settings tell."""
    return any(
        name.endswith("_initializer")
        or name == "weights"
        or (isinstance(value, Spec) and value.kind in (Kind.LAYER, Kind.CELL) and _may_learn(value))
        for name, value in layer.parameters.items()
    )


def phases_have_one_rate(training: Training) -> Iterator[Finding]:
    """The rate of a new optimizer stands in the optimizer."""
    for index, phase in enumerate(training.phases):
        path = ("training", "phases", index, "learning_rate")
        if phase.learning_rate is not None and phase.optimizer is not None:
            yield finding(path, "phases_have_one_rate", optimizer=phase.optimizer)


def start_names_layers(model: Model) -> Iterator[Finding]:
    """The layers that are to begin from something are layers."""
    if model.start is not None:
        path = ("model", "start", "layers")
        yield from _unknown_layers(model, path, model.start.layers, "start_names_layers")


def start_is_there(model: Model, facts: Facts) -> Iterator[Finding]:
    """A file to begin from is there; a training that goes on does not need it."""
    start = model.start
    if start is not None and facts.probe.task is None:  # the data was not read
        path = ("model", "start", "from")
        words = {"file": os.path.basename(start.from_)}
        if start.from_.endswith(MODEL_FILES):
            if not os.path.isfile(start.from_):
                yield finding(path, "start_is_there.file", **words)
        elif os.path.isabs(start.from_) and not os.path.isfile(f"{start.from_}/run.json"):
            yield finding(path, "start_is_there.run", **words)
