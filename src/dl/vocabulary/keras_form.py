"""From the way in which Keras writes a named thing into a file to the way of a config.

`{"class_name": "Dense", "config": {"units": 3}}` is written `{type: Dense, units: 3}` in a config.
Only the form is translated: whether the vocabulary has what is named, with these parameters, is
checked afterwards as in every config. Nothing is looked up in Keras, and nothing is imported.
"""

from __future__ import annotations

from collections.abc import Mapping

from dl.vocabulary.catalog import find
from dl.vocabulary.spec import Finding, Findings, Kind, Path
from dl.vocabulary.words import found_text

MOST_DEPTH = 32
_MOST_SHOWN = 6
_FORM = frozenset({"module", "class_name", "config", "registered_name", "build_config"})
_UNUSED: Mapping[str, tuple[object, ...]] = {
    "activity_regularizer": (None,),
    "data_format": ("channels_last",),
    "epsilon": (0.01,),
    "max_tokens": (None,),
    "num_bins": (None,),
    "optional": (False,),
    "pad_to_max_tokens": (False,),
    "quantization_config": (None,),
    "ragged": (False,),
    "renorm_clipping": (None,),
    "return_state": (False,),
    "rms_scaling": (False,),
    "sparse": (False,),
    "stateful": (False,),
    "unroll": (False,),
    "vocabulary_dtype": ("int64",),
    "zero_output_for_mask": (False,),
}
"""What Keras writes for parameters that the vocabulary leaves out, where they change nothing."""


def from_keras(value: object, path: Path = (), depth: int = 0) -> object:
    """Returns a value of a saved model's settings as a config has it.

    Args:
        value: What JSON gave.
        path: Where it stands, for findings.
        depth: How many values it is inside of.

    Raises:
        Findings: It names a thing outside of Keras, is no setting, or is nested too deeply.
    """
    if depth > MOST_DEPTH:
        raise Findings([Finding(path[:_MOST_SHOWN], f"is nested more than {MOST_DEPTH} deep")])
    if isinstance(value, list):
        return [from_keras(item, (*path, i), depth + 1) for i, item in enumerate(value)]
    if isinstance(value, str) and not value.isprintable():
        raise Findings(
            [Finding(path, "holds characters that cannot be shown", found=ascii(value[:20]))]
        )
    if not isinstance(value, Mapping):
        return value
    if "class_name" in value:
        return _thing(value, path, depth)
    return {key: from_keras(item, (*path, key), depth + 1) for key, item in value.items()}


def _thing(value: Mapping[str, object], path: Path, depth: int) -> object:
    name, settings = value["class_name"], value.get("config", {})
    if name == "__tuple__":
        return from_keras(value.get("items"), path, depth + 1)
    if not isinstance(name, str) or not set(value) <= _FORM:
        raise Findings([Finding(path, "is no setting as Keras writes it", found=found_text(value))])
    _refuse_foreign(value, name, path)
    if not isinstance(settings, Mapping):
        raise _no_thing(value, path)
    if name == "DTypePolicy":
        return settings.get("name")
    parameters = {
        key: from_keras(item, (*path, key), depth + 1)
        for key, item in settings.items()
        if not _is_unused(name, key, item)
    }
    if "type" in parameters:
        raise Findings([Finding((*path, "type"), f"is not a parameter of {name}", at_key=True)])
    return {"type": name, **parameters} if parameters else name


def _refuse_foreign(value: Mapping[str, object], name: str, path: Path) -> None:
    module, registered = value.get("module"), value.get("registered_name")
    of_keras = module is None or (isinstance(module, str) and _is_of_keras(module))
    if of_keras and registered in (None, name):
        return
    origin = registered if of_keras else module
    raise Findings(
        [
            Finding(
                path,
                f"names {found_text(name)}, which is code of its maker's own",
                expected="a class of Keras",
                found=found_text(origin),
            )
        ]
    )


def _is_of_keras(module: str) -> bool:
    return module == "keras" or module.startswith("keras.")


def _no_thing(value: Mapping[str, object], path: Path) -> Findings:
    finding = Finding(path, "has no settings", expected="a mapping", found=found_text(value))
    return Findings([finding])


def _is_unused(name: str, key: str, value: object) -> bool:
    known = any(key in entry.parameters for kind in Kind if (entry := find(kind, name)))
    return not known and any(
        type(value) is type(neutral) and value == neutral for neutral in _UNUSED.get(key, ())
    )
