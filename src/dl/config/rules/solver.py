"""Rules on `training.solver: normal_equation`: what it can solve, and what it has no use for."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.output import activation_of
from dl.config.rules.partial import Facts
from dl.config.rules.words import spoken
from dl.config.sections.model import Model
from dl.config.sections.training import Training
from dl.vocabulary.spec import Finding
from dl.vocabulary.traits import LINEAR

_WITHOUT_WEIGHTS = ("Input", "Flatten")
_OF_STEPS = (
    "optimizer",
    "batch_size",
    "epochs",
    "shuffle",
    "sampling",
    "class_weight",
    "callbacks",
)
_PENALTIES = (
    "kernel_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "bias_constraint",
)
_BACK = "or remove solver: gradient descent trains any network"


def normal_equation_fits(facts: Facts) -> Iterator[Finding]:
    """The normal equation solves one linear Dense layer under the mean squared error, at once."""
    if facts.training is None or facts.training.solver != "normal_equation":
        return
    yield from _wrong_loss(facts.training)
    yield from _without_meaning(facts.training)
    if facts.model is not None:
        yield from _wrong_layers(facts.model)


def _wrong_loss(training: Training) -> Iterator[Finding]:
    if training.loss.type != "MeanSquaredError":
        yield Finding(
            ("training", "loss"),
            "is not what the normal equation minimises",
            expected="mean_squared_error with solver: normal_equation",
            found=spoken(training.loss),
            hint=f"write loss: mean_squared_error, {_BACK}",
        )


def _without_meaning(training: Training) -> Iterator[Finding]:
    default = Training(loss=training.loss)
    for key in _OF_STEPS:
        if getattr(training, key) != getattr(default, key):
            yield Finding(
                ("training", key),
                "has no meaning with solver: normal_equation, which takes no steps",
                hint=f"remove {key}, {_BACK}",
                at_key=True,
            )


def _wrong_layers(model: Model) -> Iterator[Finding]:
    places = [i for i, layer in enumerate(model.layers) if layer.type not in _WITHOUT_WEIGHTS]
    if len(places) != 1 or model.layers[places[0]].type != "Dense":
        yield Finding(
            ("model", "layers"),
            "are more than the normal equation can solve",
            expected="one Dense layer without activation with solver: normal_equation",
            found=", ".join(model.layers[place].type for place in places) or "no Dense layer",
            hint=f"keep one Dense layer, {_BACK}",
        )
        return
    path = ("model", "layers", places[0])
    dense = model.layers[places[0]]
    activation = activation_of(dense, path)
    if activation is not None and activation[0] != LINEAR:
        yield Finding(
            activation[1],
            "makes the outputs other than linear, which the normal equation cannot solve",
            expected="no activation with solver: normal_equation",
            found=activation[0],
            hint=f"remove activation, {_BACK}",
        )
    for name in _PENALTIES:
        if dense.parameters.get(name) is not None:
            yield Finding(
                (*path, name),
                "is not a part of the normal equation",
                expected="null with solver: normal_equation",
                hint=f"remove {name}, {_BACK}",
                at_key=True,
            )
