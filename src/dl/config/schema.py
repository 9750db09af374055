"""The whole config as one frozen type, its sections but for `data` and `preprocess`, and the way
back: a config as text and plain data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Literal, cast

from dl.config.data import Data
from dl.config.nodes import flat_document, yaml_text
from dl.config.phases import Phase, PhasePlan, in_steps, optimizer_with_rate, phases_of
from dl.config.preprocess import Preprocess
from dl.vocabulary.catalog import Object
from dl.vocabulary.composed import ListOf, Nullable
from dl.vocabulary.names import called_here, metric_name
from dl.vocabulary.sections import (
    AboveZero,
    Count,
    RunName,
    Section,
    Seed,
    Switch,
    Texts,
    field_of,
    keys,
)
from dl.vocabulary.spec import Findings, Kind, Spec, document
from dl.vocabulary.spec import Path as Place
from dl.vocabulary.types import COUNT, Choice, Number, Text

TimeLimit = Annotated[
    str, Text("a time such as 90s, 10m or 2h", r"(?=.*[1-9])\d{1,9}(\.\d{1,9})?[smhd]")
]
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_OPTIMIZER = Object(Kind.OPTIMIZER)


MODEL_FILES = (".h5", ".keras")
"""How files end that hold a model, or its weights."""


class Start(Section):
    """Weights to begin from, instead of random ones: those of layers of the same name and shape."""

    from_: str
    layers: Texts | None = None


class Model(Section):
    """A stack of layers."""

    input_shape: Annotated[tuple[int | None, ...], ListOf(Nullable(COUNT))] | None = None
    layers: Annotated[tuple[Spec, ...], ListOf(Object(Kind.LAYER, also=Kind.BASE))]
    start: Start | None = None

    @property
    def placed_layers(self) -> list[tuple[int, Spec, tuple[str | int, ...]]]:
        """The layers with their positions and paths."""
        return [(i, layer, ("model", "layers", i)) for i, layer in enumerate(self.layers)]


class Mixing(Section):
    """Training rows that are mixed with each other, and their targets in the same proportion."""

    type: Literal["none", "mixup", "cutmix"] = "none"
    alpha: AboveZero | None = None

    @property
    def strength(self) -> float:
        """The parameter of the Beta distribution."""
        return self.alpha or (0.2 if self.type == "mixup" else 1.0)


class Training(Section):
    """How the model learns."""

    loss: Annotated[Spec, Object(Kind.LOSS)]
    optimizer: Annotated[Spec, _OPTIMIZER] = field(
        default=cast(Spec, "adam")
    )  # see `__post_init__`
    metrics: tuple[Annotated[Spec, Object(Kind.METRIC)], ...] = ()
    batch_size: Count | Literal["full"] = 32
    solver: Literal["gradient_descent", "normal_equation"] = "gradient_descent"
    epochs: Count = 10
    phases: tuple[Phase, ...] = ()
    time_limit: TimeLimit | None = None
    shuffle: bool = True
    sampling: Literal["without_replacement", "with_replacement", "balanced"] = "without_replacement"
    class_weight: Literal["balanced"] | dict[str, AboveZero] | None = None
    output_bias: Literal["initializer", "targets"] = "initializer"
    mixing: Mixing = Mixing()
    callbacks: tuple[Annotated[Spec, Object(Kind.CALLBACK)], ...] = ()

    @property
    def seconds_allowed(self) -> float:
        """The time limit in seconds; infinite where there is none."""
        text = self.time_limit
        return float(text[:-1]) * _SECONDS[text[-1]] if text else math.inf

    def __post_init__(self) -> None:
        """Calls what a callback watches as the history does: `val_mae`, whatever was written."""
        # A frozen dataclass has no other way to keep a value in another form than it was given.
        object.__setattr__(self, "optimizer", _OPTIMIZER.check(self.optimizer))
        object.__setattr__(self, "callbacks", _watching(self.callbacks, self.metrics))
        if self.phases:
            phases = tuple(
                replace(phase, callbacks=_watching(phase.callbacks, self.metrics))
                if phase.callbacks
                else phase
                for phase in self.phases
            )
            object.__setattr__(self, "phases", phases)
            object.__setattr__(self, "epochs", sum(phase.epochs for phase in phases))


def _watching(callbacks: tuple[Spec, ...], metrics: tuple[Spec, ...]) -> tuple[Spec, ...]:
    return tuple(_watching_one(callback, metrics) for callback in callbacks)


def _watching_one(callback: Spec, metrics: tuple[Spec, ...]) -> Spec:
    monitor = callback.parameters.get("monitor")
    if not isinstance(monitor, str):
        return callback
    names = [f"{part}{metric_name(metric)}" for metric in metrics for part in ("", "val_")]
    named = called_here(monitor, names, metrics)
    return replace(callback, parameters={**callback.parameters, "monitor": named})


class Evaluation(Section):
    """What the metrics, the pictures and the predictions take for granted."""

    threshold: Annotated[float, Number(above=0, below=1)] = 0.5


class Engine(Section):
    """How the steps of the training are run."""

    compile: bool | Literal["auto"] = "auto"
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    steps_per_call: Count | Literal["auto"] = "auto"
    memory: Count | Literal["auto"] = "auto"
    front: Literal["auto", "once", "each_step"] = "auto"
    distribute: Literal["none", "mirrored"] = "none"


class Mlflow(Section):
    """A store of MLflow that gets a copy of the run; needs the extra `dl-keras[mlflow]`."""

    uri: str | None = None
    experiment: str | None = None
    artifacts: bool = True


class Tracking(Section):
    """Where a copy of each run goes, beside its own directory."""

    mlflow: Annotated[Mlflow | None, Switch(Mlflow)] = None


OF_CONFIG = (
    *("output-activation", "output-units", "loss-for-classes", "loss-encoding"),
    *("unscaled-inputs", "learning-rate", "slow-sgd", "linear-hidden", "saturating-hidden"),
    *("frozen-random", "dropout-last", "unused-mask", "missing-mask"),
    *("too-many-parameters", "batch-size"),
    *("no-validation", "no-shuffle", "one-epoch", "no-metrics", "no-accuracy", "imbalance"),
    *("callback-never-fires", "keep-best"),
    *("scaled-twice", "sampling-rate", "unfrozen-base", "fine-tuning-rate"),
)
"""The ids of advice on a config: the names of the rules of `dl.config.rules.advice`, with `-` for
`_`."""
OF_DATA = (
    *("empty-column", "constant-column", "identifier", "free-text", "many-categories"),
    *("repeated-column", "target-leak", "months", "stand-in", "few-validation-rows"),
    *("missing-class", "unscaled-target", "unused-threshold", "texts-cut"),
)
"""The ids of advice on data that was read, of `dl.data.doubts` and `dl.data.rules`."""
OF_TABLES = (
    *("duplicate-rows", "groups-across-parts", "order-in-time", "future-column", "parts-differ"),
)
"""The ids of what `dl data` finds, of `dl.audit.leaks`."""
ADVICE = (*OF_CONFIG, *OF_DATA, *OF_TABLES)
"""The ids that switch advice off."""


class Lint(Section):
    """What `dl lint` and the notes of `dl train` keep silent about."""

    ignore: tuple[Annotated[str, Choice(ADVICE)], ...] = ()


class Config(Section):
    """One experiment: what to train, on what, and how."""

    name: RunName
    seed: Seed = 0
    data: Data
    preprocess: Preprocess = field(default=Preprocess())
    model: Model
    training: Training
    evaluation: Evaluation = Evaluation()
    engine: Engine = Engine()
    tracking: Tracking = Tracking()
    lint: Lint = Lint()

    @property
    def phases(self) -> list[PhasePlan]:
        """The phases of the training; a single one where the config has none."""
        return phases_of(self.model, self.training)


RATE = ("training", "optimizer", "learning_rate")


def schedule_of(training: Training) -> Spec | None:
    """Returns the schedule that the learning rate follows, None where it is a number."""
    return _schedule(training.optimizer)


def _schedule(optimizer: Spec) -> Spec | None:
    rate = optimizer.parameters.get(RATE[-1])
    return rate if isinstance(rate, Spec) and rate.kind is Kind.SCHEDULE else None


def with_rate(config: Config, rate: object) -> Config:
    """Returns the config with another learning rate, or schedule of it."""
    changed = optimizer_with_rate(config.training.optimizer, rate)
    return replace(config, training=replace(config.training, optimizer=changed))


def with_steps(config: Config, rows: int) -> Config:
    """Returns the config with the durations of its learning-rate schedules in steps.

    So they stay what they were where the run is resumed for more epochs, or repeated for fewer.
    Those of the optimizer of a phase are parts of the phase.

    Args:
        config: The config.
        rows: Rows of the training part.

    Raises:
        Findings: In steps, the durations contradict each other.
    """
    training = config.training

    def counted(optimizer: Spec, size: int | str, epochs: int, path: Place) -> Spec:
        schedule = _schedule(optimizer)
        if schedule is None:
            return optimizer
        epoch = -(-rows // size) if isinstance(size, int) else 1
        try:
            return optimizer_with_rate(optimizer, in_steps(schedule, epoch, epochs))
        except Findings as error:
            below = (*path, *RATE[1:])
            raise Findings([finding.below(below) for finding in error.findings]) from error

    phases = tuple(
        replace(
            phase,
            optimizer=phase.optimizer
            and counted(
                phase.optimizer,
                phase.batch_size or training.batch_size,
                phase.epochs,
                ("training", "phases", index),
            ),
        )
        for index, phase in enumerate(training.phases)
    )
    whole = counted(training.optimizer, training.batch_size, training.epochs, ("training",))
    return replace(config, training=replace(training, optimizer=whole, phases=phases))


_FIRST = ("source", "dataset", "path", "target", "features")
"""The keys that stand first in `data`, because they say what it is about."""


def resolved_text(config: Config, folder: Path | None = None) -> str:
    """Returns the config as YAML, every default written out; it loads as an equal config.

    Args:
        config: The config.
        folder: Where the text goes together with its data; a file in it is named without it.
    """
    document = document_of(config)
    data = document["data"]
    path = data.get("path") if isinstance(data, dict) else None
    if isinstance(data, dict) and isinstance(path, str) and Path(path).parent == folder:
        data["path"] = Path(path).name
    training = document["training"]
    if isinstance(training, dict) and training["phases"]:
        del training["epochs"]  # each phase says its own
    return yaml_text(document)


def document_of(section: Section) -> dict[str, object]:
    """Returns a config, or a section, as plain data, in the order in which it is written."""
    names = key_order(type(section))
    return {name: plain_data(getattr(section, field_of(name))) for name in names}


def key_order(section: type[Section]) -> list[str]:
    """Returns the keys of a section in the order in which they are written."""
    known = list(keys(section))
    first = [key for key in _FIRST if key in known] if "source" in known else []
    return first + [key for key in known if key not in first]


def flat(config: Config) -> dict[str, object]:
    """Returns every value by its dotted path, as `--set` and a comparison name it.

    A layer, metric or callback with a name is found under it, else under its position.
    A list of single values is one value.
    """
    return flat_document(document_of(config))


def plain_data(value: object) -> object:
    """Returns a value of a config as dicts with text keys, lists, text, numbers and None."""
    if isinstance(value, Section):
        return document_of(value)
    if isinstance(value, Spec):
        return document(value)
    if isinstance(value, tuple | list):
        return [plain_data(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    return value
