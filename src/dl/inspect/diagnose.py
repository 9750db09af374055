"""What happened in a training, from its history and its weights, and what to try.

Light: the layers are measured elsewhere; here the numbers are judged. What can be said of a config
before it is trained is advice of `dl.config.rules`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dl.config.data import weight_of
from dl.config.rules.facts import output_of
from dl.config.schema import Config
from dl.inspect import LayerStatistics, NetworkStatistics, changes
from dl.inspect.changes import Change
from dl.rundir.record import Trivial
from dl.text import number, percent
from dl.vocabulary.traits import BINARY, CLASSIFICATION, CROSS_ENTROPIES, PERCEPTRON, SATURATING

# The thresholds are those of a person who reads curves: high enough that what a healthy training
# does by chance stays below them, since a false alarm costs more trust than a miss.

_LEAST_EPOCHS = 5
"""Fewer say nothing of a course; what looks at late epochs alone needs several times as many."""
_RISE = 1.5
"""So many times its least value the training loss must end at: noise of small batches moves it by
some percent, a quarter at the most."""
_JUMP = 1.1
_OFTEN = 1 / 3
"""A rise by a tenth is a jump; a third of the epochs is often: by chance every second epoch rises
at a plateau, but by less than a tenth."""
_WORSE = 1.1
"""So many times its least value the validation loss must end at: it wavers by some percent."""
_GAP = 0.15
"""Accuracy on the training part above that on the validation part: of 100 validation rows, chance
alone makes a tenth either way."""
_LOSS_GAP = 3.0
"""The same of losses, where no accuracy is measured: a loss has no scale, so only a multiple."""
_GUESSING = 0.95
"""Fraction of the loss of a constant answer that a network must come below to have learned."""
_STILL = 0.01
"""A fall by less than a hundredth is none; five times as much is one that should go on."""
_LEARNED = 0.01
"""A loss below this fraction of the first one has nothing left to fall."""
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
class Evidence:
    """A run as the checks see it.

    Attributes:
        config: Its config, complete.
        history: A row for each whole epoch.
        diverged: Where the loss became NaN or infinite, in words; empty if it did not.
        network: The statistics of its layers, where they could be measured.
        one_answer: What the network answers always, in words; empty if its answers differ.
        trivial: What it had to beat; None where that is not known.
    """

    config: Config
    history: Sequence[Mapping[str, float]]
    diverged: str = ""
    network: NetworkStatistics | None = None
    one_answer: str = ""
    trivial: Trivial | None = None

    def column(self, name: str) -> list[float]:
        """Returns a column of the history; empty if an epoch lacks it or has no finite value."""
        values = [row.get(name, math.nan) for row in self.history]
        return values if all(map(math.isfinite, values)) else []

    @property
    def layers(self) -> tuple[LayerStatistics, ...]:
        """The layers that were measured."""
        return self.network.layers if self.network else ()


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
    ends = _ends(run)
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
    ends = _ends(run)
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
    if run.diverged or len(losses) < _LEAST_EPOCHS or _is_perceptron(run):
        return None
    least, last = min(losses), losses[-1]
    if last < _RISE * least or _is_learned(last, losses):
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
    if len(losses) < 2 * _LEAST_EPOCHS or _is_perceptron(run) or _is_learned(min(losses), losses):
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
    change, threshold = changes.larger(config), _better_threshold(run)
    if threshold is not None:
        return Diagnosis(
            run.one_answer,
            "It has learned which rows are likelier of the rare class, for its loss is below that "
            "of the fractions of the classes, but hardly one of them gets a probability beyond "
            "the threshold. At the fraction of the second class it is cut where weights would.",
            {"evaluation": {"threshold": threshold}},
        )
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
    if run.one_answer or run.trivial is None or _no_better_than_guessing(run) is not None:
        return None
    for part, prefix in (("validation", "val_"), ("train", "")):
        trivial = run.trivial.metrics.get(part, {}).get("accuracy")
        reached = run.column(f"{prefix}accuracy")
        if trivial is None or not reached:
            continue
        if len(reached) < _LEAST_EPOCHS or trivial >= 1 or max(reached) > trivial:
            return None
        threshold = _better_threshold(run)
        return Diagnosis(
            f"the accuracy of the {part} part did not rise above {number(max(reached))}; "
            f"{run.trivial.words} has {number(trivial)}",
            "By its answers the network is no success: saying the commonest class of every row is "
            "right as often. Its probabilities may tell more: look at the AUC, at precision and "
            "recall, and cut them lower.",
            changes.larger(run.config)
            if threshold is None
            else {"evaluation": {"threshold": threshold}},
        )
    return None


def _no_better_than_guessing(run: Evidence) -> Diagnosis | None:
    """The training loss is about that of a network that ignores its inputs."""
    losses, guess = run.column("loss"), _guess(run)
    if not losses or guess is None or min(losses) < _GUESSING * guess:
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
    if len(losses) < 2 * _LEAST_EPOCHS or run.diverged or _is_learned(losses[-1], losses):
        return None
    tenth = max(2, len(losses) // 10)
    # Sums of as many epochs each: a single one may be low by chance.
    before, last = sum(losses[-2 * tenth : -tenth]), sum(losses[-tenth:])
    fell = 1 - last / before if before > 0 else 0.0
    if fell < 5 * _STILL or min(losses) < min(losses[-tenth:]):
        return None
    part = "validation" if run.column("val_loss") else "training"
    return Diagnosis(
        f"the {part} loss still fell by {percent(fell)} over the last {tenth} of {len(losses)} "
        "epochs",
        "The training ended before the network had learned what it can.",
        {"training": {"epochs": 2 * run.config.training.epochs}},
    )


def _plateau(run: Evidence) -> Diagnosis | None:
    """The loss stood still for half of the training."""
    losses, validation = run.column("loss"), run.column("val_loss")
    if len(losses) < 4 * _LEAST_EPOCHS or _is_learned(min(losses), losses):
        return None
    half = len(losses) // 2
    gains = [_gain(values, half) for values in (losses, validation) if values]
    if max(gains) >= _STILL or _no_better_than_guessing(run) is not None:
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
    if len(validation) < _LEAST_EPOCHS or keeps_best:
        return None
    best = validation.index(min(validation))
    # A rise of an epoch or two can be noise: it must last for a tenth of the training.
    patience = max(3, len(validation) // 10)
    rose = validation[-1] > _WORSE * validation[best] and losses[-1] < losses[best]
    if not rose or len(validation) - 1 - best < patience:
        return None
    stopping = {
        "type": "EarlyStopping",
        "monitor": "val_loss",
        "patience": patience,
        "restore_best_weights": True,
    }
    return Diagnosis(
        f"the validation loss was lowest in epoch {best + 1} ({number(validation[best])}) and rose "
        f"to {number(validation[-1])} by epoch {len(validation)}, while the training loss fell "
        f"from {number(losses[best])} to {number(losses[-1])}",
        "The network went on to learn the training rows by heart, and the weights of the last "
        "epoch were kept. Stopping in time keeps those of the best one.",
        changes.with_callback(run.config, stopping),
    )


def _generalization_gap(run: Evidence) -> Diagnosis | None:
    """The network does far better on the rows that it trained on than on others."""
    found = _gap(run)
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


def _ends(run: Evidence) -> tuple[LayerStatistics, LayerStatistics] | None:
    """Returns the first and the last layer, where there are two and the last one has a gradient."""
    if len(run.layers) < 2 or not 0 < run.layers[-1].slope < math.inf:
        return None
    return run.layers[0], run.layers[-1]


def _compared(first: LayerStatistics, last: LayerStatistics) -> str:
    times = number(first.slope / last.slope)
    return (
        f"the typical gradient by a weight is {number(first.slope)} in {first.name}, the first "
        f"layer, and {number(last.slope)} in {last.name}, the last one: {times} times as large"
    )


def _gap(run: Evidence) -> tuple[str, int, float, float] | None:
    """Returns a measure, the best epoch, and its values there on both parts, if they lie apart."""
    losses, validation = run.column("loss"), run.column("val_loss")
    if len(validation) < _LEAST_EPOCHS:
        return None
    best = validation.index(min(validation))
    for name in run.history[0]:
        training, other = run.column(name), run.column(f"val_{name}")
        if "accuracy" in name and training and other:
            apart = training[best] - other[best] >= _GAP
            return (name, best + 1, training[best], other[best]) if apart else None
    if losses[best] > 0 and validation[best] >= _LOSS_GAP * losses[best]:
        return ("the loss", best + 1, losses[best], validation[best])
    return None


def _guess(run: Evidence) -> float | None:
    """Returns the training loss of the best constant answer: the entropy of the class shares."""
    config = run.config
    training, output = config.training, output_of(config.model)
    if training.class_weight is not None or training.sampling == "balanced":
        return None
    if run.trivial is not None and "loss" in run.trivial.metrics.get("train", {}):
        return run.trivial.metrics["train"]["loss"]
    standardized = config.preprocess.target in ("standardize", "log1p")
    if training.loss.type == "MeanSquaredError" and standardized:
        return 1.0  # the variance of a standardized target
    if training.loss.type not in CROSS_ENTROPIES or output is None or not output.units:
        return None
    one_of_two = output.units == 1 or training.loss.type in BINARY
    return math.log(2 if one_of_two else output.units)  # the entropy of equally frequent classes


def _better_threshold(run: Evidence) -> float | None:
    """Returns the fraction of the second of two classes, where a network that has learned is cut.

    C. Elkan, "The foundations of cost-sensitive learning", IJCAI (2001), theorem 2: probabilities
    that are cut there decide as those of balanced classes, cut at a half.
    """
    config, trivial, losses = run.config, run.trivial, run.column("loss")
    guess = _guess(run)
    if trivial is None or len(trivial.answer) != 2 or guess is None or not losses:
        return None
    cut = config.training.loss.type in BINARY and output_of(config.model).units == 1
    if not cut or config.evaluation.threshold != 0.5 or min(losses) >= _GUESSING * guess:
        return None
    return float(f"{trivial.answer[1]:.2g}")


def _is_perceptron(run: Evidence) -> bool:
    """Tells whether the rate only sets the scale, so that another one changes nothing."""
    return run.config.training.loss.type == PERCEPTRON


def _is_learned(loss: float, losses: list[float]) -> bool:
    return loss <= _LEARNED * max(losses[0], 0.0)


def _gain(values: list[float], half: int) -> float:
    """Returns by which fraction the second half of the epochs lowered the least value."""
    least = min(values[:half])
    return (least - min(values[half:])) / abs(least) if least else 0.0
