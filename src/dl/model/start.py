"""First weights from an earlier run, or from a file of Keras: layer by layer, by name and shape.

A file is read as data (`dl.model.h5`), in each form that Keras writes: a group for each layer with
its weights by their names (`model.save("x.h5")`, and `save_weights` of Keras 2), or by their
numbers with the layer's name beside them (`.weights.h5`, and the one inside of a `.keras` file).
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dl.config.load import load_resolved
from dl.config.phases import matching
from dl.config.schema import MODEL_FILES, Config, Start, flat
from dl.data.dataset import Dataset, read_preprocessing
from dl.data.features import TextFeature
from dl.data.target import Target
from dl.data.types import Array
from dl.errors import DlError, RunError
from dl.model import h5
from dl.progress import Reporter
from dl.rundir.directory import DEFAULT_ROOT, RunDirectory, find_run
from dl.rundir.manifest import read_checked, sha256
from dl.rundir.record import Origin, read_record
from dl.text import listing
from dl.vocabulary.spec import Finding, Findings
from dl.vocabulary.spec import Path as Place

_FROM: Place = ("model", "start", "from")
_MOST_BYTES = 4 * 1024**3
_MOST_LAYERS = 10_000
_MOST_ARRAYS = 20_000
_MOST_NAME = 1000
"""What a hostile file could make endless has a limit, far above what Keras writes."""
_MOST_SHOWN, _MOST_SHAPES = 12, 4
_MOST_DEPTH = 16
_SEEDS = "seed_generator"
_INSIDE = "model.weights.h5"
_PARTS = ("forward_layer", "backward_layer", "layer", "cell")
"""Where Keras' wrappers and recurrent layers keep the layer that they are made of."""

Stored = Mapping[str, list[tuple[h5.Names, Any]]]
"""The arrays of a file by the names of layers, each with the names that lead to it from there."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a layer is not taken: what it has here and what is there; None if there is nothing."""

    here: str
    there: str | None

    def __str__(self) -> str:
        return "not there" if self.there is None else f"{self.there} there, {self.here} here"


def located(config: Config, runs: Path = DEFAULT_ROOT) -> Config:
    """Returns a config with the place of what it begins from in full: that of a file, or of a run.

    Raises:
        Findings: There is none.
    """
    start = config.model.start
    if start is None:
        return config
    path = Path(start.from_)
    if path.name.endswith(MODEL_FILES):
        if not path.is_file():
            raise Findings.one(_FROM, "is not a file", "a file of weights", start.from_)
    else:
        try:
            path = find_run(start.from_, runs).path
        except DlError as error:
            first = error.problems[0]
            hint = first.hint or f"name a run, or a file that ends in {listing(MODEL_FILES)}"
            message = f"cannot be used: {first.message}"
            raise Findings.one(_FROM, message, first.expected, hint=hint) from error
    whole = replace(start, from_=os.path.abspath(path))
    return replace(config, model=replace(config.model, start=whole))


def begin_from(
    model: keras.Sequential, config: Config, dataset: Dataset, reporter: Reporter
) -> Origin | None:
    """Gives layers of a model the weights that a located config states; says which, and which not.

    Raises:
        Findings: Nothing fits, a layer that is listed does not, or a run has no model yet.
        RunError: The file is damaged, or holds what it must not.
    """
    start = config.model.start
    if start is None:
        return None
    path = Path(start.from_)
    run = None if path.name.endswith(MODEL_FILES) else RunDirectory(path)
    file_path = path if run is None else _model_of(run)
    digest, content = _read(file_path, run is not None, os.stat(file_path).st_mtime_ns)
    with h5.opened(file_path, content) as file:
        stored = _stored(file)
        fitting, misfits = _compared(model, stored)
        if run is not None:
            _leave_other_answers(run, dataset.target, fitting, misfits)
        left = _required(start, model, fitting, misfits, stored)
        arrays = [value for pairs in fitting.values() for value in _values(pairs)]
    for weight, array in arrays:
        weight.assign(array)
    label = path.name if run is None else run.label
    reporter.note(f"begins from {label}: {listing(fitting, 'and', _MOST_SHOWN)}")
    if left:
        told = (f"{name} ({why})" for name, why in left.items())
        reporter.note(f"not from there: {listing(told, '', _MOST_SHOWN)}")
    if run is not None and next(_with_weights(model)).name in fitting:
        for told_of in _other_inputs(run, config, dataset):
            reporter.warn(told_of)
    return Origin(start.from_, digest, tuple(fitting), left)


