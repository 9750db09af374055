"""From arrays to the model's inputs."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.arrays import (
    ArrayFeature,
    fit_arrays,
    transform_arrays,
)
from dl.data.requirements import requirements_of
from dl.errors import DataError
from dl.progress import SilentReporter
from dl.rundir.typed import read_as
from dl.vocabulary.spec import Findings
from support.targets import make_arrays, make_config

CONV = {"type": "Conv2D", "filters": 2, "kernel_size": 3}
BYTES = np.array([[[0, 51], [102, 255]]] * 2, np.uint8)


class Notes(SilentReporter):
    """Collects notes."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def learned(x: object, config: Config, image: bool = False) -> ArrayFeature:
    feature = fit_arrays(make_arrays(None, x), requirements_of(config), image, SilentReporter())
    document = json.loads(json.dumps(asdict(feature)))
    assert read_as(ArrayFeature, document) == feature
    return feature


def test_bytes_are_divided_by_255() -> None:
    feature = learned(BYTES, make_config(), image=True)
    x = transform_arrays(make_arrays(None, BYTES), feature)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[0], [[0, 0.2], [0.4, 1]], rtol=1e-6)
    assert feature.pixel_max == 1


def test_given_scale_is_taken() -> None:
    feature = learned(BYTES, make_config(preprocess={"scale": 51}), image=True)
    assert transform_arrays(make_arrays(None, BYTES), feature)[0, 0, 1] == 1
    assert feature.pixel_max == 5


def test_bytes_stay_where_the_model_rescales() -> None:
    layers = [{"type": "RandomFlip"}, {"type": "Rescaling", "scale": 1 / 255}]
    feature = learned(BYTES[..., None], make_config(layers=layers), image=True)
    assert (feature.scale, feature.pixel_max) == (1, 255)


def test_float_rows_are_not_copied() -> None:
    x = np.ones((2, 3), np.float32)
    assert transform_arrays(make_arrays(None, x), learned(x, make_config())) is x


def test_channel_axis_is_added_for_a_convolution() -> None:
    reporter = Notes()
    rows = make_arrays(None, BYTES)
    feature = fit_arrays(rows, requirements_of(make_config(layers=[CONV])), True, reporter)
    assert feature.input_shape == (2, 2, 1)
    assert transform_arrays(rows, feature).shape == (2, 2, 2, 1)
    assert transform_arrays(make_arrays(None, BYTES[..., None]), feature).shape == (2, 2, 2, 1)
    assert reporter.notes == [
        "rows.npz: a channel axis is added to the pictures: (2, 2) becomes (2, 2, 1)"
    ]


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "MaxPooling2D"}],
        [{"type": "RandomRotation", "factor": 0.1}],
        [{"type": "Rescaling", "scale": 2.0}, CONV],
        [{"type": "Resizing", "height": 4, "width": 4}],
    ],
)
def test_channel_axis_is_added_for_other_layers_on_pictures(layers: list[object]) -> None:
    assert learned(BYTES, make_config(layers=layers)).channel_axis


@pytest.mark.parametrize("layers", [["Flatten"], [{"type": "LSTM", "units": 2}]])
def test_channel_axis_is_not_added_for_others(layers: list[object]) -> None:
    assert not learned(BYTES, make_config(layers=layers)).channel_axis


def test_given_input_shape_with_a_channel_is_met() -> None:
    config = make_config(layers=["Flatten"], model={"input_shape": (2, 2, 1)})
    assert learned(BYTES, config).input_shape == (2, 2, 1)


def test_input_layer_with_a_channel_is_met() -> None:
    declared = {"type": "Input", "shape": (2, 2, 1)}
    assert learned(BYTES, make_config(layers=[declared, "Flatten"])).input_shape == (2, 2, 1)


def test_input_layer_without_a_channel_is_met() -> None:
    declared = {"type": "Input", "shape": (2, 2)}
    assert learned(BYTES, make_config(layers=[declared, "Flatten"])).input_shape == (2, 2)


def test_given_input_shape_of_any_length_is_met() -> None:
    config = make_config(layers=["Flatten"], model={"input_shape": (None, 2)})
    assert learned(BYTES, config).input_shape == (2, 2)


