"""Checks on the history: did the network learn, and did it learn more than the rows by heart?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from dl.config.rules.facts import output_of
from dl.config.schema import Config
from dl.diagnose import changes
from dl.diagnose.case import Case, Diagnosis
from dl.text import number, percent
from dl.vocabulary.traits import BINARY, CLASSIFICATION, CROSS_ENTROPIES, PERCEPTRON

_LEAST_EPOCHS = 5
_RISE = 1.5
_JUMP = 1.1
_OFTEN = 1 / 3
_WORSE = 1.1
_GAP = 0.15
_LOSS_GAP = 3.0
_GUESSING = 0.95
_STILL = 0.01
_LEARNED = 0.01
"""A loss below this share of the first one has nothing left to fall."""


def diverged(case: Case) -> Iterator[Diagnosis]:
    """The loss became infinite or no number."""
    if not case.left_numbers:
        return
    losses = case.column("loss")
    before = f", after {number(losses[-1])} in epoch {len(losses)}" if losses else ""
    yield Diagnosis(
        f"the loss became infinite or no number in {case.left_numbers}{before}",
        "Each step went further than the slope holds, so the next one was larger still. Smaller "
        "steps help; inputs far from 0 make all of them too large.",
        changes.together(changes.slower(case.config, 0.1), changes.scaled_inputs(case.config)),
    )


def rising_loss(case: Case) -> Iterator[Diagnosis]:
    """The training loss ended well above its least value."""
    losses = case.column("loss")
    if case.left_numbers or len(losses) < _LEAST_EPOCHS or _is_perceptron(case):
        return
    least, last = min(losses), losses[-1]
    if last < _RISE * least or _is_learned(last, losses):
        return
    yield Diagnosis(
        f"the training loss was {number(least)} in epoch {losses.index(least) + 1} and rose to "
        f"{number(last)} by epoch {len(losses)}",
        "On the rows that it trains on, the loss of a network should fall; steps that are too "
        "large throw it out of the valley that it had found.",
        changes.slower(case.config, 0.2),
    )


def jumping_loss(case: Case) -> Iterator[Diagnosis]:
    """The training loss went up and down."""
    losses = case.column("loss")
    if len(losses) < 2 * _LEAST_EPOCHS or _is_perceptron(case) or _is_learned(min(losses), losses):
        return
    late = losses[len(losses) // 3 :]
    jumps = sum(after > _JUMP * before for before, after in itertools.pairwise(late))
    if jumps < _OFTEN * (len(late) - 1):
        return
    yield Diagnosis(
        f"the training loss rose by more than {percent(_JUMP - 1)} in {jumps} of the last "
        f"{len(late) - 1} epochs",
        "The steps jump across the valley instead of down into it. Smaller steps, or larger "
        "batches, follow the slope more closely.",
        changes.slower(case.config, 0.3),
    )


def overfitting(case: Case) -> Iterator[Diagnosis]:
    """The validation loss rose while the training loss fell."""
    losses, validation = case.column("loss"), case.column("val_loss")
    if len(validation) < _LEAST_EPOCHS or _keeps_best(case.config):
        return
    best = validation.index(min(validation))
    patience = max(3, len(validation) // 10)
    rose = validation[-1] > _WORSE * validation[best] and losses[-1] < losses[best]
    if not rose or len(validation) - 1 - best < patience:
        return
    yield Diagnosis(
        f"the validation loss was least in epoch {best + 1} ({number(validation[best])}) and rose "
        f"to {number(validation[-1])} by epoch {len(validation)}, while the training loss fell "
        f"from {number(losses[best])} to {number(losses[-1])}",
        "The network went on to learn the training rows by heart, and the weights of the last "
        "epoch were kept. Stopping in time keeps those of the best one.",
        changes.with_callback(
            case.config,
            {
                "type": "EarlyStopping",
                "monitor": "val_loss",
                "patience": patience,
                "restore_best_weights": True,
            },
        ),
    )


def generalization_gap(case: Case) -> Iterator[Diagnosis]:
    """The network does far better on the rows that it trained on than on others."""
    found = _gap(case)
    if found is None:
        return
    name, epoch, training, validation = found
    dropping = any("Dropout" in layer.type for layer in case.config.model.layers)
    if dropping:
        change = changes.with_penalty(case.config)
    else:
        change = changes.with_dropout(case.config, 0.3)
    yield Diagnosis(
        f"in epoch {epoch}, the best by validation loss, {name} is {number(training)} on the "
        f"training part and {number(validation)} on the validation part",
        "What the network learned holds for the training rows more than for others. More rows "
        "help most; Dropout, a penalty on the weights or a smaller network hold it back.",
        change,
    )


def one_answer(case: Case) -> Iterator[Diagnosis]:
    """The network says the same of every row."""
    if not case.one_answer:
        return
    config = case.config
    weighs = config.training.loss.type in CLASSIFICATION and config.data.task != "multilabel"
    if weighs and config.training.class_weight is None:
        change = changes.balanced()
    else:
        change = changes.larger(config)
    yield Diagnosis(
        case.one_answer,
        "A network that ignores its inputs does that. Where one class is frequent, weights make "
        "the others count; else the inputs do not tell the target, or too little was learned.",
        changes.together(change, changes.scaled_inputs(config)),
    )


def no_better_than_guessing(case: Case) -> Iterator[Diagnosis]:
    """The training loss is about that of a network that ignores its inputs."""
    losses, guess = case.column("loss"), _guess(case.config)
    if not losses or guess is None or min(losses) < _GUESSING * guess:
        return
    yield Diagnosis(
        f"the training loss came no lower than {number(min(losses))}; always giving the same "
        f"answer has {number(guess)}",
        "The network has found nothing in the inputs: it is too small for the rule behind the "
        "rows, its steps are too small or too large, or the inputs do not tell the target.",
        changes.larger(case.config),
    )


def unfinished(case: Case) -> Iterator[Diagnosis]:
    """The loss was still falling when the training ended."""
    losses = case.column("val_loss") or case.column("loss")
    if len(losses) < 2 * _LEAST_EPOCHS or case.left_numbers or _is_learned(losses[-1], losses):
        return
    tenth = max(2, len(losses) // 10)
    before, last = _mean(losses[-2 * tenth : -tenth]), _mean(losses[-tenth:])
    fell = 1 - last / before if before > 0 else 0.0
    if fell < 5 * _STILL or min(losses) < min(losses[-tenth:]):
        return
    part = "validation" if case.column("val_loss") else "training"
    yield Diagnosis(
        f"the {part} loss still fell by {percent(fell)} over the last {tenth} of {len(losses)} "
        "epochs",
        "The training ended before the network had learned what it can.",
        changes.epochs(2 * case.config.training.epochs),
    )


def plateau(case: Case) -> Iterator[Diagnosis]:
    """The loss stood still for half of the training."""
    losses, validation = case.column("loss"), case.column("val_loss")
    if len(losses) < 4 * _LEAST_EPOCHS or _is_learned(min(losses), losses):
        return
    half = len(losses) // 2
    gains = [_gain(values, half) for values in (losses, validation) if values]
    if max(gains) >= _STILL or any(no_better_than_guessing(case)):
        return
    yield Diagnosis(
        f"the training loss stood at {number(min(losses[:half]))}: the last {len(losses) - half} "
        f"of {len(losses)} epochs lowered it by {percent(max(0.0, gains[0]))}",
        "Either the steps are too large to get deeper, which a falling learning rate shows, or "
        "nothing is left to learn, and fewer epochs do.",
        changes.with_callback(
            case.config,
            {
                "type": "ReduceLROnPlateau",
                "monitor": "loss",
                "factor": 0.3,
                "patience": max(2, len(losses) // 10),
            },
        ),
    )


def _gap(case: Case) -> tuple[str, int, float, float] | None:
    """Returns a measure, the best epoch, and its values there on both parts, if they lie apart."""
    losses, validation = case.column("loss"), case.column("val_loss")
    if len(validation) < _LEAST_EPOCHS:
        return None
    best = validation.index(min(validation))
    names = [name for name in case.history[0] if "accuracy" in name and name[:4] != "val_"]
    for name in names:
        training, other = case.column(name), case.column(f"val_{name}")
        if training and other:
            apart = training[best] - other[best] >= _GAP
            return (name, best + 1, training[best], other[best]) if apart else None
    if losses[best] > 0 and validation[best] >= _LOSS_GAP * losses[best]:
        return ("the loss", best + 1, losses[best], validation[best])
    return None


def _guess(config: Config) -> float | None:
    """Returns the loss of the best constant answer, where it follows from the config."""
    training, output = config.training, output_of(config.model)
    if training.class_weight is not None:
        return None
    if training.loss.type == "MeanSquaredError" and config.preprocess.target == "standardize":
        return 1.0
    if training.loss.type not in CROSS_ENTROPIES or output is None or not output.units:
        return None
    one_of_two = output.units == 1 or training.loss.type in BINARY
    return math.log(2 if one_of_two else output.units)


def _keeps_best(config: Config) -> bool:
    return any(
        callback.type == "EarlyStopping" and callback.parameters.get("restore_best_weights") is True
        for callback in config.training.callbacks
    )


def _is_perceptron(case: Case) -> bool:
    """Tells whether the rate only sets the scale, so that another one changes nothing."""
    return case.config.training.loss.type == PERCEPTRON


def _is_learned(loss: float, losses: list[float]) -> bool:
    return loss <= _LEARNED * max(losses[0], 0.0)


def _gain(values: list[float], half: int) -> float:
    """Returns by which share the second half of the epochs lowered the least value."""
    least = min(values[:half])
    return (least - min(values[half:])) / abs(least) if least else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
