"""What the config says about the model's outputs: their number, the activation, the loss."""

from __future__ import annotations

from dataclasses import dataclass

from dl.config.rules.output import keeps_axes
from dl.config.rules.output import output_of as end_of
from dl.config.schema import Config
from dl.vocabulary.spec import Path
from dl.vocabulary.traits import from_logits


@dataclass(frozen=True, slots=True)
class Output:
    """The outputs that the config declares.

    Attributes:
        loss: The canonical name of the loss.
        from_logits: Whether the loss takes outputs before softmax or sigmoid.
        activation: The canonical name of the last activation; empty where one cannot tell.
        units: The number of outputs; None where one cannot tell.
        units_path: Where that number stands in the config.
        channels: The number of outputs at each step or pixel; None where one cannot tell.
        reshaped: The shape of a row's outputs, where a `Reshape` ends the network.
        keeps_axes: Whether the outputs of a row have several axes; None: if those of the input do.
    """

    loss: str
    from_logits: bool
    activation: str
    units: int | None = None
    units_path: Path = ()
    channels: int | None = None
    reshaped: tuple[int, ...] | None = None
    keeps_axes: bool | None = False


def output_of(config: Config) -> Output:
    """Returns what the config says about the outputs."""
    loss = config.training.loss
    logits = from_logits(loss)
    end, axes = end_of(config.model), keeps_axes(config.model)
    if end is None:
        return Output(loss.type, logits, "", keeps_axes=axes)
    return Output(
        loss.type,
        logits,
        end.activation,
        end.units,
        end.units_path,
        end.channels,
        end.reshaped,
        axes,
    )
