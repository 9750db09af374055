"""`preprocess.json`: what was learned from the training part, read and checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from dl.data.arrays.prepare import array_feature_of
from dl.data.division import split_of
from dl.data.load import info_of
from dl.data.preprocessing import feature_names
from dl.data.preprocessing.features import features_of
from dl.data.targets import target_of
from dl.runs.directory import RunDirectory
from dl.runs.manifest import damaged
from dl.runs.record import read_json
from dl.runs.typed import Keys, MisfitError

_Object = dict[str, Any]
_Learned = Annotated[
    _Object,
    Keys(
        {
            "fingerprint": str,
            "split": _Object,
            "features": list[_Object],
            "target": _Object,
            "info": _Object,
        },
        required=True,
    ),
]


def read_learned(run: RunDirectory) -> dict[str, Any]:
    """Reads what a run learned; raises `RunError` where it is damaged."""
    learned: dict[str, Any] = read_json(run.preprocess, _Learned)
    try:
        _check(learned)
    except MisfitError as error:
        raise damaged(run.preprocess, error) from error
    return learned


def _check(learned: Mapping[str, Any]) -> None:
    """Refuses parts that cannot be read, or that say different things."""
    split_of(learned)
    target, info = target_of(learned), info_of(learned)
    names, shape = _inputs(learned)
    agree = {
        "task": info.task == target.task,
        "classes": info.classes == target.classes and len(target.values) == len(target.classes),
        "targets": info.targets == target.names,
        "features": info.features == names,
        "input_shape": info.input_shape == shape,
    }
    for key, agrees in agree.items():
        if not agrees:
            raise MisfitError("must be as in `features` and `target`", ("info", key))


def _inputs(learned: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Returns the names of the columns of `x`, and the shape of one of its rows."""
    if any(feature.get("kind") == "array" for feature in learned["features"]):
        return (), array_feature_of(learned).input_shape
    names = feature_names(features_of(learned))
    return names, (len(names),)
