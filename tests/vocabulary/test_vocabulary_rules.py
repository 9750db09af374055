"""The rules between the parameters of one entry."""

from __future__ import annotations

import pytest

from dl.vocabulary.spec import Kind
from support.vocabulary import check_object

CONV = {"type": "Conv2D", "filters": 8, "kernel_size": 3}
CHECKPOINT = {"type": "ModelCheckpoint"}
STEPS = {"type": "PiecewiseConstantDecay"}
LOOKUP = {"type": "IntegerLookup", "vocabulary": [1, 2]}


@pytest.mark.parametrize(
    ("kind", "value", "path", "message"),
    [
        (
            Kind.LAYER,
            {**CONV, "strides": 2, "dilation_rate": [1, 2]},
            ("dilation_rate",),
            "must be 1 where `strides` is above 1",
        ),
        (Kind.LAYER, {**CONV, "groups": 3}, ("groups",), "must divide `filters`, which is 8"),
        (
            Kind.LAYER,
            {**CONV, "type": "Conv2DTranspose", "strides": [2, 1], "output_padding": 1},
            ("output_padding",),
            "must be smaller than `strides`",
        ),
        (
            Kind.LAYER,
            {"type": "RandomGaussianBlur", "kernel_size": 4},
            ("kernel_size",),
            "must be odd",
        ),
        (
            Kind.OPTIMIZER,
            {"type": "Adam", "clipnorm": 1, "clipvalue": 1},
            ("clipvalue",),
            "cannot be combined with `clipnorm`",
        ),
        (
            Kind.METRIC,
            {"type": "AUC", "num_labels": 3},
            ("num_labels",),
            "needs `multi_label: true`",
        ),
        (
            Kind.LAYER,
            {**LOOKUP, "output_mode": "tf_idf"},
            ("idf_weights",),
            "goes with `output_mode: tf_idf`, and only with it",
        ),
        (Kind.LAYER, {**LOOKUP, "salt": 1}, ("salt",), "needs `oov_method: farmhash`"),
        (
            Kind.LAYER,
            {**LOOKUP, "mask_token": 2},
            ("mask_token",),
            "must not be in `vocabulary`",
        ),
        (
            Kind.LAYER,
            {"type": "Normalization", "mean": [1, 2], "variance": 1},
            ("variance",),
            "must have as many numbers as `mean`",
        ),
        (
            Kind.INITIALIZER,
            {"type": "RandomUniform", "minval": 1, "maxval": 0},
            ("maxval",),
            "must not be below `minval`, which is 1",
        ),
        (
            Kind.LAYER,
            {"type": "Discretization", "bin_boundaries": [2, 1]},
            ("bin_boundaries",),
            "must be in rising order",
        ),
        (
            Kind.SCHEDULE,
            {**STEPS, "boundaries": [1, 2], "values": [0.1]},
            ("values",),
            "must be a list of 3 numbers, one more than `boundaries`",
        ),
        (
            Kind.LAYER,
            {"type": "Reshape", "target_shape": [-1, -1]},
            ("target_shape",),
            "must have at most one -1",
        ),
        (
            Kind.LAYER,
            {"type": "Permute", "dims": [2, 3]},
            ("dims",),
            "must hold 1 and 2, each once",
        ),
        (
            Kind.LAYER,
            {
                "type": "Resizing",
                "height": 8,
                "width": 8,
                "crop_to_aspect_ratio": True,
                "pad_to_aspect_ratio": True,
            },
            ("pad_to_aspect_ratio",),
            "must be false where the image is cropped",
        ),
        (
            Kind.METRIC,
            {"type": "IoU", "num_classes": 2, "target_class_ids": [0, 2]},
            ("target_class_ids", 1),
            "must be below `num_classes`, which is 2",
        ),
        (
            Kind.CALLBACK,
            {**CHECKPOINT, "filepath": "best.keras", "save_weights_only": True},
            ("filepath",),
            "must end in .weights.h5 where `save_weights_only` is true",
        ),
        (
            Kind.CALLBACK,
            {**CHECKPOINT, "filepath": "best.weights.h5"},
            ("filepath",),
            "must end in .keras where `save_weights_only` is false",
        ),
    ],
)
def test_broken_rule_is_found(
    kind: Kind, value: object, path: tuple[str, ...], message: str
) -> None:
    spec, findings = check_object(kind, value)

    assert spec is None
    assert [(finding.path, finding.message) for finding in findings] == [(path, message)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.LAYER, {**CONV, "strides": 2, "dilation_rate": 1, "groups": 4}),
        (Kind.LAYER, {**LOOKUP, "output_mode": "tf_idf", "idf_weights": [1, 2]}),
        (Kind.LAYER, {"type": "Permute", "dims": [2, 1]}),
        (Kind.OPTIMIZER, {"type": "Adam", "clipvalue": 1}),
        (Kind.SCHEDULE, {**STEPS, "boundaries": [1, 2], "values": [0.1, 0.2, 0.3]}),
    ],
)
def test_kept_rule_is_silent(kind: Kind, value: object) -> None:
    _, findings = check_object(kind, value)

    assert findings == []


def test_tensorboard_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    _, findings = check_object(Kind.CALLBACK, "TensorBoard")

    assert [finding.message for finding in findings] == [
        "needs the package tensorboard, which is not installed"
    ]
