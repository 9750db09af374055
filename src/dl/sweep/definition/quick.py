"""A sweep without a file: a config, and values to try from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dl.config.document import OptionPlaces, read_node
from dl.config.emit import yaml_text
from dl.config.load import load_config
from dl.config.nodes import MapNode, Node
from dl.config.overrides import option_text
from dl.errors import ConfigError, Mark
from dl.sweep.definition.load import Sweep, checked
from dl.sweep.definition.parameters import Parameter, grid_parameter
from dl.sweep.definition.schema import SweepFile


def quick_sweep(
    config: Path, grids: Sequence[str], overrides: Sequence[str], metric: str | None
) -> Sweep:
    """Returns the sweep of a grid over a config.

    Args:
        config: The base.
        grids: Options of the form PATH=VALUE,VALUE.
        overrides: What is changed of the base for all trials, as after `--set`.
        metric: The column of the history to compare; None for the default.

    Raises:
        ConfigError: The config, a path or a value is wrong.
    """
    base = load_config(config, overrides)
    parameters = [_parameter(option) for option in grids]
    objective = {} if metric is None else {"metric": metric}
    values = {
        "base": str(config.absolute()),
        "name": f"{base.config.name[:93]}-sweep",
        "objective": objective,
        "parameters": {parameter.key: parameter.values() for parameter in parameters},
    }
    file = SweepFile.model_validate(values)
    text = yaml_text(values).encode()
    option = Mark("--grid" if metric is None else option_text("--metric", metric))
    return checked(file, file.name, (config, text), base, (parameters, ()), MapNode({}, option))


def _parameter(option: str) -> Parameter:
    mark = Mark(option_text("--grid", option))
    key, equals, text = option.partition("=")
    if not equals or not key.strip() or not text.strip():
        hint = "for example --grid training.batch_size=16,32"
        raise ConfigError("a grid must be PATH=VALUE,VALUE", mark=mark, hint=hint)
    return grid_parameter(key, mark, _values(text, mark))


def _values(text: str, mark: Mark) -> Node:
    node, problems = read_node(f"[{text}]", OptionPlaces(mark.source))
    if problems or node is None:
        raise ConfigError.of(problems)
    return node