def test_numbers_are_standardized_by_column() -> None:
    x = np.array([[1, 10, 7], [3, 30, 7]], np.float64)
    feature = learned(x, make_config(preprocess={"numeric": "standardize"}))
    assert (feature.center, feature.spread) == ((2, 20, 7), (1, 10, 1))
    scaled = transform_arrays(make_arrays(None, x), feature)
    assert scaled.tolist() == [[-1, -1, 0], [1, 1, 0]]
    assert x[0, 0] == 1


def test_numbers_are_scaled_to_their_range() -> None:
    x = np.array([[1, 5], [3, 5]], np.int64)
    feature = learned(x, make_config(preprocess={"numeric": "minmax"}))
    assert transform_arrays(make_arrays(None, x), feature).tolist() == [[0, 0], [1, 0]]


def test_float_rows_are_scaled_in_a_copy() -> None:
    x = np.array([[1], [3]], np.float32)
    feature = learned(x, make_config(preprocess={"numeric": "standardize"}))
    assert transform_arrays(make_arrays(None, x), feature).tolist() == [[-1], [1]]
    assert x.tolist() == [[1], [3]]


def test_pictures_are_standardized_as_a_whole() -> None:
    feature = learned(BYTES, make_config(preprocess={"numeric": "standardize"}), image=True)
    scaled = transform_arrays(make_arrays(None, BYTES), feature)
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-6)
    np.testing.assert_allclose(feature.pixel_max, scaled.max(), rtol=1e-6)


def test_blocks_of_rows_are_learned_like_all_rows() -> None:
    x = np.random.default_rng(0).normal(5, 3, (10_000, 2))
    feature = learned(x, make_config(preprocess={"numeric": "standardize"}))
    np.testing.assert_allclose(feature.center, x.mean(axis=0))
    np.testing.assert_allclose(feature.spread, x.std(axis=0))


def test_token_numbers_stay_whole() -> None:
    embedding = {"type": "Embedding", "input_dim": 300, "output_dim": 2}
    x = np.array([[0, 255], [3, 4]], np.uint8)
    feature = learned(x, make_config(layers=[embedding], preprocess={"numeric": "standardize"}))
    tokens = transform_arrays(make_arrays(None, x), feature)
    assert tokens.dtype == np.int32
    assert tokens.tolist() == x.tolist()


@pytest.mark.parametrize(("value", "found"), [(np.nan, "nan"), (np.inf, "inf"), (1e300, "1e+300")])
def test_input_that_is_no_float32_names_row_and_value(value: float, found: str) -> None:
    x = np.zeros((5000, 2))
    x[4999, 1] = value
    with pytest.raises(DataError) as raised:
        transform_arrays(make_arrays(None, x), learned(x, make_config()))
    (problem,) = raised.value.problems
    assert problem.message == (
        "rows.npz: row 4999 (the first is row 0): an input is not a finite number"
    )
    assert problem.found == f"{found} at position [1]"


def test_rows_of_another_shape_are_refused() -> None:
    feature = learned(np.zeros((2, 3)), make_config())
    with pytest.raises(DataError) as raised:
        transform_arrays(make_arrays(None, np.zeros((2, 4))), feature)
    (problem,) = raised.value.problems
    assert problem.message == "rows.npz: a row has another shape than the model was made for"
    assert (problem.expected, problem.found) == ("rows of the shape (3,)", "the shape (4,)")


@pytest.mark.parametrize("scaling", ["standardize", "minmax"])
@pytest.mark.parametrize("shift", [0.0, 1.7e9])
def test_numbers_far_from_zero_are_centred_before_they_are_rounded(
    scaling: str, shift: float
) -> None:
    x = np.arange(480, dtype=np.float64).reshape(-1, 1)
    config = make_config(preprocess={"numeric": scaling})
    of_zero = transform_arrays(make_arrays(None, x), learned(x, config))

    scaled = transform_arrays(make_arrays(None, x + shift), learned(x + shift, config))

    np.testing.assert_allclose(scaled, of_zero, rtol=0, atol=3e-7)


def test_inputs_that_float32_would_round_to_a_few_are_refused_without_scaling() -> None:
    x = 1.7e9 + np.arange(480, dtype=np.float64).reshape(-1, 1)
    with pytest.raises(Findings) as caught:
        learned(x, make_config())
    (finding,) = caught.value.findings
    assert finding.path == ("preprocess", "numeric")
    assert finding.hint == "write preprocess: {numeric: standardize}"
    assert learned(np.full((4, 1), 0.1), make_config()).scaling == "none"
