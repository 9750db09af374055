"""First weights from a file of Keras: which layers are taken, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dl.config.schema import Config, Start
from dl.errors import RunError
from dl.model import keras
from dl.model.build import build_model
from dl.model.start import begin_from, located
from dl.rundir.record import Origin
from dl.vocabulary.spec import Findings
from support.training import DENSE, config, dataset, inputs, labels

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FRONT = {"type": "Dense", "units": 5, "activation": "relu", "name": "front"}
NORM = {"type": "BatchNormalization", "name": "norm"}
HEAD = {**DENSE, "name": "head"}
LAYERS = [FRONT, NORM, HEAD]
SEQUENCES = [
    {"type": "Bidirectional", "layer": {"type": "LSTM", "units": 2}, "name": "both"},
    {"type": "Dropout", "rate": 0.1, "name": "drop"},
    HEAD,
]


class Notes:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)

    warn = note


def plain(*layers: Any, shape: tuple[int, ...] = (6,), name: str = "mine") -> keras.Sequential:
    """Returns a model of plain Keras whose weights are all different, statistics too."""
    model = keras.Sequential([keras.Input(shape), *layers], name=name)
    model.compile(loss="mse")
    for number, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(number).normal(size=weight.shape))
    return model


def usual() -> keras.Sequential:
    """Returns the model of `LAYERS` in plain Keras."""
    dense = keras.layers.Dense
    norm = keras.layers.BatchNormalization(name="norm")
    return plain(dense(5, name="front"), norm, dense(3, name="head"))


def begun(
    path: Path, layers: Any = LAYERS, listed: tuple[str, ...] | None = None, shape: Any = (6,)
) -> tuple[keras.Sequential, Origin, list[str]]:
    """Returns the model of a config that begins from a file, what came of it, and what is told."""
    chosen = beginning(config(layers), path, listed)
    data = dataset(inputs(4, *shape), labels(4))
    model, notes = build_model(chosen, shape), Notes()
    origin = begin_from(model, located(chosen), data, notes)  # type: ignore[arg-type]
    assert origin is not None
    return model, origin, notes.told


def beginning(chosen: Config, path: Path, listed: tuple[str, ...] | None = None) -> Config:
    """Returns a config that begins from a file."""
    start = Start(from_=str(path), layers=listed)
    return replace(chosen, model=replace(chosen.model, start=start))


def as_keras_2(model: keras.Sequential, path: Path) -> None:
    """Writes weights as `save_weights("x.h5")` of Keras 2 does."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            for weight in layer.weights:
                group.create_dataset(f"{layer.name}/{weight.name}:0", data=weight.numpy())


