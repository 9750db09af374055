"""Rules on the loss against the activation of the outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dl.config.rules.output import Output, target_shape
from dl.config.rules.partial import Facts
from dl.config.rules.words import layer_path, place, spoken
from dl.config.sections.model import Model
from dl.text import plural
from dl.vocabulary.spec import Finding, Path, Spec
from dl.vocabulary.traits import (
    BINARY,
    CROSS_ENTROPIES,
    LINEAR,
    ONE_HOT,
    PERCEPTRON,
    PROBABILITIES,
    SIGMOIDS,
    SPARSE,
    from_logits,
)

_LOSS: Path = ("training", "loss")


def activation_fits_loss(facts: Facts) -> Iterator[Finding]:
    """The loss and the activation of the outputs belong together; reports the first mistake."""
    if facts.model is None or facts.output is None:
        return
    loss = facts.training.loss if facts.training else None
    pairs = _PAIR_RULES if loss is not None else ()
    found = _softmax_of_one_unit(facts.output)
    for rule in pairs:
        if found is None and loss is not None:
            found = rule(loss, facts.output, facts.model)
    if found is not None:
        yield found


def _softmax_of_one_unit(output: Output) -> Finding | None:
    if output.activation != "softmax" or output.units != 1:
        return None
    return Finding(
        output.activation_path,
        "makes a softmax of one unit, which is always 1",
        expected="one unit for each class",
        found="units: 1",
        hint="for two classes write units: 1, activation: sigmoid and loss: binary_crossentropy",
    )


def _logits_of_probabilities(loss: Spec, output: Output, model: Model) -> Finding | None:
    if not from_logits(loss) or output.activation not in SIGMOIDS | {"softmax"}:
        return None
    where = layer_path(output.layer, model.layers[output.layer])
    return Finding(
        place(_LOSS, loss, "from_logits"),
        f"asks for outputs without activation, but {where} applies {output.activation}",
        expected=f"from_logits: false with {output.activation}, or an output without activation",
        found=f"from_logits: true with {output.activation}",
        hint="remove from_logits: true",
    )


def _softmax_with_binary(loss: Spec, output: Output, model: Model) -> Finding | None:
    if loss.type not in BINARY or output.activation != "softmax":
        return None
    advice = "use loss: sparse_categorical_crossentropy"
    if output.units == 2:
        advice += ", or one unit with activation: sigmoid"
    return _misfit(loss, output, model, "a sigmoid output", advice)


def _softmax_before_reshape(loss: Spec, output: Output, model: Model) -> Finding | None:
    """A softmax over all outputs of a row gives no probabilities at each of its places."""
    own = model.layers[output.layer].parameters
    over = own.get("units", own.get("filters"))
    shapes = [shape[-1] for spec in model.layers[output.layer :] if (shape := target_shape(spec))]
    if output.activation != "softmax" or over is None or not shapes or shapes[-1] in (1, over):
        return None
    where = layer_path(output.layer, model.layers[output.layer])
    return Finding(
        output.activation_path,
        f"makes a softmax over the {over} units of {where}, not over the {shapes[-1]} classes of "
        "each place that Reshape makes of them",
        expected="probabilities whose sum is 1 at each place",
        found="softmax before Reshape",
        hint="leave this activation out and add {type: Softmax} as the last layer",
    )


def _sigmoid_with_sparse(loss: Spec, output: Output, model: Model) -> Finding | None:
    if loss.type not in SPARSE or output.activation not in SIGMOIDS:
        return None
    advice = "use activation: softmax"
    if output.units == 1:
        advice = "use loss: binary_crossentropy for two classes"
    return _misfit(loss, output, model, "a softmax output with one unit for each class", advice)


def _no_probabilities(loss: Spec, output: Output, model: Model) -> Finding | None:
    if loss.type not in CROSS_ENTROPIES or from_logits(loss):
        return None
    if output.activation in PROBABILITIES:
        return None
    right = "sigmoid" if loss.type in BINARY or output.units == 1 else "softmax"
    own = "activation" in model.layers[output.layer].parameters
    advice = f"write activation: {right}" if own else f"make it a layer Activation with {right}"
    if output.activation == LINEAR and "from_logits" in loss.parameters:
        advice += f", or loss: {{type: {spoken(loss)}, from_logits: true}}"
    return _misfit(loss, output, model, f"probabilities, as {right} gives them", advice)


def _one_unit_for_classes(loss: Spec, output: Output, model: Model) -> Finding | None:
    if loss.type not in ONE_HOT | SPARSE or output.units != 1:
        return None
    return Finding(
        _LOSS,
        f"needs one output for each class, but the network has {plural(1, 'output')}",
        expected="a softmax output with one unit for each class",
        found=f"{spoken(loss)} with units: 1",
        hint="for two classes use loss: binary_crossentropy with a sigmoid output",
    )


def _perceptron_without_threshold(loss: Spec, output: Output, model: Model) -> Finding | None:
    if loss.type != PERCEPTRON or output.activation == "heaviside":
        return None
    advice = "write activation: heaviside, or loss: binary_crossentropy for a sigmoid output"
    return _misfit(loss, output, model, "a heaviside output", advice)


def _misfit(loss: Spec, output: Output, model: Model, expected: str, hint: str) -> Finding:
    where = layer_path(output.layer, model.layers[output.layer])
    name = "linear (no activation)" if output.activation == LINEAR else output.activation
    return Finding(
        _LOSS,
        f"does not fit the output of {where}",
        expected=f"{expected} for {spoken(loss)}",
        found=f"{spoken(loss)} with a {name} output",
        hint=hint,
    )


_PAIR_RULES: tuple[Callable[[Spec, Output, Model], Finding | None], ...] = (
    _logits_of_probabilities,
    _softmax_before_reshape,
    _softmax_with_binary,
    _sigmoid_with_sparse,
    _no_probabilities,
    _one_unit_for_classes,
    _perceptron_without_threshold,
)