def _model_of(run: RunDirectory) -> Path:
    record = read_record(run)
    if record.status == "running":
        message = f"cannot be used: {run.label} is being trained by {record.process}"
        raise Findings.one(_FROM, message, hint="wait for it")
    if not run.model.is_file():
        message = f"cannot be used: {run.label} has no model, it is {record.status}"
        raise Findings.one(_FROM, message, hint=f"go on with it: {run.command_to_resume}")
    return run.model


@lru_cache(maxsize=1)
def _read(path: Path, of_a_run: bool, changed: int) -> tuple[str, bytes]:
    """Returns the SHA-256 of a file and the HDF5 file in it; trials of a sweep read it once."""

    def read(path: Path) -> bytes:
        return h5.read_file(path, _MOST_BYTES)

    content = read_checked(path, read) if of_a_run else read(path)
    digest = sha256(content)
    if path.suffix == ".keras":
        content = _unpacked(path, content)
    return digest, content


def _unpacked(path: Path, content: bytes) -> bytes:
    """Returns the file of weights inside of a `.keras` file, which Keras does not compress."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = archive.getinfo(_INSIDE)
            if inside.compress_type != zipfile.ZIP_STORED or inside.file_size > len(content):
                raise RunError(f"{path} holds compressed weights, which Keras does not write")
            return archive.read(inside)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, NotImplementedError) as error:
        raise RunError(f"{path} is damaged: it is not a readable .keras file") from error


def _stored(file: Any) -> Stored:
    if h5.WEIGHTS in file:
        return _named(h5.weights_in(file))
    if "layer_names" in file.attrs or "layer_names0" in file.attrs:
        return _named(file)
    if "layers" in file:
        return dict(_numbered(h5.group_in(file, "layers")))
    raise h5.Refused("holds no weights by layers, as Keras writes them")


def _named(root: Any) -> Stored:
    """Returns what lies in groups of the names of layers; and in groups inside of one of them."""
    found: dict[str, list[tuple[h5.Names, Any]]] = {}
    inside: dict[str, dict[str, list[tuple[h5.Names, Any]]]] = {}
    for group in h5.names_in(root, _MOST_LAYERS):
        if group == h5.BESIDE_LAYERS:
            continue
        held = h5.arrays_in(h5.group_in(root, group), _MOST_ARRAYS)
        found[group] = [(_plain(names), array) for names, array in held.items()]
        for names, array in found[group]:
            begin = names.index(group) + 1 if group in names[:-1] else 0
            for place, folder in enumerate(names[begin:-1], start=begin + 1):
                below = inside.setdefault(folder, {}).setdefault(group, [])
                below.append((names[place:], array))
    for name, groups in inside.items():  # layers of a model inside the model
        if name not in found and len(groups) == 1:
            found[name] = next(iter(groups.values()))
    return found


def _plain(names: h5.Names) -> h5.Names:
    return tuple(name.removesuffix(":0") for name in names)


def _numbered(root: Any, depth: int = 0) -> Iterator[tuple[str, list[tuple[h5.Names, Any]]]]:
    """Yields what lies in groups of numbered weights, each of which has the layer's name."""
    for group in h5.names_in(root, _MOST_LAYERS):
        layer = h5.group_in(root, group)
        if "layers" in layer and depth < _MOST_DEPTH:
            yield from _numbered(h5.group_in(layer, "layers"), depth + 1)
            continue
        name = h5.text_of(h5.group_in(layer, "vars"), "name", _MOST_NAME)
        if name is None:
            raise h5.Refused(
                "does not tell the names of its layers", "a file of Keras 3.8 or later"
            )
        held = h5.arrays_in(layer, _MOST_ARRAYS)
        yield name, [each for each in held.items() if _SEEDS not in each[0]]