WRITERS: dict[str, Callable[[keras.Sequential, Path], None]] = {
    "whole.h5": lambda model, path: model.save(path),
    "weights.h5": as_keras_2,
    "x.weights.h5": lambda model, path: model.save_weights(path),
    "x.keras": lambda model, path: model.save(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_layers_begin_with_the_weights_of_a_file(name: str, tmp_path: Path) -> None:
    source = usual()
    WRITERS[name](source, tmp_path / name)

    model, origin, told = begun(tmp_path / name)

    for own, theirs in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs)
    assert (origin.taken, origin.left) == (("front", "norm", "head"), {})
    assert told == [f"begins from {name}: front, norm and head"]


@pytest.mark.parametrize("name", ["whole.h5", "x.weights.h5", "x.keras"])
def test_both_directions_of_a_recurrent_layer_find_their_weights(name: str, tmp_path: Path) -> None:
    lstm = keras.layers.Bidirectional(keras.layers.LSTM(2, name="lstm_7"), name="both")
    drop, head = keras.layers.Dropout(0.1, name="drop"), keras.layers.Dense(3, name="head")
    source = plain(lstm, drop, head, shape=(4, 2))
    WRITERS[name](source, tmp_path / name)

    model, origin, _ = begun(tmp_path / name, SEQUENCES, shape=(4, 2))

    x = inputs(3, 4, 2)
    expected = keras.activations.softmax(source(x)).numpy()
    np.testing.assert_allclose(model(x).numpy(), expected, rtol=1e-5)
    assert origin.taken == ("both", "head")


@pytest.mark.parametrize("name", ["whole.h5", "x.weights.h5", "x.keras"])
def test_layers_of_a_model_inside_the_model_are_found(name: str, tmp_path: Path) -> None:
    inner = usual()
    WRITERS[name](plain(inner, keras.layers.Dense(2, name="more")), tmp_path / name)

    model, origin, _ = begun(tmp_path / name)

    assert origin.taken == ("front", "norm", "head")
    for own, theirs in zip(model.get_weights(), inner.get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_what_is_not_there_or_does_not_fit_stays_random_and_is_told(tmp_path: Path) -> None:
    dense = keras.layers.Dense
    plain(dense(5, name="front"), dense(4, name="head")).save(tmp_path / "x.h5")
    before = build_model(config(LAYERS), (6,)).get_weights()

    model, origin, told = begun(tmp_path / "x.h5")

    assert origin.taken == ("front",)
    reasons = {"norm": "not there", "head": "(5, 4), (4,) there, (5, 3), (3,) here"}
    assert origin.left == reasons
    assert told[1] == "not from there: norm (not there), head (" + reasons["head"] + ")"
    for own, random in zip(model.get_weights()[2:], before[2:], strict=True):
        np.testing.assert_array_equal(own, random)


def test_only_listed_layers_are_taken(tmp_path: Path) -> None:
    usual().save(tmp_path / "x.h5")

    _, origin, _ = begun(tmp_path / "x.h5", listed=("fro*",))

    assert origin.taken == ("front",)
    assert origin.left == {"norm": "not listed", "head": "not listed"}


def test_a_listed_layer_that_does_not_fit_is_refused_with_both_shapes(tmp_path: Path) -> None:
    dense = keras.layers.Dense
    plain(dense(5, name="front"), dense(4, name="head")).save(tmp_path / "x.h5")

    with pytest.raises(Findings) as caught:
        begun(tmp_path / "x.h5", listed=("head", "norm"))

    found = [
        (each.path[-1], each.message, each.expected, each.found) for each in caught.value.findings
    ]
    there = "front (6, 5), (5,) and head (5, 4), (4,)"
    assert found == [
        (0, "names head, which cannot be taken from there", "(5, 3), (3,)", "(5, 4), (4,)"),
        (
            1,
            "names norm, which cannot be taken from there",
            "(5,), (5,), (5,), (5,)",
            f"no such layer; there are {there}",
        ),
    ]


def test_a_file_without_a_layer_that_fits_is_refused_with_the_names_of_both(tmp_path: Path) -> None:
    plain(keras.layers.Dense(3, name="other")).save(tmp_path / "x.h5")

    with pytest.raises(Findings) as caught:
        begun(tmp_path / "x.h5", [HEAD])

    [found] = caught.value.findings
    assert found.message == "has no layer of the name and the shape of one of this model"
    assert (found.expected, found.found) == ("head (6, 3), (3,)", "other (6, 3), (3,)")


def test_another_type_of_numbers_does_not_fit(tmp_path: Path) -> None:
    usual().save(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        group = file["model_weights/head/mine/head"]
        kernel = group["kernel"][()]
        del group["kernel"]
        group.create_dataset("kernel", data=kernel.astype("float64"))

    _, origin, _ = begun(tmp_path / "x.h5")

    assert origin.left == {"head": "(5, 3), (3,) float64 there, (5, 3), (3,) here"}


def test_weights_of_another_kind_of_layer_do_not_fit(tmp_path: Path) -> None:
    scale = keras.layers.BatchNormalization(name="head", center=False)
    plain(keras.layers.Dense(5, name="front"), scale).save(tmp_path / "x.h5")
    layers = [FRONT, {"type": "LayerNormalization", "name": "head"}]

    _, origin, _ = begun(tmp_path / "x.h5", layers)

    assert origin.left == {"head": "(5,), (5,), (5,) there, (5,), (5,) here"}


def _damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _linked(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["model_weights/head"]
        file["model_weights/head"] = h5py.ExternalLink("elsewhere.h5", "/head")


def _squeezed(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", b"0" * 9999)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("x.h5", _damage, "is damaged: it is not a readable HDF5 file"),
        (
            "x.h5",
            _linked,
            "holds at /model_weights/head a link that leads elsewhere; it is not read",
        ),
        ("x.keras", _damage, "is damaged: it is not a readable .keras file"),
        ("x.keras", _squeezed, "holds compressed weights, which Keras does not write"),
    ],
)
def test_a_damaged_or_hostile_file_is_refused(
    name: str, spoil: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    usual().save(tmp_path / name)
    spoil(tmp_path / name)

    with pytest.raises(RunError) as caught:
        begun(tmp_path / name)

    assert str(caught.value) == f"{tmp_path / name} {message}"


def test_a_file_without_layers_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["numbers"] = np.zeros(3)

    with pytest.raises(RunError) as caught:
        begun(tmp_path / "x.h5")

    assert (
        str(caught.value) == f"{tmp_path / 'x.h5'} holds no weights by layers, as Keras writes them"
    )
