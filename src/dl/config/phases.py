"""The phases of a training: which layers learn in which epochs, and how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal

from dl.vocabulary.catalog import Object, entries
from dl.vocabulary.composed import ListOf
from dl.vocabulary.names import with_names
from dl.vocabulary.rules import broken_rules
from dl.vocabulary.sections import AboveZero, Count, Section, Texts
from dl.vocabulary.spec import Findings, Kind, Path, Spec
from dl.vocabulary.types import ParameterType, Steps

if TYPE_CHECKING:
    from dl.config.schema import Config, Model, Training

RATE = "learning_rate"


class Phase(Section):
    """Epochs in which the same layers learn in the same way; they follow those before them."""

    epochs: Count
    freeze: Texts | None = None
    train_only: Texts | None = None
    optimizer: Annotated[Spec, Object(Kind.OPTIMIZER)] | None = None
    learning_rate: AboveZero | None = None
    batch_size: Count | Literal["full"] | None = None
    callbacks: tuple[Annotated[Spec, Object(Kind.CALLBACK)], ...] | None = None


@dataclass(frozen=True, slots=True)
class PhasePlan:
    """A phase with all that holds in it; a training without phases is a single one.

    Attributes:
        number: Its number, from 1.
        training: The section `training` as it holds in the phase: its epochs, its optimizer…
        frozen: Names of the layers whose weights stay as they are.
        goes_on: Whether the optimizer of the phase before goes on.
        phase: What the config says of it; None for a training without phases.
    """

    number: int
    training: Training
    frozen: frozenset[str]
    goes_on: bool = False
    phase: Phase | None = None

    @property
    def path(self) -> Path:
        """Where it stands in the config."""
        return ("training",) if self.phase is None else ("training", "phases", self.number - 1)

    def place(self, name: str) -> Path:
        """Returns where a key of `training` stands that holds in it."""
        own = getattr(self.phase, name, None) is not None
        return (*(self.path if own else ("training",)), name)

    def of(self, config: Config) -> Config:
        """Returns the config as it holds in it."""
        return replace(config, training=self.training)


def phases_of(model: Model, training: Training) -> list[PhasePlan]:
    """Returns the phases of a training, in their order."""
    fixed = fixed_layers(model)
    if not training.phases:
        return [PhasePlan(1, training, fixed)]
    names, plans = layer_names(model), list[PhasePlan]()
    before, begun = training.optimizer, frozenset[str]()
    for number, phase in enumerate(training.phases, start=1):
        frozen = fixed | _frozen(phase, names)
        optimizer = phase.optimizer or before
        scheduled = phase.learning_rate is not None and isinstance(
            before.parameters.get(RATE), Spec
        )
        # Keras' optimizers know the weights that they began with, and average all of them.
        fewer = frozen > begun and not optimizer.parameters.get("use_ema")
        goes_on = number > 1 and phase.optimizer is None and (frozen == begun or fewer)
        goes_on = goes_on and not scheduled
        if phase.learning_rate is not None:
            optimizer = optimizer_with_rate(optimizer, phase.learning_rate)
        if not goes_on:
            begun = frozen
        holds = replace(
            training,
            phases=(),
            epochs=phase.epochs,
            optimizer=optimizer,
            batch_size=phase.batch_size or training.batch_size,
            callbacks=training.callbacks if phase.callbacks is None else phase.callbacks,
        )
        plans.append(PhasePlan(number, holds, frozen, goes_on, phase))
        before = optimizer
    return plans


def optimizer_with_rate(optimizer: Spec, rate: object) -> Spec:
    """Returns an optimizer with another learning rate, or schedule of it."""
    return replace(optimizer, parameters={**optimizer.parameters, RATE: rate})


def layer_names(model: Model) -> list[str]:
    """Returns the names of the layers, in their order, but for an input."""
    named = with_names(model.layers)
    return [str(layer.parameters["name"]) for layer in named if layer.type != "Input"]


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Returns the names that are meant by a name or a pattern with `*`."""
    return [name for name in names if fnmatchcase(name, pattern)]


def fixed_layers(model: Model) -> frozenset[str]:
    """Returns the layers that the config trains in no phase."""
    named = with_names(model.layers)
    fixed = (layer for layer in named if layer.parameters.get("trainable") is False)
    return frozenset(str(layer.parameters["name"]) for layer in fixed)


def _frozen(phase: Phase, names: list[str]) -> frozenset[str]:
    patterns = phase.train_only if phase.freeze is None else phase.freeze
    meant = {name for pattern in patterns or () for name in matching(pattern, names)}
    if phase.freeze is None and phase.train_only is not None:
        return frozenset(names) - meant
    return frozenset(meant)


def in_steps(schedule: Spec, epoch: int, epochs: int) -> Spec:
    """Returns a learning-rate schedule with its durations in steps.

    Args:
        schedule: The schedule.
        epoch: Steps of an epoch.
        epochs: Epochs of the training.

    Raises:
        Findings: In steps, they contradict each other.
    """

    def counted(kind: ParameterType, value: Any) -> Any:
        if isinstance(kind, ListOf):
            return tuple(counted(kind.item, item) for item in value)
        return kind.in_steps(value, epoch, epochs) if isinstance(kind, Steps) else value

    known = entries(Kind.SCHEDULE)[schedule.type].parameters
    steps = {name: counted(known[name].type, item) for name, item in schedule.parameters.items()}
    if findings := broken_rules(steps):
        raise Findings(findings)
    return replace(schedule, parameters=steps)