def _with_weights(model: keras.Sequential) -> Iterator[Any]:
    return (layer for layer in model.layers if layer.weights)


def _compared(
    model: keras.Sequential, stored: Stored
) -> tuple[dict[str, list[tuple[Any, Any]]], dict[str, Misfit]]:
    """Returns the weights of each layer with their arrays, and why other layers have none."""
    fitting, misfits = {}, {}
    for layer in _with_weights(model):
        held = stored.get(layer.name)
        if held is None:
            misfits[layer.name] = Misfit(_described(layer.weights), None)
            continue
        pairs = _pairs(layer, held)
        here, there = _described(layer.weights), _described([array for _, array in held])
        if pairs is None and here == there:
            here = listing(weight.name for weight in layer.weights)
            there = listing(names[-1] for names, _ in held)
        if pairs is None or any(_differ(*pair) for pair in pairs):
            misfits[layer.name] = Misfit(here, there)
        else:
            fitting[layer.name] = pairs
    return fitting, misfits


def _differ(weight: Any, array: Any) -> bool:
    shape, kind = tuple(weight.shape), np.dtype(weight.dtype)
    # Of bfloat16, HDF5 keeps nothing but two bytes.
    same = kind == array.dtype or (kind == "bfloat16" and array.dtype == "V2")
    return shape != tuple(array.shape) or not same


def _described(arrays: Sequence[Any]) -> str:
    """Returns shapes, those of most axes first, and types where they are not the usual one."""
    arrays = sorted(arrays, key=lambda array: -len(array.shape))
    types = {str(np.dtype(array.dtype)) for array in arrays} - {"float32"}
    shapes = listing((str(tuple(array.shape)) for array in arrays[:_MOST_SHAPES]), "")
    more = f" and {len(arrays) - _MOST_SHAPES} more" if len(arrays) > _MOST_SHAPES else ""
    return f"{shapes}{more}{' ' if types else ''}{listing(sorted(types), '')}"


def _pairs(layer: Any, held: list[tuple[h5.Names, Any]]) -> list[tuple[Any, Any]] | None:
    """Returns the weights of a layer with their arrays; None where these are of another layer."""
    rest = {_below(layer, names): array for names, array in held}
    if len(rest) != len(layer.weights):
        return None
    numbered = all(names[-1].isdecimal() for names in rest)
    wanted = (
        list(_numbers(layer))
        if numbered
        else [(_below(layer, tuple(weight.path.split("/"))), weight) for weight in layer.weights]
    )
    pairs = []
    for names, weight in wanted:
        same = [other for other in rest if other == names or h5.fits(other, names)]
        if not same:  # Keras counts names through the whole process: forward_lstm_1
            same = [other for other in rest if h5.fits(_uncounted(other), _uncounted(names))]
        if len(same) != 1:
            return None
        pairs.append((weight, rest.pop(same[0])))
    return pairs if len(pairs) == len(layer.weights) else None


def _uncounted(names: h5.Names) -> h5.Names:
    return (*(re.sub(r"_\d+$", "", folder) for folder in names[:-1]), names[-1])


def _below(layer: Any, names: h5.Names) -> h5.Names:
    """Returns the part of a weight's name behind that of its layer."""
    folders = names[:-1]
    place = len(folders) - folders[::-1].index(layer.name) if layer.name in folders else 0
    return names[place:]


def _numbers(layer: Any, path: h5.Names = ()) -> Iterator[tuple[h5.Names, Any]]:
    """Yields the weights of a layer as Keras numbers them, with those of its parts."""
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    for number, weight in enumerate(own):
        yield (*path, "vars", str(number)), weight
    for name in _PARTS:
        part = getattr(layer, name, None)
        if isinstance(part, keras.layers.Layer):
            yield from _numbers(part, (*path, name))


