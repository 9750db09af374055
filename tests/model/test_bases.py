"""Pretrained bases: what they compute, where their weights come from, what of them is learned."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from dl.data.types import Array
from dl.model.bases import build_base, load_bases, mark_trainable, scaled
from dl.model.build import build_model, nested_layers
from dl.vocabulary.catalog import entries, pixels_of
from dl.vocabulary.names import with_names
from dl.vocabulary.spec import Findings, Kind, Spec
from support.training import DENSE, config
from support.vocabulary import check_object

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SMALL = {"type": "MobileNetV3Small", "alpha": 0.35, "minimalistic": True, "pooling": "avg"}
SHAPE = (32, 32, 3)


def spec(weights: object = "none", **parameters: object) -> Spec:
    """Returns the smallest base, with other parameters."""
    found, findings = check_object(Kind.BASE, {**SMALL, "weights": str(weights), **parameters})
    assert found is not None, findings
    return with_names([found])[0]


def pixels(rows: int = 4) -> Array:
    """Returns random pictures with pixels from 0 to 255."""
    return np.random.default_rng(0).integers(0, 256, (rows, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def built() -> Any:
    """A base with random weights."""
    return build_base(spec(), SHAPE, 0)


@pytest.fixture(scope="module")
def original() -> Any:
    """Keras' own network, with weights that make its outputs differ from row to row."""
    made = keras.applications.MobileNetV3Small(
        SHAPE, alpha=0.35, minimalistic=True, include_top=False, pooling="avg", weights=None
    )
    random = np.random.default_rng(1)
    for weight in made.weights:
        if "kernel" in weight.path:
            weight.assign(random.normal(0, 0.3, weight.shape))
    return made


def error_of(make: Callable[[], object]) -> tuple[object, ...]:
    with pytest.raises(Findings) as caught:
        make()
    (finding,) = caught.value.findings
    return finding.path, finding.message, finding.expected, finding.found, finding.hint


@pytest.mark.parametrize("name", entries(Kind.BASE))
def test_pixels_are_scaled_as_keras_does_before_a_base(name: str) -> None:
    module = sys.modules[getattr(keras.applications, name).__module__]
    inputs = keras.Input(SHAPE)
    layers = keras.Model(inputs, scaled(inputs, pixels_of(name).scaling))

    ours = layers(pixels()).numpy()

    np.testing.assert_allclose(ours, module.preprocess_input(pixels()), rtol=1e-5, atol=1e-5)


def test_a_base_gives_what_keras_gives_for_preprocessed_pictures() -> None:
    base = build_base(_vgg(), SHAPE, 0)
    keras_own = keras.applications.VGG16(input_shape=SHAPE, include_top=False, weights=None)
    keras_own.set_weights(base.get_weights())

    ours, theirs = base(pixels()), keras_own(keras.applications.vgg16.preprocess_input(pixels()))

    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def _vgg(**parameters: object) -> Spec:
    found, _ = check_object(Kind.BASE, {"type": "VGG16", "weights": "none", **parameters})
    assert found is not None
    return with_names([found])[0]


def test_names_and_weights_depend_on_the_seed_and_the_config_alone(built: Any) -> None:
    first, second, other = built, build_base(spec(), SHAPE, 0), build_base(spec(), SHAPE, 1)

    assert [weight.path for weight in first.weights] == [weight.path for weight in second.weights]
    assert all(map(np.array_equal, first.get_weights(), second.get_weights()))
    assert not all(map(np.array_equal, first.get_weights(), other.get_weights()))


def test_names_of_layers_that_others_build_go_on_where_they_were() -> None:
    before = keras.layers.Dense(1).name

    build_base(spec(), SHAPE, 0)

    number = int(before.rpartition("_")[2]) if "_" in before else 0
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def _as_keras_1(path: Path, original: Any) -> None:
    """Writes weights with the names of early versions, which say nothing of layers."""
    with h5py.File(path, "w") as file:
        layers = [layer for layer in original.layers if layer.weights]
        file.attrs["layer_names"] = [f"layer_{i}".encode() for i in range(len(layers))]
        for i, layer in enumerate(layers):
            group = file.create_group(f"layer_{i}")
            names = [f"layer_{i}/param_{j}:0" for j in range(len(layer.weights))]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group.create_dataset(name, data=weight.numpy())


WRITERS: dict[str, Callable[[Path, Any], None]] = {
    "base.weights.h5": lambda path, original: original.save_weights(path),
    "base.h5": lambda path, original: original.save(path),
    "base_notop.h5": _as_keras_1,
}


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("name", WRITERS)
def test_weights_are_read_from_every_form_that_keras_writes(
    name: str, original: Any, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / name, original)
    chosen = config([{**SMALL, "weights": str(tmp_path / name), "name": "base"}, DENSE])
    model = build_model(chosen, SHAPE)

    loaded = load_bases(model, chosen)

    assert all(map(np.array_equal, model.layers[0].get_weights(), original.get_weights()))
    assert loaded["base"]["file"] == name
    assert len(loaded["base"]["sha256"]) == 64


