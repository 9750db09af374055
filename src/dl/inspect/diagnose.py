"""What happened in a training, from its history and its weights, and what to try.

Light: the layers are measured elsewhere; here the numbers are judged. What can be said of a config
before it is trained is advice of `dl.config.rules`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dl.config.data import weight_of
from dl.inspect import LayerStatistics, changes
from dl.inspect.changes import Change
from dl.inspect.evidence import LEAST_EPOCHS, Evidence, is_learned
from dl.text import number, percent
from dl.vocabulary.traits import CLASSIFICATION, SATURATING

# The thresholds are those of a person who reads curves: high enough that what a healthy training
# does by chance stays below them, since a false alarm costs more trust than a miss.

_RISE = 1.5
"""So many times its least value the training loss must end at: noise of small batches moves it by
some percent, a quarter at the most."""
_JUMP = 1.1
_OFTEN = 1 / 3
"""A rise by a tenth is a jump; a third of the epochs is often: by chance every second epoch rises
at a plateau, but by less than a tenth."""
_WORSE = 1.1
"""So many times its least value the validation loss must end at: it wavers by some percent."""
_STILL = 0.01
"""A fall by less than a hundredth is none; five times as much is one that should go on."""
_CLEAR = 2.0
"""Standard errors by which a loss must have fallen: less is how it wavers from epoch to epoch."""
_DEAD = 0.4
"""Fraction of dead units from which a layer is worth a word: some are dead in most networks."""
_ALL_DEAD = 0.9
"""From here on no gradient passes, so dead units explain a vanishing gradient."""
_SATURATED = 0.5
_VANISHES = 1e-3
_EXPLODES = 1e3
"""Gradients by a weight of the first layer beside those of the last one. A factor of 1000 is more
than optimizers with a rate for each weight even out in time."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something that went wrong in a run.

    Attributes:
        message: What happened, with its numbers, in words that follow the id.
        why: What it means, as whole sentences.
        change: What to try.
    """

    message: str
    why: str
    change: Change


def diagnose(run: Evidence) -> list[tuple[str, Diagnosis]]:
    """Returns what was found, each with the id of its check, in the order of `CHECKS`."""
    return [(name, found) for name, check in CHECKS.items() if (found := check(run)) is not None]


def _diverged(run: Evidence) -> Diagnosis | None:
    """The loss became infinite or NaN."""
    if not run.diverged:
        return None
    losses = run.column("loss")
    before = f", after {number(losses[-1])} in epoch {len(losses)}" if losses else ""
    return Diagnosis(
        f"the loss became NaN or infinite in {run.diverged}{before}",
        "Each step went further than the slope holds, so the next one was larger still. Smaller "
        "steps help; inputs far from 0 make all of them too large.",
        changes.together(changes.slower(run.config, 0.1), changes.scaled_inputs(run.config)),
    )


def _exploding_gradients(run: Evidence) -> Diagnosis | None:
    """The gradient grows on its way to the first layer, or is out of all proportion."""
    broken = [layer for layer in run.layers if not math.isfinite(layer.gradient)]
    large = [layer for layer in run.layers if layer.gradient > _EXPLODES * max(layer.weights, 1)]
    ends = run.ends
    if broken:
        message = f"the gradient by the weights of {broken[0].name} is NaN or infinite"
    elif large:
        message = (
            f"the gradient by the weights of {large[0].name} has the norm "
            f"{number(large[0].gradient)}, the weights themselves {number(large[0].weights)}"
        )
    elif ends is not None and ends[0].slope > _EXPLODES * ends[1].slope:
        message = _compared(*ends)
    else:
        return None
    return Diagnosis(
        message,
        "A step along such a gradient throws away what was learned. A limit on its norm, smaller "
        "initial weights, or inputs and targets close to 0 keep the steps small.",
        changes.together(changes.clipped(run.config), changes.scaled_inputs(run.config)),
    )


def _vanishing_gradients(run: Evidence) -> Diagnosis | None:
    """The gradient vanishes on its way from the output to the first layer."""
    ends = run.ends
    if ends is None or any((layer.dead or 0.0) >= _ALL_DEAD for layer in run.layers):
        return None
    first, last = ends
    if not first.slope < _VANISHES * last.slope:
        return None
    saturating = [layer for layer in run.layers[:-1] if layer.activation in SATURATING]
    change = changes.with_normalization(run.config)
    if saturating:
        names = (layer.activated_by for layer in saturating)
        change = changes.with_activation(run.config, names, "relu")
    return Diagnosis(
        _compared(first, last),
        "Each layer multiplies the gradient by its weights and the slope of its activation. Where "
        "these are small, the first layers hardly learn.",
        change,
    )


def _dead_units(run: Evidence) -> Diagnosis | None:
    """Units with ReLU that give 0 for every row."""
    dead = [(layer, layer.dead) for layer in run.layers if (layer.dead or 0.0) >= _DEAD]
    if not dead or run.network is None:
        return None
    counts = ", ".join(
        f"{round(fraction * layer.units)} of {layer.units} in {layer.name} ({percent(fraction)})"
        for layer, fraction in dead
        if fraction is not None
    )
    activators = (layer.activated_by for layer, _ in dead)
    return Diagnosis(
        f"units that give 0 for each of {run.network.rows} training rows: {counts}",
        "Where ReLU gives 0 its slope is 0, so these units no longer learn. Steps that are "
        "too large push them there; LeakyReLU lets a little through.",
        changes.together(
            changes.with_activation(run.config, activators, "leaky_relu"),
            changes.slower(run.config, 0.3),
            changes.scaled_inputs(run.config),
        ),
    )


def _saturated_units(run: Evidence) -> Diagnosis | None:
    """Hidden units whose activation is flat for most rows."""
    flat = [layer for layer in run.layers[:-1] if (layer.saturated or 0.0) >= _SATURATED]
    if not flat:
        return None
    fractions = ", ".join(
        f"{percent(layer.saturated or 0.0)} in {layer.name} ({layer.activation})" for layer in flat
    )
    activators = (layer.activated_by for layer in flat)
    return Diagnosis(
        f"outputs where the slope is below a twentieth of its maximum: {fractions}",
        "The weights or inputs are so large that the activation hardly changes with them, and the "
        "gradient of what comes before is close to 0.",
        changes.together(
            changes.with_activation(run.config, activators, "relu"),
            changes.scaled_inputs(run.config),
        ),
    )


def _rising_loss(run: Evidence) -> Diagnosis | None:
    """The training loss ended well above its least value."""
    losses = run.column("loss")
    if run.diverged or len(losses) < LEAST_EPOCHS or run.is_perceptron:
        return None
    least, last = min(losses), losses[-1]
    if last < _RISE * least or is_learned(last, losses):
        return None
    return Diagnosis(
        f"the training loss was {number(least)} in epoch {losses.index(least) + 1} and rose to "
        f"{number(last)} by epoch {len(losses)}",
        "On the rows that it trains on, the loss of a network should fall; steps that are too "
        "large throw it out of the valley that it had found.",
        changes.slower(run.config, 0.2),
    )


def _jumping_loss(run: Evidence) -> Diagnosis | None:
    """The training loss went up and down."""
    losses = run.column("loss")
    if len(losses) < 2 * LEAST_EPOCHS or run.is_perceptron or is_learned(min(losses), losses):
        return None
    late = losses[len(losses) // 3 :]
    jumps = sum(after > _JUMP * before for before, after in itertools.pairwise(late))
    if jumps < _OFTEN * (len(late) - 1):
        return None
    return Diagnosis(
        f"the training loss rose by more than {percent(_JUMP - 1)} in {jumps} of the last "
        f"{len(late) - 1} epochs",
        "The steps jump across the valley instead of down into it. Smaller steps, or larger "
        "batches, follow the slope more closely.",
        changes.slower(run.config, 0.3),
    )


def _one_answer(run: Evidence) -> Diagnosis | None:
    """The network says the same of every row."""
    if not run.one_answer:
        return None
    config = run.config
    weighs = config.training.loss.type in CLASSIFICATION and config.data.task != "multilabel"
    if run.better_threshold is not None:
        return Diagnosis(
            run.one_answer,
            "It has learned which rows are likelier of the rare class, for its loss is below that "
            "of the fractions of the classes, but hardly one of them gets a probability beyond "
            "the threshold. At the fraction of the second class it is cut where weights would.",
            _lower_cut(run),
        )
    change = changes.larger(config)
    heeded = config.training.class_weight or config.training.sampling == "balanced"
    if weighs and not heeded and weight_of(config.data) is None:
        change = {"training": {"class_weight": "balanced"}}
    return Diagnosis(
        run.one_answer,
        "A network that ignores its inputs does that. Where one class is frequent, weights make "
        "the others count; else the inputs do not determine the target, or too little was learned.",
        changes.together(change, changes.scaled_inputs(config)),
    )


def _no_better_than_the_commonest(run: Evidence) -> Diagnosis | None:
    """The accuracy is that of an answer that looks at no input, though the loss has fallen."""
    if run.one_answer or run.trivial is None or run.beats_guessing is False:
        return None
    for part, prefix in (("validation", "val_"), ("train", "")):
        trivial = run.trivial.metrics.get(part, {}).get("accuracy")
        reached = run.column(f"{prefix}accuracy")
        if trivial is None or not reached:
            continue
        if len(reached) < LEAST_EPOCHS or trivial >= 1 or max(reached) > trivial:
            return None
        return Diagnosis(
            f"the accuracy of the {part} part did not rise above {number(max(reached))}; "
            f"{run.trivial.words} has {number(trivial)}",
            "By its answers the network is no success: saying the commonest class of every row is "
            "right as often. Its probabilities may tell more: look at the AUC, at precision and "
            "recall, and cut them lower.",
            _lower_cut(run) if run.better_threshold is not None else changes.larger(run.config),
        )
    return None


def _no_better_than_guessing(run: Evidence) -> Diagnosis | None:
    """The training loss is about that of a network that ignores its inputs."""
    losses, guess = run.column("loss"), run.guess
    if guess is None or run.beats_guessing is not False:
        return None
    return Diagnosis(
        f"the training loss did not fall below {number(min(losses))}; always giving the same "
        f"answer has {number(guess)}",
        "The network has found nothing in the inputs: it is too small for the rule behind the "
        "rows, its steps are too small or too large, or the inputs do not determine the target.",
        changes.larger(run.config),
    )


def _unfinished(run: Evidence) -> Diagnosis | None:
    """The loss was still falling when the training ended."""
    losses = run.column("val_loss") or run.column("loss")
    if len(losses) < 2 * LEAST_EPOCHS or run.diverged or is_learned(losses[-1], losses):
        return None
    tenth = max(2, len(losses) // 10)
    # Sums of as many epochs each: a single one may be low by chance.
    before, last = sum(losses[-2 * tenth : -tenth]), sum(losses[-tenth:])
    fell = 1 - last / before if before > 0 else 0.0
    if fell < 5 * _STILL or min(losses) < min(losses[-tenth:]):
        return None
    noise = _jitter(losses[len(losses) // 2 :]) * math.sqrt(2 / tenth)
    if (before - last) / tenth < _CLEAR * noise:
        return None
    part = "validation" if run.column("val_loss") else "training"
    training = run.config.training
    change: Change = {"epochs": 2 * training.epochs}
    if training.time_limit and len(losses) < training.epochs:  # more epochs would not be begun
        change = {"time_limit": f"{math.ceil(2 * training.seconds_allowed)}s"}
    return Diagnosis(
        f"the {part} loss still fell by {percent(fell)} over the last {tenth} of {len(losses)} "
        "epochs",
        "The training ended before the network had learned what it can.",
        {"training": change},
    )


def _jitter(values: list[float]) -> float:
    """Returns the standard deviation of a value around a course that is straight nearby.

    By second differences, whose variance is six times that of independent deviations.
    """
    bends = [c - 2 * b + a for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    return math.sqrt(sum(bend**2 for bend in bends) / (6 * len(bends)))


def _plateau(run: Evidence) -> Diagnosis | None:
    """The loss stood still for half of the training."""
    losses, validation = run.column("loss"), run.column("val_loss")
    if len(losses) < 4 * LEAST_EPOCHS or is_learned(min(losses), losses):
        return None
    half = len(losses) // 2
    gains = [_gain(values, half) for values in (losses, validation) if values]
    if max(gains) >= _STILL or run.beats_guessing is False:
        return None
    patience = max(2, len(losses) // 10)
    plateau = {"type": "ReduceLROnPlateau", "monitor": "loss", "factor": 0.3, "patience": patience}
    return Diagnosis(
        f"the training loss stayed at {number(min(losses[:half]))}: the last {len(losses) - half} "
        f"of {len(losses)} epochs lowered it by {percent(max(0.0, gains[0]))}",
        "Either the steps are too large to get deeper, which a falling learning rate shows, or "
        "nothing is left to learn, and fewer epochs do.",
        changes.with_callback(run.config, plateau),
    )


def _overfitting(run: Evidence) -> Diagnosis | None:
    """The validation loss rose while the training loss fell."""
    losses, validation = run.column("loss"), run.column("val_loss")
    keeps_best = any(
        callback.type == "EarlyStopping" and callback.parameters.get("restore_best_weights") is True
        for callback in run.config.training.callbacks
    )
    if len(validation) < LEAST_EPOCHS or keeps_best:
        return None
    best = validation.index(min(validation))
    # A rise of an epoch or two can be noise: it must last for a tenth of the training.
    patience = max(3, len(validation) // 10)
    rose = validation[-1] > _WORSE * validation[best] and losses[-1] < losses[best]
    if not rose or len(validation) - 1 - best < patience:
        return None
    stopping = {"type": "EarlyStopping", "monitor": "val_loss", "patience": patience}
    return Diagnosis(
        f"the validation loss was lowest in epoch {best + 1} ({number(validation[best])}) and rose "
        f"to {number(validation[-1])} by epoch {len(validation)}, while the training loss fell "
        f"from {number(losses[best])} to {number(losses[-1])}",
        "The network went on to learn the training rows by heart, and the weights of the last "
        "epoch were kept. Stopping in time keeps those of the best one.",
        changes.with_callback(run.config, {**stopping, "restore_best_weights": True}),
    )


def _generalization_gap(run: Evidence) -> Diagnosis | None:
    """The network does far better on the rows that it trained on than on others."""
    found = run.gap
    if found is None:
        return None
    name, epoch, training, validation = found
    drops = any("Dropout" in layer.type for layer in run.config.model.layers)
    change = changes.with_penalty if drops else changes.with_dropout
    return Diagnosis(
        f"in epoch {epoch}, the best by validation loss, {name} is {number(training)} on the "
        f"training part and {number(validation)} on the validation part",
        "What the network learned holds for the training rows more than for others. More rows "
        "help most; Dropout, a penalty on the weights or a smaller network hold it back.",
        change(run.config),
    )


CHECKS: Mapping[str, Callable[[Evidence], Diagnosis | None]] = {
    "diverged": _diverged,
    "exploding-gradients": _exploding_gradients,
    "vanishing-gradients": _vanishing_gradients,
    "dead-units": _dead_units,
    "saturated-units": _saturated_units,
    "rising-loss": _rising_loss,
    "jumping-loss": _jumping_loss,
    "one-answer": _one_answer,
    "no-better-than-guessing": _no_better_than_guessing,
    "no-better-than-the-commonest": _no_better_than_the_commonest,
    "unfinished": _unfinished,
    "plateau": _plateau,
    "overfitting": _overfitting,
    "generalization-gap": _generalization_gap,
}
"""The checks by the id of what they find; causes before their effects."""


def _compared(first: LayerStatistics, last: LayerStatistics) -> str:
    times = number(first.slope / last.slope)
    return (
        f"the typical gradient by a weight is {number(first.slope)} in {first.name}, the first "
        f"layer, and {number(last.slope)} in {last.name}, the last one: {times} times as large"
    )


def _lower_cut(run: Evidence) -> Change:
    return {"evaluation": {"threshold": run.better_threshold}}


def _gain(values: list[float], half: int) -> float:
    """Returns by which fraction the second half of the epochs lowered the least value."""
    least = min(values[:half])
    return (least - min(values[half:])) / abs(least) if least else 0.0
