"""The settings of a thing that Keras saved, as a config has them; nothing is looked up or imported.

`{"class_name": "Dense", "config": {"units": 3}}` becomes `{type: Dense, units: 3}`: the form is
translated, and then checked as in every config.
"""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.catalog import find
from dl.vocabulary.sections import Parameter
from dl.vocabulary.spec import Findings, Kind, Path, facts, found_text
from dl.vocabulary.types import accepts

MOST_NESTED = 32
"""Values inside each other: wrappers of wrappers take about three each."""
MOST_SHOWN = 6
"""Keys of a path in the message about one that is nested too deeply."""
_NEVER = object()
CONTAINERS = {"Sequential": "Sequential", "Functional": "Functional", "Model": "Functional"}
_FORM = frozenset({"module", "class_name", "config", "registered_name", "build_config"})
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
"""Names that Keras 2 had for parameters."""
_OWN_FUNCTION = "is a custom function, which is not read"
_POLICIES = ("DTypePolicy", "Policy")
_WRAPPERS = ("MeanMetricWrapper", "LossFunctionWrapper")
"""What Keras 2 writes for a metric or a loss that is given by its name."""


def wrong(
    path: Path, message: str, expected: str | None = None, found: object = _NEVER
) -> Findings:
    return Findings.one(path, message, expected, None if found is _NEVER else found_text(found))


def from_keras(value: object, path: Path = (), depth: int = 0) -> object:
    """Returns a value of a saved model's settings as a config has it.

    Args:
        value: What JSON gave.
        path: Where it stands, for findings.
        depth: How many values it is inside of.

    Raises:
        Findings: It names a thing outside of Keras, is not a setting, or is nested too deeply.
    """
    if depth > MOST_NESTED:
        raise wrong(path[:MOST_SHOWN], f"is nested more than {MOST_NESTED} deep")
    if isinstance(value, list):
        return [from_keras(item, (*path, i), depth + 1) for i, item in enumerate(value)]
    if isinstance(value, str) and not value.isprintable():
        raise Findings.one(path, "holds characters that cannot be shown", found=ascii(value[:20]))
    if not isinstance(value, Mapping):
        return value
    if "class_name" in value:
        return _thing(value, path, depth)
    if set(value) == {"value"}:  # the code of a lambda
        raise wrong(path, _OWN_FUNCTION)
    return {key: from_keras(item, (*path, key), depth + 1) for key, item in value.items()}


def _thing(value: Mapping[str, object], path: Path, depth: int) -> object:
    name, settings = value["class_name"], value.get("config", {})
    if name == "__tuple__":
        return from_keras(value.get("items"), path, depth + 1)
    if str(name) in CONTAINERS:
        raise wrong(path, "is a model inside of a layer, which is not read")
    if not isinstance(name, str) or not set(value) <= _FORM:
        raise wrong(path, "is not a setting as Keras writes it", found=value)
    _refuse_foreign(value, name, path)
    if not isinstance(settings, Mapping):
        raise wrong(path, "has no settings", "a mapping", value)
    if name in _POLICIES:
        return settings.get("name")
    if name == "SeedGenerator":
        return from_keras(settings.get("seed"), path, depth + 1)
    if name in _WRAPPERS and isinstance(settings.get("fn"), str):
        name = str(settings["fn"])
    parameters = _parameters(name, settings, path, depth)
    if "type" in parameters:
        raise Findings.one((*path, "type"), f"is not a parameter of {name}", at_key=True)
    return {"type": name, **parameters} if parameters else name


def _parameters(
    name: str, settings: Mapping[str, object], path: Path, depth: int
) -> dict[str, object]:
    if name == "Bidirectional":
        settings = {key: _without_forced_zeros(item) for key, item in settings.items()}
    parameters: dict[str, object] = {}
    for given, item in settings.items():
        key = _RENAMED.get((name, given), given)
        if not _is_unused(name, key, item, settings):
            value = from_keras(item, (*path, key), depth + 1)
            parameters[key] = _single(_known(name, key), value)
    return parameters


def _without_forced_zeros(layer: object) -> object:
    """Leaves out what `Bidirectional` itself sets in the layers that it is given."""
    settings = layer.get("config") if isinstance(layer, Mapping) else None
    if not isinstance(layer, Mapping) or not isinstance(settings, Mapping):
        return layer
    if settings.get("zero_output_for_mask") != settings.get("return_sequences"):
        return layer
    kept = {key: item for key, item in settings.items() if key != "zero_output_for_mask"}
    return {**layer, "config": kept}


def _single(parameter: Parameter | None, value: object) -> object:
    """Returns the number in a list of one, as Keras writes it, where the parameter is a number."""
    if parameter is None or not isinstance(value, list) or len(value) != 1:
        return value
    wanted = parameter.type
    return value[0] if accepts(wanted, value[0]) and not accepts(wanted, value) else value


def _known(name: str, key: str) -> Parameter | None:
    entries = filter(None, (find(kind, name) for kind in Kind))
    return next((entry.parameters[key] for entry in entries if key in entry.parameters), None)


def _refuse_foreign(value: Mapping[str, object], name: str, path: Path) -> None:
    if name.startswith("__"):  # such as __lambda__
        raise wrong(path, _OWN_FUNCTION)
    module, registered = value.get("module"), value.get("registered_name")
    of_keras = module is None or (isinstance(module, str) and module.split(".")[0] == "keras")
    if of_keras and registered in (None, name):
        return
    origin = registered if of_keras else module
    if module == "builtins" and isinstance(value.get("config"), str):
        origin = value["config"]  # the name of the function
    raise wrong(path, f"names {found_text(name)}, which is custom code", "a class of Keras", origin)


def _is_unused(name: str, key: str, value: object, settings: Mapping[str, object]) -> bool:
    if key == "fn":  # of a wrapper, or beside the class that it means
        return True
    if key == "num_bins" and isinstance(settings.get("bin_boundaries"), list):
        return True
    if key == "reduction" and value == "auto":
        return True
    if _known(name, key) is not None:
        return False
    neutral = facts()["unused"].get(key, _NEVER)
    return key in facts()["never_used"] or (type(value) is type(neutral) and value == neutral)