def test_weights_of_another_base_are_refused(original: Any, tmp_path: Path) -> None:
    file = tmp_path / "other.weights.h5"
    original.save_weights(file)

    def load(**parameters: object) -> object:
        chosen = config([{**SMALL, "weights": str(file), **parameters}, DENSE])
        return load_bases(build_model(chosen, SHAPE), chosen)

    path = ("model", "layers", 0, "weights")
    hint = "state a file that Keras wrote for MobileNetV3Small with the same parameters"
    assert error_of(lambda: load(minimalistic=False)) == (
        path,
        f"cannot be used: {file} is not of a MobileNetV3Small with these parameters",
        "86 layers with weights",
        "68",
        hint,
    )
    assert error_of(lambda: load(alpha=0.5)) == (
        path,
        f"cannot be used: {file} is not of a MobileNetV3Small with these parameters",
        "weights of expanded_conv_1_project of the shapes [(1, 1, 40, 16)]",
        "[(1, 1, 40, 8)] in 'conv2d_3'",
        hint,
    )
    file.write_bytes(b"weights")
    assert error_of(load)[1] == (
        f"cannot be used: {file} is damaged: it is not a readable HDF5 file"
    )


IMAGENET_FILE = "weights_mobilenet_v3_small_minimalistic_224_1.0_float_no_top_v2.h5"


def test_weights_of_imagenet_are_those_that_keras_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config([{**SMALL, "alpha": 1.0, "weights": "imagenet", "name": "base"}, DENSE])
    model, other = build_model(chosen, SHAPE), build_model(chosen, SHAPE)
    for weight in other.layers[0].weights:
        weight.assign(weight + 1)
    other.layers[0].save_weights(tmp_path / "base.weights.h5")

    def get_file(name: str, origin: str, **options: Any) -> str:
        assert (name, options["cache_subdir"]) == (IMAGENET_FILE, "models")
        return str((tmp_path / "base.weights.h5").rename(tmp_path / name))

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert load_bases(model, chosen)["base"]["file"] == IMAGENET_FILE
    assert all(map(np.array_equal, model.layers[0].get_weights(), other.layers[0].get_weights()))


def test_a_download_without_a_network_says_which_file_to_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config([{**SMALL, "alpha": 1.0, "weights": "imagenet"}, DENSE])

    def get_file(*_: Any, **__: Any) -> str:
        raise Exception("URL fetch failure on https://…: None -- [Errno -3]")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("DL_KERAS_FOLDER", raising=False)
    model = build_model(chosen, SHAPE)
    found = error_of(lambda: load_bases(model, chosen))
    folder = Path(str(found[2]).removeprefix("a connection to the network, or the file in "))
    assert found == (
        ("model", "layers", 0, "weights"),
        f"cannot be downloaded: {IMAGENET_FILE}",
        f"a connection to the network, or the file in {folder}",
        "neither",
        f"bring {IMAGENET_FILE} from another machine to {folder}, or state where it is: "
        f"weights: path/to/{IMAGENET_FILE}",
    )


def test_imagenet_has_weights_for_some_parameters_only() -> None:
    chosen = config([{**SMALL, "weights": "imagenet"}, DENSE])
    path, message, *_ = error_of(lambda: load_bases(build_model(chosen, SHAPE), chosen))

    assert path == ("model", "layers", 0, "weights")
    assert message == "cannot be imagenet with these parameters"


@pytest.mark.parametrize(("first", "frozen"), [("conv_1", 66), ("conv_1*", 66), (100, 66), (0, 0)])
def test_layers_from_one_on_are_trained(first: object, frozen: int, built: Any) -> None:
    mark_trainable(built, spec(trainable_from=first))

    trained = [layer.trainable for layer in built.layers if layer.weights]

    assert trained == [False] * frozen + [True] * (68 - frozen)


def test_layers_are_numbered_as_keras_numbers_them() -> None:
    own = keras.applications.VGG16(input_shape=SHAPE, include_top=False, weights=None)
    names = [layer.name for layer in own.layers]

    base = build_base(_vgg(trainable_from=names.index("block5_conv1")), SHAPE, 0)
    first = next(layer.name for layer in base.layers if layer.trainable_weights)
    assert first == "block5_conv1"


def test_a_layer_that_a_base_lacks_is_refused() -> None:
    chosen = config([{**SMALL, "weights": "none", "trainable_from": "conv_l"}, DENSE])

    assert error_of(lambda: build_model(chosen, SHAPE)) == (
        ("model", "layers", 0, "trainable_from"),
        "is not a layer of MobileNetV3Small",
        "the name of one of its layers, or a number below 105",
        "conv_l",
        "did you mean conv?",
    )


@pytest.mark.parametrize(
    ("parameters", "changes"),
    [({}, True), ({"training": False}, False), ({"trainable": False}, False)],
)
def test_normalization_gathers_only_where_a_base_computes_as_in_training(
    parameters: dict[str, object], changes: bool
) -> None:
    base = build_base(spec(**parameters), SHAPE, 0)
    before = base.get_layer("conv_bn").moving_mean.numpy()

    base(pixels(), training=True)

    assert np.any(base.get_layer("conv_bn").moving_mean.numpy() != before) == changes


def test_a_base_behind_other_layers_is_built_for_the_pictures_that_they_give() -> None:
    resized = {"type": "Resizing", "height": 48, "width": 40}

    model = build_model(config([resized, {**SMALL, "weights": "none"}, DENSE]), SHAPE)

    assert model.layers[1].input_shape == (None, 48, 40, 3)
    assert len(list(nested_layers(model))) == len(model.layers) + len(model.layers[1].layers)