def _values(pairs: list[tuple[Any, Any]]) -> Iterator[tuple[Any, Array]]:
    for weight, array in pairs:
        yield weight, h5.values_for(array, weight)


def _leave_other_answers(
    run: RunDirectory, target: Target, fitting: dict[str, Any], misfits: dict[str, Misfit]
) -> None:
    """Leaves the last layer out where its outputs meant other classes, or in another order."""
    before = read_preprocessing(run).target
    there, here = _answers(before), _answers(target)
    if there != here and fitting:
        last = next(reversed(fitting))
        del fitting[last]
        misfits[last] = Misfit(here, there)


def _answers(target: Target) -> str:
    if target.classes:
        return f"the classes {listing(target.classes, 'and', _MOST_SHOWN)}"
    return f"the targets {listing(target.names, 'and', _MOST_SHOWN)}"


def _required(
    start: Start,
    model: keras.Sequential,
    fitting: dict[str, Any],
    misfits: Mapping[str, Misfit],
    stored: Stored,
) -> dict[str, str]:
    """Refuses what must fit and does not; returns why each layer that is not taken is not."""
    names = [layer.name for layer in _with_weights(model)]
    meant = {name for pattern in start.layers or () for name in matching(pattern, names)}
    findings = []
    for index, pattern in enumerate(start.layers or ()):
        path = ("model", "start", "layers", index)
        named = matching(pattern, names)
        if not named:
            findings.append(Finding(path, "names no layer that has weights", listing(names)))
        for name in named:
            if (misfit := misfits.get(name)) is not None:
                there = misfit.there or f"no such layer; there are {_layers(stored)}"
                message = f"names {name}, which cannot be taken from there"
                findings.append(Finding(path, message, misfit.here, there, "leave it out"))
    if findings:
        raise Findings(findings)
    left = {name: str(misfit) for name, misfit in misfits.items()}
    for name in [name for name in fitting if start.layers is not None and name not in meant]:
        del fitting[name]
        left[name] = "not listed"
    if not fitting:
        here = listing(
            (f"{name} {misfit.here}" for name, misfit in misfits.items()), "or", _MOST_SHOWN
        )
        hint = "give layers the names and shapes that they have there"
        message = "has no layer of the name and the shape of one of this model"
        raise Findings.one(_FROM, message, here, _layers(stored), hint)
    return left


def _layers(stored: Stored) -> str:
    described = (
        f"{name[:100]} {_described([array for _, array in held])}"
        for name, held in stored.items()
        if held
    )
    text = listing(described, "and", _MOST_SHOWN)
    return (text if text.isprintable() else ascii(text)) or "none"


def _other_inputs(run: RunDirectory, config: Config, dataset: Dataset) -> Iterator[str]:
    """Yields how the inputs differ from those that a run has learned from."""
    before, now = read_preprocessing(run), dataset.preprocessing
    of_run = f"{run.label}, whose weights are taken, was trained"
    if before.feature_names != now.feature_names:
        there = listing(before.feature_names, "", _MOST_SHOWN) or "no columns"
        here = listing(now.feature_names, "", _MOST_SHOWN) or "no columns"
        yield f"{of_run} on other inputs, or in another order: {there}; now {here}"
    tokens = [
        {
            feature.name: feature.tokens
            for feature in fitted.columns
            if isinstance(feature, TextFeature)
        }
        for fitted in (before, now)
    ]
    for name in tokens[0].keys() & tokens[1].keys():
        if tokens[0][name] != tokens[1][name]:
            yield f"{of_run} with other tokens of {name}: the numbers stand for other words now"
    earlier = flat(load_resolved(run.resolved, read_checked(run.resolved)).config)
    here_now = flat(config)
    for key in sorted(earlier.keys() | here_now.keys()):
        if key.startswith("preprocess.") and earlier.get(key) != here_now.get(key):
            yield f"{of_run} with {key} {earlier.get(key)}; it is {here_now.get(key)} now"
